from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.core.calibrating.scores import scores_of, sigmoid, softmax


def test_softmax_by_hand() -> None:
    found = softmax(np.float32([[0, np.log(3)], [5, 5]]))
    assert found == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
    assert found.dtype == np.float32


def test_softmax_is_safe_for_any_finite_logits() -> None:
    huge = float(np.finfo(np.float32).max)
    found = softmax(np.float32([[huge, -huge], [-huge, -huge], [1e4, 1e4 - 1]]))
    assert found[:2].tolist() == [[1, 0], [0.5, 0.5]]
    assert found[2] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.e)], abs=1e-6)


def test_sigmoids_are_the_softmax_against_nothing() -> None:
    logits = np.random.default_rng(0).normal(0, 20, (50, 7)).astype(np.float32)
    found = sigmoid(logits)
    against = softmax(np.stack([logits, np.zeros_like(logits)], axis=-1))[..., 0]
    assert found.dtype == np.float32
    assert found == pytest.approx(against, rel=1e-5)
    assert sigmoid(np.float32([-np.log(3), 0, np.log(3)])) == pytest.approx([0.25, 0.5, 0.75])
    huge = float(np.finfo(np.float32).max)
    assert sigmoid(np.float32([huge, -huge, 100, -100])).tolist()[:3] == [1, 0, 1]
    assert np.array_equal(scores_of(logits, multi_label=True), found)
    assert np.array_equal(scores_of(logits, multi_label=False), softmax(logits))


def test_a_temperature_divides_logits() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (40, 6)).astype(np.float32)
    for multi_label in (False, True):
        warm = scores_of(logits, multi_label=multi_label, temperature=2.0)
        assert warm.dtype == np.float32
        assert np.array_equal(warm, scores_of(logits / 2, multi_label=multi_label))
        assert np.array_equal(
            scores_of(logits, multi_label=multi_label, temperature=1.0),
            scores_of(logits, multi_label=multi_label),
        )
    by_hand = scores_of(np.float32([[0, 2 * np.log(3)]]), multi_label=False, temperature=2.0)
    assert by_hand == pytest.approx(np.array([[0.25, 0.75]]))


def test_a_cold_temperature_is_safe_for_any_finite_logits() -> None:
    huge = float(np.finfo(np.float32).max)
    logits = np.float32([[huge, -huge, 0], [huge, huge, -huge]])
    found = scores_of(logits, multi_label=False, temperature=0.001)
    assert found.tolist() == [[1, 0, 0], [0.5, 0.5, 0]]
    assert scores_of(logits, multi_label=True, temperature=0.001)[0].tolist() == [1, 0, 0.5]

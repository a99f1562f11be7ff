from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import Model
from wsnet_cli.engine.scores import aggregate_scores, scores_of, sigmoid, softmax
from wsnet_cli.engine.session import Classifier


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


def test_aggregates_by_hand() -> None:
    blocks = [np.float32([[0.25, 0.75], [1.0, 0.0]]), np.float32([[0.25, 0.75]])]
    assert aggregate_scores(iter(blocks)).tolist() == [0.5, 0.5]
    assert aggregate_scores(iter(blocks), "max").tolist() == [1.0, 0.75]
    assert aggregate_scores(iter(blocks), "max").dtype == np.float32


def test_no_such_aggregate(small_model: Model) -> None:
    def blocks() -> Iterator[np.ndarray]:
        raise AssertionError("the clip was opened")

    with pytest.raises(ParameterError, match="aggregate = 'median'; expected one of mean, max"):
        Classifier(small_model).hear(blocks, aggregate="median")
    with pytest.raises(ParameterError, match="no windows; expected one or more"):
        aggregate_scores(iter([]))

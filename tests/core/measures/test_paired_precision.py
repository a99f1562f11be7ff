from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from wsnet_cli.core.measures.paired_precision import compare_precision
from wsnet_cli.core.measures.weighted_ranking import Ranking


def make(seed: int, n: int = 40, n_classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((n, n_classes)) < 0.4
    good = np.clip(truth * 0.4 + rng.random((n, n_classes)) * 0.6, 0, 1).astype(np.float32)
    poor = rng.random((n, n_classes)).astype(np.float32)
    return truth, good, poor


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_scikit_learn_with_weights_and_ties(seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.random(30) < 0.3
    truth[0] = True
    scores = rng.integers(0, 8, 30).astype(np.float32)
    weights = rng.integers(0, 4, (6, 30))
    weights[:, 0] += 1
    found = Ranking(truth, scores).average_precision(weights)
    expected = [average_precision_score(truth, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(found, expected)


def test_the_values_are_means_over_classes():
    truth, good, poor = make(0)
    found = compare_precision(truth, good, poor, np.arange(len(truth)))
    for value, scores in zip(found.values, (good, poor), strict=True):
        assert value == pytest.approx(average_precision_score(truth, scores, average="macro"))
    low, high = found.interval
    assert 0 < low < found.values[0] - found.values[1] < high


def test_the_same_classifier_twice_differs_by_nothing():
    truth, good, _ = make(1)
    found = compare_precision(truth, good, good, np.arange(len(truth)))
    assert found.interval == (0.0, 0.0)
    assert found.values[0] == found.values[1]


def test_turned_round_it_is_mirrored():
    truth, good, poor = make(2)
    recordings = np.arange(len(truth))
    one = compare_precision(truth, good, poor, recordings)
    other = compare_precision(truth, poor, good, recordings)
    assert other.values == one.values[::-1]
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))


def test_clips_of_one_recording_are_drawn_together():
    truth, good, poor = (np.repeat(part, 8, axis=0) for part in make(3, n=12))
    apart = compare_precision(truth, good, poor, np.arange(96)).interval
    together = compare_precision(truth, good, poor, np.repeat(np.arange(12), 8)).interval
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


def test_a_class_that_no_clip_has_does_not_count():
    truth, good, poor = make(4)
    wider = np.hstack([truth, np.zeros((len(truth), 1), bool)])
    more = [np.hstack([scores, scores[:, :1]]) for scores in (good, poor)]
    recordings = np.arange(len(truth))
    assert compare_precision(wider, *more, recordings) == compare_precision(
        truth, good, poor, recordings
    )
    nothing = np.zeros_like(truth)
    assert compare_precision(nothing, good, poor, recordings).values == (0.0, 0.0)


def test_blocks_do_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch):
    truth, good, poor = make(5)
    whole = compare_precision(truth, good, poor, np.arange(len(truth)))
    monkeypatch.setattr("wsnet_cli.core.measures.bootstrap.CELLS_AT_ONCE", 300)
    assert compare_precision(truth, good, poor, np.arange(len(truth))) == whole

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wsnet_cli.core.measures.reliability import (
    N_BINS,
    expected_calibration_error,
    reliability_of_classes,
    reliability_of_decisions,
)


def test_by_hand():
    scores = np.float32([[0.9, 0.1], [0.6, 0.4], [0.35, 0.65], [0.3, 0.7]])
    truth = np.array([0, 1, 1, 1])
    found = reliability_of_classes(truth, scores.argmax(axis=1) == truth, scores)
    # Best scores 0.9, 0.6, 0.65, 0.7, of which the second is wrong; bins are 1/15 wide:
    # 0.9 in (13/15, 14/15], 0.65 in (9/15, 10/15], 0.7 in (10/15, 11/15], and 0.6 = 9/15, which as
    # a float32 is a little more, with 0.65.
    filled = {
        round(one.above * 15): (one.n_clips, one.accuracy) for one in found.bins if one.n_clips
    }
    assert filled == {9: (2, 0.5), 10: (1, 1.0), 13: (1, 1.0)}
    gaps = 2 * abs(0.5 - 0.625) + abs(1 - 0.7) + abs(1 - 0.9)
    assert found.calibration_error == pytest.approx(gaps / 4, abs=1e-6)
    assert found.negative_log_likelihood == pytest.approx(-np.log([0.9, 0.4, 0.65, 0.7]).mean())
    squares = [2 * 0.1**2, 2 * 0.6**2, 2 * 0.35**2, 2 * 0.3**2]
    assert found.brier_score == pytest.approx(np.mean(squares), rel=1e-6)


def test_bounds_of_the_bins():
    scores = np.array([0.0, 1 / 15, 2 / 15, 0.5, 1.0])
    found = reliability_of_decisions(np.ones((5, 1), bool), scores[:, None].astype(np.float64))
    counts = [one.n_clips for one in found.bins]
    assert counts == [2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert (found.bins[0].above, found.bins[-1].to) == (0.0, 1.0)
    assert [one.above for one in found.bins[1:]] == [one.to for one in found.bins[:-1]]
    assert (found.bins[2].score, found.bins[2].accuracy) == (None, None)


def test_perfect_and_hopeless():
    right = np.ones(8, bool)
    assert expected_calibration_error(np.ones(8, np.float32), right) == 0
    assert expected_calibration_error(np.ones(8, np.float32), ~right) == 1
    sure = np.eye(3, dtype=np.float32)
    found = reliability_of_classes(np.arange(3), right[:3], sure)
    assert (found.negative_log_likelihood, found.brier_score) == (0, 0)
    wrong = reliability_of_classes(np.array([1, 2, 0]), ~right[:3], sure)
    assert wrong.brier_score == 2
    assert wrong.negative_log_likelihood == pytest.approx(-np.log(1e-12))


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n, n_classes = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    raw = draw(arrays.arrays(np.float64, (n, n_classes), elements=st.integers(1, 50)))
    scores = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.array(draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n))), scores


@settings(deadline=None, max_examples=150)
@given(cases())
def test_against_scikit_learn_and_the_definition(case: tuple[np.ndarray, np.ndarray]):
    truth, scores = case
    classes = range(scores.shape[1])
    right = scores.argmax(axis=1) == truth
    found = reliability_of_classes(truth, right, scores)
    loss = sklearn.metrics.log_loss(truth, scores, labels=classes)
    assert found.negative_log_likelihood == pytest.approx(loss, rel=1e-5)
    hot = np.eye(len(classes))[truth]
    assert found.brier_score == pytest.approx(((scores - hot) ** 2).sum(axis=1).mean(), abs=1e-6)
    best = scores.max(axis=1).astype(np.float64)
    places = [next(i for i in range(N_BINS) if s * N_BINS <= i + 1) for s in best]
    gap = 0.0
    for i in set(places):
        inside = np.array(places) == i
        gap += abs(right[inside].mean() - best[inside].mean()) * inside.mean()
    assert found.calibration_error == pytest.approx(gap, abs=1e-9)
    assert expected_calibration_error(scores.max(axis=1), right) == found.calibration_error
    assert sum(one.n_clips for one in found.bins) == len(truth)
    assert 0 <= found.calibration_error <= 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_decisions_against_scikit_learn(data: st.DataObject):
    shape = data.draw(st.tuples(st.integers(1, 8), st.integers(1, 3)))
    truth = data.draw(arrays.arrays(np.bool_, shape))
    score = st.integers(1, 15).map(lambda n: n / 16)
    scores = data.draw(arrays.arrays(np.float32, shape, elements=score))
    found = reliability_of_decisions(truth, scores)
    loss = sklearn.metrics.log_loss(truth.ravel(), scores.ravel(), labels=[False, True])
    assert found.negative_log_likelihood == pytest.approx(loss, rel=1e-5)
    brier = sklearn.metrics.brier_score_loss(truth.ravel(), scores.ravel(), pos_label=True)
    assert found.brier_score == pytest.approx(brier, rel=1e-6)

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wsnet_cli.core.measures.ranking import area_under_roc, average_precision, ranks_of_truth
from wsnet_cli.core.measures.thresholds import THRESHOLDS, decision_curve, threshold_curve


def test_ranks_by_hand():
    scores = np.float32([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]])
    assert ranks_of_truth(np.array([0, 2, 0, 1]), scores).tolist() == [0, 2, 0, 1]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_ranks_are_places_in_a_stable_order(data: st.DataObject):
    n, n_classes = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 6))
    few = st.integers(0, 3).map(float)
    scores = data.draw(arrays.arrays(np.float32, (n, n_classes), elements=few))
    truth = np.array(data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)))
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = [row.tolist().index(c) for row, c in zip(order, truth, strict=True)]
    ranks = ranks_of_truth(truth, scores)
    assert ranks.tolist() == expected
    assert ((ranks == 0) == (scores.argmax(axis=1) == truth)).all()


def test_top_k_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    scores, truth = rng.random((60, 7)).astype(np.float32), np.arange(60) % 7
    for k in (1, 2, 3, 5):
        expected = sklearn.metrics.top_k_accuracy_score(truth, scores, k=k)
        assert (ranks_of_truth(truth, scores) < k).mean() == pytest.approx(expected)


def test_areas_are_none_where_they_make_no_sense():
    scores, none = np.float32([0.1, 0.9]), np.zeros(2, bool)
    assert (average_precision(none, scores), area_under_roc(none, scores)) == (None, None)
    assert (average_precision(~none, scores), area_under_roc(~none, scores)) == (1.0, None)
    half = np.array([False, True])
    assert (average_precision(half, scores), area_under_roc(half, scores)) == (1.0, 1.0)


def test_what_thresholds_leave():
    best, right = np.float32([0.35, 0.7, 0.7, 0.99]), np.array([False, True, False, True])
    curve = {point.threshold: point for point in threshold_curve(best, right)}
    assert tuple(curve) == THRESHOLDS
    assert (curve[0.0].n_told, curve[0.0].share, curve[0.0].accuracy) == (4, 1.0, 0.5)
    assert curve[0.35].n_told == 4  # a score of the same name reaches it, though float32 is less
    assert (curve[0.4].n_told, curve[0.4].accuracy) == (3, pytest.approx(2 / 3))
    assert (curve[0.7].n_told, curve[0.75].n_told, curve[0.75].accuracy) == (3, 1, 1.0)
    assert curve[0.99].n_told == 1
    nobody = threshold_curve(np.float32([0.2]), np.array([True]))[-1]
    assert (nobody.n_told, nobody.share, nobody.accuracy) == (0, 0.0, None)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_decisions_at_thresholds_are_those_of_scikit_learn(data: st.DataObject):
    shape = data.draw(st.tuples(st.integers(1, 8), st.integers(1, 3)))
    truth = data.draw(arrays.arrays(np.bool_, shape))
    score = st.integers(0, 20).map(lambda n: n / 20)
    scores = data.draw(arrays.arrays(np.float32, shape, elements=score))
    for point in decision_curve(truth, scores):
        decided = scores >= np.float32(point.threshold)
        both = (truth & decided).sum()
        assert point.precision == (pytest.approx(both / decided.sum()) if decided.any() else None)
        assert point.recall == (pytest.approx(both / truth.sum()) if truth.any() else None)

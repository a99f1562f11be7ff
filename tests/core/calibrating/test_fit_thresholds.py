from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.calibrating.calibration import Calibration, least_scores, told
from wsnet_cli.core.calibrating.fit_thresholds import LEAST_CLIPS, fit_thresholds, fit_unknown
from wsnet_cli.core.errors import GateError, ParameterError


def one_hot(classes: npt.ArrayLike, n: int) -> npt.NDArray[np.bool_]:
    return np.eye(n, dtype=np.bool_)[np.asarray(classes)]


def test_by_hand() -> None:
    """Ten clips of either class; two of the second are taken for the first, with 0.6 and 0.7."""
    of_first = [0.65, *[0.9] * 9]
    taken_for_first = [0.6, 0.7, *[0.1] * 8]
    first = np.float32([*of_first, *taken_for_first])
    scores = np.stack([first, 1 - first], axis=1)
    rows = fit_thresholds(scores, one_hot([0] * 10 + [1] * 10, 2))
    # At 0, 10 of 12 told are right: F1 = 20 / 22. From 0.65 on 10 of 11, from 0.9 on 9 of 9.
    assert rows[0].threshold == pytest.approx(0.625)
    assert (rows[0].f1_before, rows[0].f1) == (20 / 22, 20 / 21)
    # The second is never told wrongly: no threshold is better than none.
    assert (rows[1].threshold, rows[1].f1, rows[1].n_clips) == (0, 16 / 18, 10)
    assert all(row.is_fitted for row in rows)


def test_by_hand_of_several_labels() -> None:
    scores = np.float32([[0.2]] * 10 + [[0.1]] * 10)
    truth = np.array([[True]] * 10 + [[False]] * 10)
    (row,) = fit_thresholds(scores, truth, multi_label=True)
    assert row.threshold == pytest.approx(0.15)
    assert (row.f1_before, row.f1) == (0, 1)


def test_of_equal_thresholds_the_lowest_counts() -> None:
    """F1 is 2/3 from 0.1 on (10 right of 20) and from 0.9 on (5 right of 5)."""
    right = [0.2] * 5 + [0.95] * 5
    wrong = [0.5] * 10
    scores = np.float32([*right, *wrong])[:, np.newaxis]
    truth = np.array([[True]] * 10 + [[False]] * 10)
    (row,) = fit_thresholds(scores, truth, multi_label=True)
    assert (row.threshold, row.f1) == (0, 2 / 3)


def test_a_label_that_no_clip_has_and_none_is_told_to_has_no_f1() -> None:
    scores = np.float32([[0.6, 0.3, 0.1]] * LEAST_CLIPS)
    rows = fit_thresholds(scores, one_hot([1] * LEAST_CLIPS, 3))
    assert [(row.f1_before, row.f1) for row in rows] == [(0, 0), (0, 0), (None, None)]


def test_few_clips_keep_the_default() -> None:
    n = LEAST_CLIPS - 1
    scores = np.float32([[0.6, 0.4]] * n + [[0.7, 0.3]] * 20)
    truth = one_hot([0] * n + [1] * 20, 2)
    rows = fit_thresholds(scores, truth)
    assert (rows[0].threshold, rows[0].is_fitted, rows[0].n_clips) == (0, False, n)
    rows = fit_thresholds(scores, truth, multi_label=True)
    assert (rows[0].threshold, rows[0].is_fitted) == (0.5, False)
    assert rows[1].is_fitted


@given(seed=st.integers(0, 10**6), n_labels=st.integers(2, 5), multi_label=st.booleans())
@settings(max_examples=12, deadline=None)
def test_no_threshold_is_better(seed: int, n_labels: int, multi_label: bool) -> None:
    """F1 by the decision itself, at the threshold found, at the default, and at any score."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(n_labels), 40).astype(np.float32).round(2)
    truth = one_hot(rng.integers(0, n_labels, 40), n_labels)
    rows = fit_thresholds(scores, truth, multi_label=multi_label)

    def f1(label: int, threshold: float) -> float | None:
        own = [0.0] * n_labels
        own[label] = threshold
        least = least_scores(Calibration(1.0, tuple(own)), n_labels, multi_label=multi_label)
        named = np.array([label in told(row, least, multi_label=multi_label) for row in scores])
        total = named.sum() + truth[:, label].sum()
        return float(2 * (named & truth[:, label]).sum() / total) if total else None

    for label, row in enumerate(rows):
        assert row.n_clips == truth[:, label].sum()
        assert row.f1_before == f1(label, 0.5 if multi_label else 0.0)
        assert row.f1 == f1(label, row.threshold)
        assert row.threshold == round(row.threshold, 4) or row.threshold in scores
        if row.is_fitted:
            others = {f1(label, float(score)) for score in scores[:, label]} | {f1(label, 0.0)}
            assert row.f1 >= max(others)
            assert row.f1 >= row.f1_before


def test_unknown_by_hand() -> None:
    background = np.float32([0.125, 0.25, 0.5, 0.75])
    fit = fit_unknown(background, 0.25)
    assert (fit.threshold, fit.n_false, fit.false_alarm_rate) == (0.5001, 1, 0.25)
    assert fit_unknown(background, 0.0).threshold == 0.7501
    assert fit_unknown(background, 0.2499).threshold == 0.7501
    assert fit_unknown(background, 1.0).threshold == 0
    assert fit_unknown(np.float32([0.5] * 9 + [0.75]), 0.5).threshold == 0.5001


def test_all_that_a_rate_allows_may_pass() -> None:
    """0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.999999999999996."""
    background = np.linspace(0, 0.99, 100, dtype=np.float32)
    for percent in range(101):
        assert fit_unknown(background, percent / 100).n_false == percent


@given(
    scores=st.lists(st.floats(0, 1, width=32).filter(lambda x: x < 0.9997), min_size=1),
    rate=st.floats(0, 1),
)
@settings(max_examples=200, deadline=None)
def test_unknown_is_the_lowest(scores: list[float], rate: float) -> None:
    background = np.float32(scores)
    fit = fit_unknown(background, rate)
    exact = background.astype(np.float64)
    assert fit.n_false == (exact >= fit.threshold).sum()
    assert fit.false_alarm_rate <= rate + 1e-9
    if fit.threshold > 0:
        assert (exact >= round(fit.threshold - 1e-4, 4)).mean() > rate


def test_near_one_the_steps_are_finer():
    assert fit_unknown(np.float32([0.999953]), 0).threshold == 0.99996
    assert fit_unknown(np.float32([0.9999953]), 0).threshold == 0.999996
    assert fit_unknown(np.float32([0.999913]), 0).threshold == 0.99992


def test_background_that_scores_one_cannot_be_told_apart() -> None:
    background = np.float32([1, 1, 0.5])
    assert fit_unknown(background, 0.7).n_false == 2
    with pytest.raises(GateError, match="2 of 3 background clips score 1, so no threshold keeps"):
        fit_unknown(background, 0.5)
    with pytest.raises(ParameterError, match="0 background clips"):
        fit_unknown(background[:0], 0.5)
    with pytest.raises(ParameterError, match="max_rate = 5; expected clips and 0 to 1"):
        fit_unknown(background, 5)
    with pytest.raises(ParameterError, match=r"scores \(3, 1\), truth \(2, 1\)"):
        fit_thresholds(background[:, np.newaxis], np.ones((2, 1), np.bool_))

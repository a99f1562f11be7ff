from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from wsnet_cli.core.measures.bootstrap import (
    KINDS_FOR_COUNTS,
    N_RESAMPLES,
    SEED,
    ClassSums,
    Kinds,
    number_recordings,
)
from wsnet_cli.core.measures.class_bootstrap import ClassBootstrap, bootstrap_classes
from wsnet_cli.core.measures.label_bootstrap import LabelBootstrap, bootstrap_labels
from wsnet_cli.core.measures.weighted_ranking import Ranking

Ints = np.ndarray
FEW = 30


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsnet_cli.core.measures.bootstrap.N_RESAMPLES", FEW)


def drawn_of(kinds: Kinds, n_wide: int = 1) -> np.ndarray:
    return np.concatenate(list(kinds.draw(n_wide)))


# --------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize("n", [1, 7, 40])
def test_as_many_recordings_are_drawn_as_there_are(n: int):
    recordings = np.arange(n) // 2
    drawn = drawn_of(Kinds.of(recordings, np.arange(n)))
    assert drawn.shape == (N_RESAMPLES, recordings.max() + 1)
    assert (drawn.sum(axis=1) == recordings.max() + 1).all()
    assert np.abs(drawn.mean(axis=0) - 1).max() < 0.15  # a deviation of 1 / sqrt(2000) = 0.022


def test_clips_of_a_recording_are_drawn_together():
    kinds = Kinds.of(np.array([0, 1, 0, 2, 1]), np.arange(5))
    of_clips = drawn_of(kinds)[:, kinds.of_clips]
    assert (of_clips[:, 0] == of_clips[:, 2]).all()
    assert (of_clips[:, 1] == of_clips[:, 4]).all()
    assert (of_clips[:, 0] != of_clips[:, 1]).any()


def test_single_clips_are_drawn_by_kind():
    """Both ways of drawing give the distribution of how often a kind is drawn: binomial."""
    codes = np.repeat([4, 9, 2], [30, 50, 20])
    few = Kinds.of(np.arange(100), codes)
    assert few.counts.tolist() == [20, 30, 50]
    assert codes[few.clips].tolist() == [2, 4, 9]
    assert few.counts.sum() >= KINDS_FOR_COUNTS * len(few.counts)
    every = Kinds.of(np.arange(20), np.repeat([4, 9, 2], [6, 10, 4]))
    assert every.counts.sum() < KINDS_FOR_COUNTS * len(every.counts)
    for kinds in (few, every):
        drawn, n = drawn_of(kinds), kinds.counts.sum()
        shares = kinds.counts / n
        assert drawn.mean(axis=0) == pytest.approx(n * shares, rel=0.03)
        assert drawn.var(axis=0) == pytest.approx(n * shares * (1 - shares), rel=0.15)


def test_blocks_change_nothing_but_their_size(monkeypatch: pytest.MonkeyPatch):
    recordings = np.arange(50) // 2
    whole = drawn_of(Kinds.of(recordings, recordings))
    monkeypatch.setattr("wsnet_cli.core.measures.bootstrap.CELLS_AT_ONCE", 1 << 10)
    blocks = list(Kinds.of(recordings, recordings).draw(100))
    assert {len(block) for block in blocks} <= {10, N_RESAMPLES % 10}
    assert np.array_equal(np.concatenate(blocks), whole)


def test_recordings_are_numbered_by_their_first_clip():
    names = [("group", "a"), ("file", "a"), ("group", "a"), ("file", "b")]
    assert number_recordings(names).tolist() == [0, 1, 0, 2]


def test_sums_of_classes():
    drawn = np.array([[1, 2, 4], [0, 1, 1]], np.int32)
    sums = ClassSums(np.array([0, 1, 1, 2]), np.array([2, 0, 2, 2]), 4).of(drawn)
    assert sums.tolist() == [[2, 0, 7, 0], [1, 0, 2, 0]]
    empty = np.array([], np.int64)
    assert ClassSums(empty, empty, 2).of(drawn).tolist() == [[0, 0], [0, 0]]


# ------------------------------------------------------------------------------ one label


def slow(
    truth: Ints, predicted: Ints, n_classes: int, hit: Ints, recordings: Ints
) -> dict[str, tuple[float, float]]:
    """The same by plain resampling of indices, and scikit-learn."""
    rng = np.random.default_rng(SEED)
    n = recordings.max() + 1
    members = [np.flatnonzero(recordings == r) for r in range(n)]
    found: dict[str, list[float]] = {"accuracy": [], "balanced": [], "macro": [], "hit": []}
    for _ in range(FEW):
        clips = np.concatenate([members[r] for r in rng.integers(0, n, n, np.int32)])
        t, p = truth[clips], predicted[clips]
        present = np.unique(t)
        recall = sklearn.metrics.recall_score(t, p, labels=present, average=None, zero_division=0)
        f1 = sklearn.metrics.f1_score(t, p, average="macro", zero_division=0)
        found["accuracy"].append(float((t == p).mean()))
        found["balanced"].append(float(recall.mean()))
        found["macro"].append(float(f1))
        found["hit"].append(float(hit[clips].mean()))
    return {key: tuple(np.quantile(values, (0.025, 0.975))) for key, values in found.items()}


@pytest.mark.usefixtures("few_resamples")
def test_intervals_are_those_of_plain_resampling():
    """With groups the same recordings are drawn: every number is the same."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 30)
    predicted = np.where(rng.random(30) < 0.6, truth, rng.integers(0, 5, 30))
    hit = (rng.random(30) < 0.8).astype(bool)
    recordings = np.unique(rng.integers(0, 14, 30), return_inverse=True)[1]
    found, (of_hit,) = bootstrap_classes(truth, predicted, 6, [hit], recordings)
    expected = slow(truth, predicted, 6, hit, recordings)
    assert found.accuracy == pytest.approx(expected["accuracy"])
    assert found.balanced_accuracy == pytest.approx(expected["balanced"])
    assert found.macro_f1 == pytest.approx(expected["macro"])
    assert of_hit == pytest.approx(expected["hit"])


def test_the_interval_of_single_clips_is_that_of_scipy():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 200)
    predicted = np.where(rng.random(200) < 0.7, truth, rng.integers(0, 3, 200))
    found, _ = bootstrap_classes(truth, predicted, 3, [], np.arange(200))
    reference = bootstrap(
        ((truth == predicted).astype(float),), np.mean, method="percentile", rng=1
    ).confidence_interval
    np.testing.assert_allclose(found.accuracy, reference, atol=0.01)


def test_clips_of_one_recording_say_less_than_clips_of_many():
    """Ten copies of each clip leave the accuracy as it is, and its interval as wide."""
    rng = np.random.default_rng(3)
    truth = np.zeros(60, np.int64)
    predicted = (rng.random(60) < 0.3).astype(np.int64)
    alone, _ = bootstrap_classes(truth, predicted, 2, [], np.arange(60))
    copies = [np.repeat(column, 10) for column in (truth, predicted)]
    together, _ = bootstrap_classes(*copies, 2, [], np.repeat(np.arange(60), 10))
    fooled, _ = bootstrap_classes(*copies, 2, [], np.arange(600))
    assert together.accuracy == pytest.approx(alone.accuracy, abs=0.02)
    assert together.accuracy
    assert fooled.accuracy
    assert np.ptp(fooled.accuracy) < 0.5 * np.ptp(together.accuracy)


def test_one_recording_has_no_interval():
    truth, recordings = np.array([0, 1, 1]), np.zeros(3, np.int64)
    assert bootstrap_classes(truth, truth, 2, [truth == 0], recordings) == (
        ClassBootstrap(None, None, None),
        [None],
    )
    flags = np.eye(3, dtype=bool)
    assert bootstrap_labels(flags, flags, flags.astype(np.float32), recordings) == LabelBootstrap()


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_class_that_is_always_right_stays_so(data: st.DataObject):
    n = data.draw(st.integers(2, 12))
    truth = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    found, (of_hit,) = bootstrap_classes(truth, truth, 4, [truth >= 0], np.arange(n))
    assert found.accuracy == found.balanced_accuracy == found.macro_f1 == of_hit == (1.0, 1.0)


# -------------------------------------------------------------------------- several labels


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_weighted_areas_are_those_of_scikit_learn(data: st.DataObject):
    n = data.draw(st.integers(2, 10))
    truth = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    eighths = st.lists(st.integers(0, 8), min_size=n, max_size=n)
    scores = np.float32(data.draw(eighths)) / 8
    weights = np.array([data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))], np.int32)
    precision, area = (float(values[0]) for values in Ranking(truth, scores).areas(weights))
    clips = np.repeat(np.arange(n), weights[0])
    if not truth[clips].any():
        assert np.isnan(precision)
        assert np.isnan(area)
        return
    expected = sklearn.metrics.average_precision_score(truth[clips], scores[clips])
    assert precision == pytest.approx(expected)
    if truth[clips].all():
        assert np.isnan(area)
    else:
        expected = sklearn.metrics.roc_auc_score(truth[clips], scores[clips])
        assert area == pytest.approx(expected)


@pytest.mark.usefixtures("few_resamples")
def test_intervals_of_several_labels_are_those_of_plain_resampling():
    rng = np.random.default_rng(7)
    truth = rng.random((24, 3)) < 0.4
    scores = np.clip(0.4 * truth + 0.6 * rng.random((24, 3)), 0, 1).astype(np.float32)
    decided = scores >= 0.5
    recordings = np.repeat(np.arange(12), 2)
    found = bootstrap_labels(truth, decided, scores, recordings)
    drawing = np.random.default_rng(SEED)
    columns: list[list[float]] = []
    for _ in range(FEW):
        clips = (2 * drawing.integers(0, 12, 12, np.int32)[:, None] + np.arange(2)).ravel()
        t, d, s = truth[clips], decided[clips], scores[clips]
        present = [c for c in range(3) if t[:, c].any()]
        mixed = [c for c in present if not t[:, c].all()]
        f1 = sklearn.metrics.f1_score(t, d, average="macro", zero_division=np.nan)
        areas = [sklearn.metrics.average_precision_score(t[:, c], s[:, c]) for c in present]
        under = [sklearn.metrics.roc_auc_score(t[:, c], s[:, c]) for c in mixed]
        micro = sklearn.metrics.f1_score(t, d, average="micro", zero_division=0)
        right = (t == d).all(axis=1).mean()
        columns.append([right, f1, micro, np.mean(areas), np.mean(under)])
    expected = np.quantile(np.array(columns), (0.025, 0.975), axis=0).T
    np.testing.assert_allclose(
        [
            *(found.accuracy, found.macro_f1, found.micro_f1),
            *(found.mean_average_precision, found.mean_auroc),
        ],
        expected,
        rtol=1e-9,
    )


def test_areas_of_too_many_scores_have_no_interval(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wsnet_cli.core.measures.label_bootstrap.N_SCORES_RANKED", 5)
    truth = np.eye(3, dtype=bool)
    found = bootstrap_labels(truth, truth, truth.astype(np.float32), np.arange(3))
    assert (found.mean_average_precision, found.mean_auroc) == (None, None)
    assert found.micro_f1 == (1.0, 1.0)

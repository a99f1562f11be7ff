from __future__ import annotations

import json
import random
from statistics import NormalDist

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.measures.metrics import NORMAL_QUANTILE_95, measure, wilson_interval

LABELS = ("cat", "dog", "owl")
CONFUSION = ((5, 1, 0), (2, 3, 1), (0, 0, 8))


def pairs_of(confusion: tuple[tuple[int, ...], ...]) -> tuple[list[int], list[int]]:
    """Clips in mixed order that give a confusion matrix, as true and predicted classes."""
    clips = [
        (truth, predicted)
        for truth, row in enumerate(confusion)
        for predicted, n in enumerate(row)
        for _ in range(n)
    ]
    random.Random(0).shuffle(clips)
    return [truth for truth, _ in clips], [predicted for _, predicted in clips]


def test_quantile_is_that_of_the_normal_distribution() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-12) == NORMAL_QUANTILE_95


def test_wilson_by_hand() -> None:
    low, high = wilson_interval(8, 10)  # Wikipedia and R's prop.test: 0.490, 0.943
    assert (low, high) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson_interval(0, 10) == pytest.approx((0, 3.8414588 / 13.8414588), abs=1e-7)
    assert wilson_interval(10, 10) == pytest.approx((10 / 13.8414588, 1), abs=1e-7)


def test_the_wilson_interval_of_none_or_all_ends_exactly() -> None:
    for n in (*range(1, 200), 12.5):
        assert wilson_interval(0, n)[0] == 0
        assert wilson_interval(n, n)[1] == 1


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 10_000), st.data())
def test_ends_of_the_wilson_interval_solve_its_equation(n: int, data: st.DataObject) -> None:
    n_right = data.draw(st.integers(0, n))
    rate = n_right / n
    low, high = wilson_interval(n_right, n)
    assert 0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1
    assert low < high
    for end in (low, high):
        spread = NORMAL_QUANTILE_95**2 * end * (1 - end) / n
        assert (rate - end) ** 2 == pytest.approx(spread, rel=1e-9, abs=1e-15)
    assert wilson_interval(n - n_right, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("n_right", "n"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_impossible_proportion_is_refused(n_right: int, n: int) -> None:
    with pytest.raises(ParameterError, match=rf"^n_right = {n_right} of n = {n}; expected 0 <="):
        wilson_interval(n_right, n)


def test_measures_by_hand() -> None:
    metrics = measure(*pairs_of(CONFUSION), LABELS)
    assert (metrics.n_clips, metrics.n_right) == (20, 16)
    assert metrics.accuracy == 0.8
    assert metrics.accuracy_interval == wilson_interval(16, 20)
    assert metrics.confusion == CONFUSION
    cat, dog, owl = metrics.per_class
    assert (cat.label, dog.label, owl.label) == LABELS
    assert (cat.precision, cat.recall) == pytest.approx((5 / 7, 5 / 6))
    assert (dog.precision, dog.recall) == pytest.approx((3 / 4, 3 / 6))
    assert (owl.precision, owl.recall) == pytest.approx((8 / 9, 8 / 8))
    f1 = (2 * 5 / (7 + 6), 2 * 3 / (4 + 6), 2 * 8 / (9 + 8))
    assert (cat.f1, dog.f1, owl.f1) == pytest.approx(f1)
    assert (cat.support, dog.support, owl.support) == (6, 6, 8)
    assert metrics.macro_f1 == pytest.approx(sum(f1) / 3)
    assert metrics.balanced_accuracy == pytest.approx((5 / 6 + 3 / 6 + 1) / 3)


def test_rates_of_nothing_are_none_and_count_in_no_mean() -> None:
    metrics = measure([0, 0, 0, 2, 4], [0, 0, 1, 2, 0], ("a", "b", "c", "d", "e"))
    a, b, c, d, e = metrics.per_class
    assert (a.precision, a.recall, a.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (b.precision, b.recall, b.f1, b.support) == (0, None, 0, 0)
    assert (c.precision, c.recall, c.f1) == (1, 1, 1)
    assert (d.precision, d.recall, d.f1, d.support) == (None, None, None, 0)
    assert (e.precision, e.recall, e.f1, e.support) == (None, 0, 0, 1)
    assert metrics.balanced_accuracy == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)
    rows = ((2, 1, 0, 0, 0), (0,) * 5, (0, 0, 1, 0, 0), (0,) * 5, (1, 0, 0, 0, 0))
    assert metrics.confusion == rows


def test_a_part_of_the_classes_all_right_has_a_macro_f1_of_1() -> None:
    metrics = measure([1, 1, 3], [1, 1, 3], ("a", "b", "c", "d"), recordings=np.arange(3))
    assert (metrics.macro_f1, metrics.balanced_accuracy) == (1, 1)
    assert metrics.bootstrap.macro_f1 == (1, 1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_macro_f1_is_scikit_learns_by_default(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    expected = sklearn.metrics.f1_score(truth, predicted, average="macro", zero_division=0)
    assert measure(truth, predicted, tuple("abcde")).macro_f1 == pytest.approx(expected)


def test_json_is_plain_and_complete() -> None:
    metrics = measure(*pairs_of(CONFUSION), LABELS)
    values = json.loads(json.dumps(metrics.as_json(), allow_nan=False))
    assert values == metrics.as_json()
    assert values["confusion"] == {"labels": list(LABELS), "matrix": [list(r) for r in CONFUSION]}
    assert values["accuracy_interval"] == list(wilson_interval(16, 20))
    assert values["per_class"][1] == {
        "label": "dog",
        "precision": 0.75,
        "precision_interval": list(wilson_interval(3, 4)),
        "recall": 0.5,
        "recall_interval": list(wilson_interval(3, 6)),
        "f1": pytest.approx(0.6),
        "auroc": None,
        "average_precision": None,
        "support": 6,
    }
    assert {key: values[key] for key in ("n_clips", "n_right", "accuracy")} == {
        "n_clips": 20,
        "n_right": 16,
        "accuracy": 0.8,
    }


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "0 clips and 0 predictions; expected as many, at least 1"),
        ([0, 1], [0], "2 clips and 1 predictions; expected as many, at least 1"),
        ([0, 3], [0, 1], "class 3; expected 0 to 2, one of the labels"),
        ([0, 1], [-1, 1], "class -1; expected 0 to 2, one of the labels"),
    ],
)
def test_wrong_input_is_refused(truth: list[int], predicted: list[int], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{message}"):
        measure(truth, predicted, LABELS)


SCORES = np.float32(
    [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.4, 0.35, 0.25], [0.3, 0.3, 0.4], [0.1, 0.2, 0.7]]
)


def test_measures_of_scores_by_hand() -> None:
    truth = [0, 1, 1, 2, 0]
    metrics = measure(truth, SCORES.argmax(axis=1), LABELS, SCORES, np.array([0, 0, 1, 1, 2]))
    assert (metrics.n_clips, metrics.n_right, metrics.n_recordings) == (5, 3, 3)
    (top,) = metrics.top_k  # of three classes only 2 is less
    assert (top.k, top.n_right, top.accuracy) == (2, 4, 0.8)
    assert top.accuracy_interval == wilson_interval(4, 5)
    cat, dog, owl = metrics.per_class
    # cat: clips 0 and 4 against 1, 2, 3, by score 0.5 and 0.1 against 0.2, 0.4, 0.3.
    assert cat.auroc == pytest.approx(3 / 6)
    assert cat.average_precision == pytest.approx((1 + 2 / 5) / 2)
    assert dog.auroc == pytest.approx(1.0)
    assert owl.auroc == pytest.approx(3 / 4)
    assert metrics.reliability is not None
    assert metrics.reliability.negative_log_likelihood == pytest.approx(
        -np.log([0.5, 0.5, 0.35, 0.4, 0.1]).mean()
    )
    assert metrics.threshold_curve[0].accuracy == 0.6
    values = json.loads(json.dumps(metrics.as_json(), allow_nan=False))
    assert values == metrics.as_json()
    assert values["calibration_error"] == metrics.reliability.calibration_error


def test_seeds_look_at_the_same_clips_again() -> None:
    """Twice the same answers: the same rates and intervals, twice the counts."""
    truth = np.array([0, 1, 1, 2, 0])
    found = SCORES.argmax(axis=1)
    once = measure(truth, found, LABELS, SCORES)
    both, again = np.tile(truth, 2), np.tile(SCORES, (2, 1))
    twice = measure(both, np.tile(found, 2), LABELS, again, np.tile(np.arange(5), 2), n_seeds=2)
    assert (twice.n_clips, twice.n_right) == (10, 6)
    assert twice.accuracy_interval == pytest.approx(once.accuracy_interval)
    assert twice.top_k[0].accuracy_interval == pytest.approx(once.top_k[0].accuracy_interval)
    assert (twice.n_recordings, twice.reliability) == (5, twice.reliability)
    assert twice.reliability is not None
    assert once.reliability is not None
    assert twice.reliability.calibration_error == pytest.approx(once.reliability.calibration_error)
    for row, other in zip(twice.per_class, once.per_class, strict=True):
        assert row.auroc == other.auroc
        assert row.recall_interval == pytest.approx(other.recall_interval)
        assert row.precision_interval == pytest.approx(other.precision_interval)


def test_unfitting_scores_and_recordings_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"scores \(5, 3\); expected \(2, 3\)"):
        measure([0, 1], [0, 1], LABELS, SCORES)
    with pytest.raises(ParameterError, match=r"recordings \(3,\); expected \(2,\)"):
        measure([0, 1], [0, 1], LABELS, None, np.arange(3))

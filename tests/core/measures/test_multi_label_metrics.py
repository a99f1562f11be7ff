from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wsnet_cli.core.calibrating.calibration import DECISION
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.measures.metrics import wilson_interval
from wsnet_cli.core.measures.multi_label_metrics import measure_labels

LABELS = ("cat", "dog", "owl")
TRUTH = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], bool)
SCORES = np.float32([[0.9, 0.8, 0.1], [0.6, 0.3, 0.2], [0.4, 0.7, 0.3], [0.5, 0.1, 0.6]])


def test_measures_by_hand() -> None:
    metrics = measure_labels(TRUTH, SCORES, LABELS)
    cat, dog, owl = metrics.per_class
    # cat: decided for clips 0, 1, 3, of which 1 is wrong; by score 0 (right), 1, 3 (right), 2.
    assert (cat.precision, cat.recall, cat.f1) == pytest.approx((2 / 3, 1, 0.8))
    assert cat.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert cat.auroc == pytest.approx(3 / 4)
    # dog: decided for clips 0, 2; by score 0 (right), 2, 1 (right), 3.
    assert (dog.precision, dog.recall, dog.f1) == (0.5, 0.5, 0.5)
    assert dog.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert dog.auroc == pytest.approx(3 / 4)
    assert (owl.average_precision, owl.auroc) == (None, None)
    assert (owl.precision, owl.recall, owl.f1, owl.support) == (0, None, 0, 0)
    assert [row.support for row in metrics.per_class] == [2, 2, 0]
    assert metrics.mean_average_precision == pytest.approx(5 / 6)
    assert metrics.mean_auroc == pytest.approx(3 / 4)
    assert metrics.macro_f1 == pytest.approx(1.3 / 3)
    assert metrics.micro_f1 == pytest.approx(2 * 3 / (6 + 4))  # 3 right of 6 decided, 4 true
    assert (metrics.n_clips, metrics.n_right, metrics.accuracy) == (4, 1, 0.25)
    assert metrics.accuracy_interval == wilson_interval(1, 4)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 4)))
    score = st.integers(0, 8).map(lambda n: n / 8)
    return (
        draw(arrays.arrays(np.bool_, shape)),
        draw(arrays.arrays(np.float32, shape, elements=score)),
    )


def area(truth: np.ndarray, scores: np.ndarray) -> float:
    """The share of pairs of a clip that has the class and one that has not in the right order."""
    pairs = scores[truth][:, np.newaxis] - scores[~truth]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """The mean over clips that have the class of the precision among all that score as well."""
    above = [scores >= score for score in scores[truth]]
    return float(np.mean([truth[chosen].mean() for chosen in above]))


def share(above: float, below: int) -> Any:
    """What to compare with: None where it would divide by 0."""
    return pytest.approx(above / below) if below else None


@settings(deadline=None, max_examples=50)
@given(cases())
def test_measures_follow_their_definitions(case: tuple[np.ndarray, np.ndarray]) -> None:
    truth, scores = case
    labels = [f"{c}" for c in range(truth.shape[1])]
    metrics = measure_labels(truth, scores, labels)
    decided = scores >= DECISION
    for c, row in enumerate(metrics.per_class):
        both = int((truth[:, c] & decided[:, c]).sum())
        n_true, n_decided = int(truth[:, c].sum()), int(decided[:, c].sum())
        assert row.support == n_true
        assert row.f1 == share(2 * both, n_true + n_decided)
        assert row.precision == share(both, n_decided)
        assert row.recall == share(both, n_true)
        if n_true:
            assert row.average_precision == pytest.approx(
                average_precision(truth[:, c], scores[:, c])
            )
        if 0 < n_true < len(truth):
            assert row.auroc == pytest.approx(area(truth[:, c], scores[:, c]))
        else:
            assert row.auroc is None
    known = [row.f1 for row in metrics.per_class if row.f1 is not None]
    assert metrics.macro_f1 == share(sum(known), len(known))
    n_both = int((truth & decided).sum())
    assert metrics.micro_f1 == share(2 * n_both, int(truth.sum() + decided.sum()))
    assert metrics.n_right == sum(map(np.array_equal, truth, decided))
    text = json.dumps(metrics.as_json(), allow_nan=False)
    assert json.loads(text)["multi_label"] is True


@pytest.mark.parametrize(
    ("truth", "scores", "labels"),
    [
        (TRUTH[:0], SCORES[:0], LABELS),
        (TRUTH, SCORES[1:], LABELS),
        (TRUTH, SCORES, LABELS[1:]),
        (TRUTH[:, 1:], SCORES, LABELS),
    ],
)
def test_what_does_not_fit_is_refused(
    truth: np.ndarray, scores: np.ndarray, labels: tuple[str, ...]
) -> None:
    with pytest.raises(ParameterError, match="expected a row for each of one clip or more"):
        measure_labels(truth, scores, labels)

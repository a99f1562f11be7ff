"""What is measured of a classifier, computed once for training, evaluating and reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .errors import ParameterError

NORMAL_QUANTILE_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall and F1 in [0, 1] (0 where undefined), and its clips."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Metrics:
    """Measures over clips; rates in [0, 1].

    Args:
        n_clips: clips with a prediction.
        n_right: of these, predicted right.
        accuracy: n_right / n_clips.
        accuracy_interval: 95 % Wilson interval of the accuracy.
        balanced_accuracy: mean recall of the classes that have clips.
        macro_f1: mean F1 of all classes.
        per_class: in the order of the labels.
        confusion: rows are true classes, columns predicted ones, in the order of the labels.
    """

    n_clips: int
    n_right: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    per_class: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        values = asdict(self)
        values["accuracy_interval"] = list(self.accuracy_interval)
        values["per_class"] = [asdict(row) for row in self.per_class]
        values["confusion"] = {
            "labels": [row.label for row in self.per_class],
            "matrix": [list(row) for row in self.confusion],
        }
        return values


def measure(truth: Sequence[int], predicted: Sequence[int], labels: Sequence[str]) -> Metrics:
    """Compute all measures from true and predicted classes.

    Args:
        truth: class of each clip, 0-based.
        predicted: class predicted for each clip.
        labels: names of the classes.

    Raises:
        ParameterError: there are no clips, not as many predictions, or a class without a label.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    if len(truth) == 0 or len(truth) != len(predicted):
        raise ParameterError(
            f"{len(truth)} clips and {len(predicted)} predictions; expected as many, at least 1"
        )
    classes = list(range(len(labels)))
    for c in (*truth, *predicted):
        if not 0 <= c < len(labels):
            raise ParameterError(f"class {c}; expected 0 to {len(labels) - 1}, one of the labels")
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=0
    )
    confusion = confusion_matrix(truth, predicted, labels=classes)
    n_right = int(confusion.trace())
    seen = [float(recall[c]) for c in classes if support[c] > 0]
    rows = (
        ClassMetrics(
            labels[c], float(precision[c]), float(recall[c]), float(f1[c]), int(support[c])
        )
        for c in classes
    )
    return Metrics(
        n_clips=len(truth),
        n_right=n_right,
        accuracy=n_right / len(truth),
        accuracy_interval=wilson_interval(n_right, len(truth)),
        balanced_accuracy=sum(seen) / len(seen),
        macro_f1=float(sum(f1) / len(classes)),
        per_class=tuple(rows),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def wilson_interval(n_right: float, n: int) -> tuple[float, float]:
    """95 % score interval of a proportion.

    Args:
        n_right: successes, 0 to n; a mean of several counts need not be whole.
        n: trials, >= 1.

    Returns: lower and upper end in [0, 1].
    Source: E. B. Wilson, Probable Inference, JASA 22 (1927).

    >>> [round(end, 3) for end in wilson_interval(74, 80)]
    [0.846, 0.965]
    """
    if not 0 <= n_right <= n or n < 1:
        raise ParameterError(f"n_right = {n_right} of n = {n}; expected 0 <= n_right <= n, n >= 1")
    z2 = NORMAL_QUANTILE_95**2
    rate = n_right / n
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_QUANTILE_95 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)

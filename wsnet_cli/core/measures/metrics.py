"""What is measured of a classifier, computed once for training, evaluating and reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from ..errors import ParameterError
from ..quant import Array
from .bootstrap import Interval, Ints
from .class_bootstrap import ClassBootstrap, bootstrap_classes
from .ranking import TOP_K, area_under_roc, average_precision, ranks_of_truth
from .reliability import Reliability, reliability_of_classes
from .thresholds import ThresholdPoint, threshold_curve

NORMAL_QUANTILE_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class ClassMetrics:
    """One class: rates in [0, 1], and how many clips are of it.

    Precision is None where no clip was taken for the class, recall where none is of it, F1 where
    both; the intervals, which are Wilson's, with their rates. AUROC and average precision, of this
    class against all others, are None where no clip is of it or scores are not known; AUROC also
    where all are.
    """

    label: str
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None
    auroc: float | None
    average_precision: float | None
    support: int


@dataclass(frozen=True)
class TopK:
    """How many clips have the true class among the k best, and the share, in [0, 1].

    `accuracy_interval` is Wilson's, `bootstrap_interval` as in `ClassBootstrap`.
    """

    k: int
    n_right: int
    accuracy: float
    accuracy_interval: Interval
    bootstrap_interval: Interval | None


@dataclass(frozen=True)
class Metrics:
    """Measures over clips; rates in [0, 1].

    Args:
        n_clips: clips with a prediction, each as often as there are seeds.
        n_right: of these, predicted right.
        accuracy: n_right / n_clips.
        accuracy_interval: its 95 % Wilson interval, with n_clips / seeds trials.
        balanced_accuracy: mean recall of the classes that have clips.
        macro_f1: mean F1 of the classes that have one, as scikit-learn's by default.
        n_recordings: independent recordings that the clips are of.
        bootstrap: 95 % intervals by resampling recordings.
        top_k: for each of `TOP_K` that is less than the number of classes; empty without scores.
        reliability: scores as probabilities; None without scores.
        threshold_curve: what thresholds would leave; empty without scores.
        per_class: in the order of the labels.
        confusion: rows are true classes, columns predicted ones, in the order of the labels.
    """

    n_clips: int
    n_right: int
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    macro_f1: float
    n_recordings: int
    bootstrap: ClassBootstrap
    top_k: tuple[TopK, ...]
    reliability: Reliability | None
    threshold_curve: tuple[ThresholdPoint, ...]
    per_class: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "n_clips": self.n_clips,
            "n_right": self.n_right,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "balanced_accuracy": self.balanced_accuracy,
            "macro_f1": self.macro_f1,
            "n_recordings": self.n_recordings,
            "bootstrap": plain(asdict(self.bootstrap)),
            "top_k": [plain(asdict(row)) for row in self.top_k],
            **(self.reliability.as_json() if self.reliability else Reliability.unknown_json()),
            "threshold_curve": [asdict(point) for point in self.threshold_curve],
            "per_class": [plain(asdict(row)) for row in self.per_class],
            "confusion": {
                "labels": [row.label for row in self.per_class],
                "matrix": [list(row) for row in self.confusion],
            },
        }


def measure(
    truth: Sequence[int] | Ints,
    predicted: Sequence[int] | Ints,
    labels: Sequence[str],
    scores: Array | None = None,
    recordings: Ints | None = None,
    n_seeds: int = 1,
) -> Metrics:
    """Compute all measures.

    Args:
        truth: class of each clip, 0-based, [n], n >= 1.
        predicted: class predicted for each clip, [n].
        labels: names of the classes.
        scores: of each class, [n, n_classes] in [0, 1]; None where they were not kept.
        recordings: number of the recording that each clip is of, 0-based without gaps, [n];
            None: each clip is one.
        n_seeds: how often every clip is among them, said of by as many models.

    Raises:
        ParameterError: there are no clips, not as many predictions or rows of scores, or a class
            without a label.
    """
    true, found = np.asarray(truth, np.int64), np.asarray(predicted, np.int64)
    _check(true, found, labels, scores, recordings)
    if recordings is None:
        recordings = np.arange(len(true))
    ranks = None if scores is None else ranks_of_truth(true, scores)
    ks = [k for k in TOP_K if k < len(labels)] if ranks is not None else []
    hits = [ranks < k for k in ks] if ranks is not None else []
    bootstrap, of_hits = bootstrap_classes(true, found, len(labels), hits, recordings)
    rows, confusion = _per_class(true, found, labels, scores, n_seeds)
    right, n_trials = true == found, len(true) / n_seeds
    n_right = int(right.sum())
    return Metrics(
        n_clips=len(true),
        n_right=n_right,
        accuracy=n_right / len(true),
        accuracy_interval=wilson_interval(n_right / n_seeds, n_trials),
        balanced_accuracy=_mean_known(row.recall for row in rows),
        macro_f1=_mean_known(row.f1 for row in rows),
        n_recordings=int(recordings.max()) + 1,
        bootstrap=bootstrap,
        top_k=tuple(
            _top_k(k, int(hit.sum()), len(true), n_seeds, interval)
            for k, hit, interval in zip(ks, hits, of_hits, strict=True)
        ),
        reliability=None if scores is None else reliability_of_classes(true, right, scores),
        threshold_curve=() if scores is None else threshold_curve(scores.max(axis=1), right),
        per_class=rows,
        confusion=confusion,
    )


def _check(
    truth: Ints,
    predicted: Ints,
    labels: Sequence[str],
    scores: Array | None,
    recordings: Ints | None,
) -> None:
    n = len(truth)
    if n == 0 or n != len(predicted):
        raise ParameterError(
            f"{n} clips and {len(predicted)} predictions; expected as many, at least 1"
        )
    for c in (int(f(part)) for part in (truth, predicted) for f in (np.min, np.max)):
        if not 0 <= c < len(labels):
            raise ParameterError(f"class {c}; expected 0 to {len(labels) - 1}, one of the labels")
    if scores is not None and scores.shape != (n, len(labels)):
        raise ParameterError(f"scores {scores.shape}; expected {(n, len(labels))}")
    if recordings is not None and recordings.shape != (n,):
        raise ParameterError(f"recordings {recordings.shape}; expected {(n,)}")


def _per_class(
    truth: Ints, predicted: Ints, labels: Sequence[str], scores: Array | None, n_seeds: int
) -> tuple[tuple[ClassMetrics, ...], tuple[tuple[int, ...], ...]]:
    """The rows of the classes, and the confusion matrix."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = list(range(len(labels)))
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=np.nan
    )
    confusion = confusion_matrix(truth, predicted, labels=classes)
    taken = confusion.sum(axis=0)
    rows = tuple(
        ClassMetrics(
            label=labels[c],
            precision=known(precision[c]),
            precision_interval=_share_interval(int(confusion[c, c]), int(taken[c]), n_seeds),
            recall=known(recall[c]),
            recall_interval=_share_interval(int(confusion[c, c]), int(support[c]), n_seeds),
            f1=known(f1[c]),
            auroc=None if scores is None else area_under_roc(truth == c, scores[:, c]),
            average_precision=(
                None if scores is None else average_precision(truth == c, scores[:, c])
            ),
            support=int(support[c]),
        )
        for c in classes
    )
    return rows, tuple(tuple(int(n) for n in row) for row in confusion)


def known(rate: float) -> float | None:
    """A rate, or None for nan, which scikit-learn gives where it would divide by 0."""
    return None if math.isnan(rate) else float(rate)


def _mean_known(rates: Iterable[float | None]) -> float:
    """The mean of those that are known, of which there is one: a clip has a class."""
    return fmean(rate for rate in rates if rate is not None)


def _top_k(k: int, n_right: int, n: int, n_seeds: int, interval: Interval | None) -> TopK:
    return TopK(k, n_right, n_right / n, wilson_interval(n_right / n_seeds, n / n_seeds), interval)


def _share_interval(n_right: int, n: int, n_seeds: int) -> Interval | None:
    """Each clip once for all seeds; None where a class is met less than once a seed."""
    return wilson_interval(n_right / n_seeds, n / n_seeds) if n >= n_seeds else None


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """The same with lists in place of tuples, as JSON has them."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def wilson_interval(n_right: float, n: float) -> Interval:
    """95 % score interval of a proportion.

    Args:
        n_right: successes, 0 to n; a mean of several counts need not be whole.
        n: trials, >= 1; likewise.

    Returns: lower and upper end in [0, 1]; exactly 0 where none is right, and 1 where all are.
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
    # There centre and half are equal, or add up to 1, but for rounding.
    low = max(0.0, centre - half) if n_right > 0 else 0.0
    high = min(1.0, centre + half) if n_right < n else 1.0
    return low, high

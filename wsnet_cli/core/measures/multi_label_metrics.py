"""What is measured of a classifier whose labels are there or not, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..calibrating.calibration import DECISION
from ..errors import ParameterError
from ..quant import Array
from .bootstrap import Interval, Ints
from .label_bootstrap import LabelBootstrap, bootstrap_labels
from .metrics import known, plain, wilson_interval
from .ranking import area_under_roc, average_precision
from .reliability import Reliability, reliability_of_decisions
from .thresholds import DecisionPoint, decision_curve

Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelMetrics:
    """One class: rates in [0, 1], and how many clips have it.

    Average precision and AUROC are None where no clip has it, AUROC also where all have. Precision,
    recall and F1 are of decisions at `DECISION`: precision is None where no clip was taken to have
    it, recall where none has, F1 where both.
    """

    label: str
    average_precision: float | None
    auroc: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class MultiLabelMetrics:
    """Measures over clips; rates in [0, 1].

    Args:
        n_clips: clips with scores.
        n_right: of these, those of which every class is decided right.
        accuracy: n_right / n_clips, as scikit-learn calls it too: the exact match share.
        accuracy_interval: its 95 % Wilson interval.
        mean_average_precision: of the classes that have one; None if none has.
        mean_auroc: likewise.
        macro_f1: likewise.
        micro_f1: F1 of all decisions together; None if no clip has a class or was taken to.
        n_recordings: independent recordings that the clips are of.
        bootstrap: 95 % intervals by resampling recordings.
        reliability: scores as probabilities.
        threshold_curve: what other thresholds would give.
        per_class: in the order of the labels.
    """

    n_clips: int
    n_right: int
    accuracy: float
    accuracy_interval: Interval
    mean_average_precision: float | None
    mean_auroc: float | None
    macro_f1: float | None
    micro_f1: float | None
    n_recordings: int
    bootstrap: LabelBootstrap
    reliability: Reliability
    threshold_curve: tuple[DecisionPoint, ...]
    per_class: tuple[LabelMetrics, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "multi_label": True,
            "n_clips": self.n_clips,
            "n_right": self.n_right,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "mean_average_precision": self.mean_average_precision,
            "mean_auroc": self.mean_auroc,
            "macro_f1": self.macro_f1,
            "micro_f1": self.micro_f1,
            "n_recordings": self.n_recordings,
            "bootstrap": plain(asdict(self.bootstrap)),
            **self.reliability.as_json(),
            "threshold_curve": [asdict(point) for point in self.threshold_curve],
            "per_class": [asdict(row) for row in self.per_class],
        }


def measure_labels(
    truth: Truth,
    scores: Array,
    labels: Sequence[str],
    recordings: Ints | None = None,
    n_seeds: int = 1,
) -> MultiLabelMetrics:
    """Compute all measures.

    Args:
        truth: which classes each clip has, [n, n_classes], n >= 1.
        scores: of each class, [n, n_classes] in [0, 1].
        labels: names of the classes.
        recordings: number of the recording that each clip is of, 0-based without gaps, [n];
            None: each clip is one.
        n_seeds: how often every clip is among them, said of by as many models.

    Raises:
        ParameterError: there are no clips, or shapes that do not fit each other.
    """
    shapes = {truth.shape, scores.shape, (len(truth), len(labels))}
    if len(truth) == 0 or len(shapes) > 1:
        raise ParameterError(
            f"truth {truth.shape}, scores {scores.shape}, {len(labels)} labels; expected a row for "
            "each of one clip or more and a column for each label"
        )
    if recordings is None:
        recordings = np.arange(len(truth))
    decided = scores >= DECISION
    n_right = int((decided == truth).all(axis=1).sum())
    rows = [
        _label_metrics(label, truth[:, c], decided[:, c], scores[:, c])
        for c, label in enumerate(labels)
    ]
    return MultiLabelMetrics(
        n_clips=len(truth),
        n_right=n_right,
        accuracy=n_right / len(truth),
        accuracy_interval=wilson_interval(n_right / n_seeds, len(truth) / n_seeds),
        mean_average_precision=_mean_known(row.average_precision for row in rows),
        mean_auroc=_mean_known(row.auroc for row in rows),
        macro_f1=_mean_known(row.f1 for row in rows),
        micro_f1=_decisions(truth.ravel(), decided.ravel())[2],
        n_recordings=int(recordings.max()) + 1,
        bootstrap=bootstrap_labels(truth, decided, scores, recordings),
        reliability=reliability_of_decisions(truth, scores),
        threshold_curve=decision_curve(truth, scores),
        per_class=tuple(rows),
    )


def macro_f1(truth: Truth, decided: Truth) -> float | None:
    """The mean F1 of the classes whose F1 is known; None where none is.

    Args:
        truth: which classes each clip has, [n, n_classes], n >= 1.
        decided: which it was taken to have, likewise.
    """
    return _mean_known(_decisions(truth[:, c], decided[:, c])[2] for c in range(truth.shape[1]))


def _label_metrics(label: str, truth: Truth, decided: Truth, scores: Array) -> LabelMetrics:
    precision, recall, f1 = _decisions(truth, decided)
    return LabelMetrics(
        label=label,
        average_precision=average_precision(truth, scores),
        auroc=area_under_roc(truth, scores),
        precision=precision,
        recall=recall,
        f1=f1,
        support=int(truth.sum()),
    )


def _decisions(truth: Truth, decided: Truth) -> tuple[float | None, ...]:
    """Precision, recall and F1 of decisions [n]."""
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(truth, decided, average="binary", zero_division=np.nan)
    return tuple(known(rate) for rate in found[:3])


def _mean_known(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None

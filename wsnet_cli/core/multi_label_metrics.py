"""What is measured of a classifier whose labels are there or not, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ParameterError
from .metrics import wilson_interval
from .quant import Array

DECISION = 0.5
"""From this score on a label counts as there."""

Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelMetrics:
    """One class: rates in [0, 1], and how many clips have it.

    Average precision and AUROC are None where no clip has it, AUROC also where all have; precision,
    recall and F1 are of decisions at `DECISION`, and 0 where undefined.
    """

    label: str
    average_precision: float | None
    auroc: float | None
    precision: float
    recall: float
    f1: float
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
        macro_f1: mean F1 of all classes.
        micro_f1: F1 of all decisions together.
        per_class: in the order of the labels.
    """

    n_clips: int
    n_right: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    mean_average_precision: float | None
    mean_auroc: float | None
    macro_f1: float
    micro_f1: float
    per_class: tuple[LabelMetrics, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        values = asdict(self)
        values["accuracy_interval"] = list(self.accuracy_interval)
        values["per_class"] = [asdict(row) for row in self.per_class]
        return {"multi_label": True, **values}


def measure_labels(truth: Truth, scores: Array, labels: Sequence[str]) -> MultiLabelMetrics:
    """Compute all measures.

    Args:
        truth: which classes each clip has, [n, n_classes], n >= 1.
        scores: of each class, [n, n_classes] in [0, 1].
        labels: names of the classes.

    Raises:
        ParameterError: there are no clips, or shapes that do not fit each other.
    """
    shapes = {truth.shape, scores.shape, (len(truth), len(labels))}
    if len(truth) == 0 or len(shapes) > 1:
        raise ParameterError(
            f"truth {truth.shape}, scores {scores.shape}, {len(labels)} labels; expected a row for "
            "each of one clip or more and a column for each label"
        )
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
        accuracy_interval=wilson_interval(n_right, len(truth)),
        mean_average_precision=_mean_known(row.average_precision for row in rows),
        mean_auroc=_mean_known(row.auroc for row in rows),
        macro_f1=sum(row.f1 for row in rows) / len(rows),
        micro_f1=_decisions(truth.ravel(), decided.ravel())[2],
        per_class=tuple(rows),
    )


def _label_metrics(label: str, truth: Truth, decided: Truth, scores: Array) -> LabelMetrics:
    from sklearn.metrics import average_precision_score, roc_auc_score

    n = int(truth.sum())
    precision, recall, f1 = _decisions(truth, decided)
    return LabelMetrics(
        label=label,
        average_precision=float(average_precision_score(truth, scores)) if n else None,
        auroc=float(roc_auc_score(truth, scores)) if 0 < n < len(truth) else None,
        precision=precision,
        recall=recall,
        f1=f1,
        support=n,
    )


def _decisions(truth: Truth, decided: Truth) -> tuple[float, float, float]:
    """Precision, recall and F1 of decisions [n]."""
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(truth, decided, average="binary", zero_division=0)
    precision, recall, f1, _ = found
    return float(precision), float(recall), float(f1)


def _mean_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

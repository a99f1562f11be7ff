"""Measures as tables and lines for people."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import console

if TYPE_CHECKING:
    from ...core.measures.bootstrap import Interval
    from ...core.measures.evaluation import FoldMeasures
    from ...core.measures.metrics import Metrics
    from ...core.measures.multi_label_metrics import MultiLabelMetrics
    from ...core.measures.reliability import Reliability

MOST_COLUMNS = 60
"""Of a confusion matrix on the screen."""
MOST_MISTAKES = 20
SHORT = 3
"""Letters of labels that head columns themselves; longer ones have numbers, as in lists."""


def show_metrics(metrics: Metrics | MultiLabelMetrics, n_seeds: int = 1) -> None:
    """All measures; the confusion matrix where clips have one label, the accuracy last.

    Args:
        metrics: to show.
        n_seeds: how often each clip is among them.
    """
    from ...core.measures.multi_label_metrics import MultiLabelMetrics

    if isinstance(metrics, MultiLabelMetrics):
        _show_labels(metrics, n_seeds)
        return
    rows = [
        (
            *(row.label, percent(row.precision), percent(row.recall)),
            *(_ends(row.recall_interval), percent(row.f1)),
            *(percent(row.auroc), percent(row.average_precision), str(row.support)),
        )
        for row in metrics.per_class
    ]
    console.print_table(
        ("class", "precision %", "recall %", "95 %", "F1 %", "AUROC %", "AP %", "clips"),
        rows,
        numbers=range(1, 8),
    )
    show_confusion([row.label for row in metrics.per_class], metrics.confusion)
    bootstrap = metrics.bootstrap
    _show_intervals(
        [
            ("accuracy", metrics.accuracy, metrics.accuracy_interval, bootstrap.accuracy),
            ("balanced", metrics.balanced_accuracy, None, bootstrap.balanced_accuracy),
            ("macro F1", metrics.macro_f1, None, bootstrap.macro_f1),
            *(
                (f"top {row.k}", row.accuracy, row.accuracy_interval, row.bootstrap_interval)
                for row in metrics.top_k
            ),
        ],
        metrics.n_recordings,
    )
    _show_reliability(metrics.reliability)
    console.result(
        f"accuracy {_share(metrics, n_seeds)}, balanced {100 * metrics.balanced_accuracy:.1f} %, "
        f"macro F1 {100 * metrics.macro_f1:.1f} %"
    )


def show_confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    """Rows are true classes, columns predicted ones; of many classes only the largest mistakes."""
    if len(labels) > MOST_COLUMNS:
        _show_mistakes(labels, matrix)
        return
    names, short = list(labels), list(labels)
    if max(map(len, labels)) > SHORT:
        short = [str(number) for number in range(1, len(labels) + 1)]
        names = [f"{n} {label}" for n, label in zip(short, labels, strict=True)]
    rows = [
        (name, *(str(count) if count else "." for count in row))
        for name, row in zip(names, matrix, strict=True)
    ]
    numbers = range(1, len(labels) + 1)
    console.print_table(("true \\ predicted", *short), rows, numbers=list(numbers))


def _show_mistakes(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    mistakes = [
        (-count, i, j) for i, row in enumerate(matrix) for j, count in enumerate(row) if i != j
    ]
    rows = [
        (labels[i], labels[j], str(-count))
        for count, i, j in heapq.nsmallest(MOST_MISTAKES, mistakes)
        if count
    ]
    console.print_table(("true", "taken for", "clips"), rows, numbers=(2,))
    console.note(f"the {len(rows)} most frequent mistakes; -o DIR and --json have the whole matrix")


def show_folds(folds: Sequence[FoldMeasures], n_seeds: int = 1) -> None:
    """A row for each fold, where there are several; `n_seeds` as in `show_metrics`."""
    if not folds:
        return
    rows = [
        (
            *(row.fold or "-", str(row.n_clips // n_seeds), percent(row.accuracy)),
            *(_ends(row.accuracy_interval), percent(row.macro_f1)),
            percent(row.calibration_error),
        )
        for row in folds
    ]
    headings = ("fold", "clips", "accuracy %", "95 %", "macro F1 %", "calibration error %")
    console.print_table(headings, rows, numbers=range(1, 6))


def percent(rate: float | None) -> str:
    """A rate as it stands in tables.

    >>> percent(0.8375), percent(None)
    ('83.8', '-')
    """
    return "-" if rate is None else f"{100 * rate:.1f}"


def _show_labels(metrics: MultiLabelMetrics, n_seeds: int) -> None:
    rows = [
        (
            row.label,
            *map(percent, (row.average_precision, row.auroc)),
            *map(percent, (row.precision, row.recall, row.f1)),
            str(row.support),
        )
        for row in metrics.per_class
    ]
    headings = ("class", "AP %", "AUROC %", "precision %", "recall %", "F1 %", "clips")
    console.print_table(headings, rows, numbers=range(1, 7))
    bootstrap = metrics.bootstrap
    _show_intervals(
        [
            ("mAP", metrics.mean_average_precision, None, bootstrap.mean_average_precision),
            ("AUROC", metrics.mean_auroc, None, bootstrap.mean_auroc),
            ("macro F1", metrics.macro_f1, None, bootstrap.macro_f1),
            ("micro F1", metrics.micro_f1, None, bootstrap.micro_f1),
            ("all right", metrics.accuracy, metrics.accuracy_interval, bootstrap.accuracy),
        ],
        metrics.n_recordings,
    )
    _show_reliability(metrics.reliability)
    console.result(
        f"mAP {percent(metrics.mean_average_precision)} %, "
        f"AUROC {percent(metrics.mean_auroc)} %, macro F1 {percent(metrics.macro_f1)} %, "
        f"micro F1 {percent(metrics.micro_f1)} %, all labels right {_share(metrics, n_seeds)}"
    )


def _show_intervals(
    measures: Sequence[tuple[str, float | None, Interval | None, Interval | None]],
    n_recordings: int,
) -> None:
    rows = [(name, percent(rate), _ends(one), _ends(two)) for name, rate, one, two in measures]
    over = f"95 %, over {n_recordings} recordings"
    console.print_table(("measure", "%", "95 %, Wilson", over), rows, numbers=(1, 2, 3))


def _show_reliability(reliability: Reliability | None) -> None:
    if reliability is None:
        console.result("calibration error -, negative log likelihood -, Brier score -")
        return
    console.result(
        f"calibration error {100 * reliability.calibration_error:.1f} %, "
        f"negative log likelihood {reliability.negative_log_likelihood:.3f}, "
        f"Brier score {reliability.brier_score:.3f}"
    )


def _ends(interval: Interval | None) -> str:
    return "-" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def _share(metrics: Metrics | MultiLabelMetrics, n_seeds: int) -> str:
    low, high = metrics.accuracy_interval
    clips = "clips" if n_seeds == 1 else f"answers, {n_seeds} for each clip"
    return (
        f"{100 * metrics.accuracy:.1f} % ({metrics.n_right} of {metrics.n_clips} {clips}; "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )

"""The files of an evaluation, of one computation; and a look at their folder before any work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import UsageError
from ...core.files import (
    exists,
    explain_os_errors,
    is_folder,
    unwritable_place,
    write_json_atomic,
    write_text_atomic,
)
from ...core.measures.evaluation import Evaluated
from ...core.measures.metrics import Metrics
from ...core.measures.multi_label_metrics import MultiLabelMetrics
from ...core.measures.predictions import ClipKey, Prediction, Predictions, write_predictions
from ...core.run_files import CONFUSION, METRICS, PREDICTIONS
from ...core.tables import csv_text
from .side_by_side import CHANGED_HEADER, SideBySide

PER_CLASS = "per_class.csv"
EVALUATION_FILES = (METRICS, PER_CLASS, CONFUSION, PREDICTIONS)
AGAINST = "against.json"
CHANGED = "changed.csv"
AGAINST_FILES = (AGAINST, CHANGED)
CLASS_HEADER = (
    *("label", "precision", "precision_low", "precision_high"),
    *("recall", "recall_low", "recall_high", "f1", "auroc", "average_precision", "support"),
)
LABEL_HEADER = ("label", "average_precision", "auroc", "precision", "recall", "f1", "support")


def check_target(option: str, folder: Path, names: Iterable[str], *, force: bool) -> None:
    """Refuse a folder that cannot be written to, before any work.

    Args:
        option: that named it, for messages.
        folder: need not exist.
        names: of the files to write.
        force: whether files of these names may be replaced.

    Raises:
        UsageError: it is a file, it or the place for it cannot be written to, or it holds such a
            file already.
    """
    if exists(folder) and not is_folder(folder):
        raise UsageError(f"{option} {folder}: is a file; expected a folder for several files")
    if place := unwritable_place(folder):
        raise UsageError(f"{option} {folder}: {place} cannot be written to; give another folder")
    there = [name for name in names if exists(folder / name)]
    if there and not force:
        raise UsageError(
            f"{option} {folder}: holds {there[0]} already; give another folder, "
            "or --force to write over it"
        )


def write_evaluation(
    folder: Path,
    document: Mapping[str, Any],
    evaluated: Evaluated | None,
    contents: Sequence[str] = (),
) -> list[Path]:
    """Write per_class.csv, confusion.csv, predictions.csv and, last, metrics.json.

    A file that this evaluation has not, such as the confusion matrix of a multi-label model, is
    deleted where an earlier one left it.

    Args:
        folder: made where it is missing; see `check_target`.
        document: what --json would print.
        evaluated: what it was computed from; None where only counts are known.
        contents: content key of each clip; empty where they are not known.

    Returns: what was written.

    Raises: FileError: the system refused.
    """
    texts: dict[str, str] = {}
    if evaluated is not None:
        metrics = evaluated.metrics
        texts[PER_CLASS] = _per_class(metrics)
        if isinstance(metrics, Metrics):
            counts = zip(evaluated.labels, metrics.confusion, strict=True)
            rows = ((label, *row) for label, row in counts)
            texts[CONFUSION] = csv_text(("true", *evaluated.labels), rows)
    for name in EVALUATION_FILES:
        if name not in texts:
            _delete(folder / name)
    for name, text in texts.items():
        write_text_atomic(folder / name, text)
    if evaluated is not None:
        write_predictions(folder, _predictions(evaluated, contents))
    write_json_atomic(folder / METRICS, document)
    return [folder / name for name in EVALUATION_FILES if exists(folder / name)]


def write_side_by_side(folder: Path, document: Mapping[str, Any], found: SideBySide) -> list[Path]:
    """Write changed.csv and, last, against.json, which holds what --json would print.

    Raises: FileError: the system refused.
    """
    rows = ([_cell(row[column]) for column in CHANGED_HEADER] for row in found.changed)
    write_text_atomic(folder / CHANGED, csv_text(CHANGED_HEADER, rows))
    write_json_atomic(folder / AGAINST, document)
    return [folder / name for name in AGAINST_FILES]


def _delete(path: Path) -> None:
    with explain_os_errors("delete", path):
        path.unlink(missing_ok=True)


def _per_class(metrics: Metrics | MultiLabelMetrics) -> str:
    if isinstance(metrics, MultiLabelMetrics):
        cells = [[_cell(getattr(row, name)) for name in LABEL_HEADER] for row in metrics.per_class]
        return csv_text(LABEL_HEADER, cells)
    rows = [
        (
            row.label,
            *(row.precision, *(row.precision_interval or (None, None))),
            *(row.recall, *(row.recall_interval or (None, None))),
            *(row.f1, row.auroc, row.average_precision, row.support),
        )
        for row in metrics.per_class
    ]
    return csv_text(CLASS_HEADER, [[_cell(value) for value in row] for row in rows])


def _cell(value: object) -> object:
    return f"{value:.6f}" if isinstance(value, float) else value


def _predictions(evaluated: Evaluated, contents: Sequence[str]) -> Predictions:
    rows = []
    for i, clip in enumerate(evaluated.clips):
        start, end = ("" if bound is None else str(bound) for bound in (clip.start_s, clip.end_s))
        key = ClipKey(clip.file, start, end, contents[i] if contents else "")
        rows.append(Prediction(key, clip.label, clip.predicted, clip.score, clip.group))
    labels = () if evaluated.scores is None else evaluated.labels
    return Predictions(tuple(rows), labels, evaluated.scores)

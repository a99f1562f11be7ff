"""CSV: a row per label that is told, and one for each input of which none is."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.tables import csv_line
from ..predicting.answers import OK, Prediction
from .writer import Counts, Write

CSV_HEADER = ("file", "start", "end", "label", "score", "rank", "status", "error")


class CsvWriter:
    """Cells hold what they name, unchanged: a program reads back the very name of a file.

    So a spreadsheet may take a name that begins with = + - or @ for a formula.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        write(csv_line(CSV_HEADER))

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        for cells in _rows(prediction):
            self._write(csv_line(cells))

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""


def _rows(p: Prediction) -> Iterator[tuple[object, ...]]:
    start, end = (f"{p.start_s:.3f}", f"{p.end_s:.3f}") if p.status == OK else (None, None)
    if not p.scores:
        yield (p.file, start, end, None, None, None, p.status, p.error)
    for rank, score in enumerate(p.scores, start=1):
        yield (p.file, start, end, score.label, f"{score.score:.6f}", rank, p.status, "")

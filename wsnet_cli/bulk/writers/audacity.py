"""Audacity label tracks: begin, end and label of each hit, for File > Import > Labels.

Source: Audacity manual, "Importing and Exporting Labels": one label on each line, times in seconds,
separated by tabs, no header.
"""

from __future__ import annotations

from ...core.quoting import shown
from ..predicting.answers import Prediction, is_hit
from .writer import Counts, Write


class AudacityWriter:
    """The labels of one recording. Inputs without a label, or that are unknown, leave nothing."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        for score in filter(is_hit, prediction.scores):
            times = f"{prediction.start_s:.6f}\t{prediction.end_s:.6f}"
            self._write(f"{times}\t{shown(score.label)}\n")

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""

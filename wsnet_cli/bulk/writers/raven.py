"""Raven selection tables: a row for each hit, separated by tabs, as Raven Pro and Lite open them.

Source: Raven Pro 1.4 user's manual, chapter 6 "Measurements and annotations" (columns, views), and
what BirdNET-Analyzer writes, which is the table most users of Raven know.
"""

from __future__ import annotations

import os

from ...core.quoting import shown
from ..predicting.answers import Prediction, is_hit
from .writer import Counts, Facts, Write

RAVEN_HEADER = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"),
    *("Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Begin Path", "File Offset (s)"),
    *("Label", "Score"),
)


class RavenWriter:
    """Selections of one recording, or of several, told apart by their file.

    A hit spans all frequencies that the model hears, 0 Hz to half of its sample rate. The channel
    is 1 where the channels were averaged. Inputs without a label, or that are
    unknown, leave nothing.
    """

    def __init__(self, write: Write, facts: Facts) -> None:
        self._write = write
        self._channel = facts.channel or 1
        self._high_hz = facts.sample_rate / 2
        self._n_rows = 0
        write("\t".join(RAVEN_HEADER) + "\n")

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        start, end = f"{prediction.start_s:.3f}", f"{prediction.end_s:.3f}"
        path = shown(prediction.file)
        for score in filter(is_hit, prediction.scores):
            self._n_rows += 1
            cells = (
                *(str(self._n_rows), "Spectrogram 1", str(self._channel), start, end),
                *("0.0", f"{self._high_hz:.1f}", os.path.basename(path), path, start),  # noqa: PTH119 - any text
                *(shown(score.label), f"{score.score:.6f}"),
            )
            self._write("\t".join(cells) + "\n")

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""

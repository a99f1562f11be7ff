"""What a model said of each clip that was held out: written by a run, compared by clip."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import ArtifactError
from .files import explain_os_errors, write_text_atomic
from .tables import csv_text

PREDICTIONS = "predictions.csv"
"""Its name in a run folder."""
HEADER = ("clip", "start_s", "end_s", "content", "label", "predicted", "score")


@dataclass(frozen=True)
class ClipKey:
    """Which clip: its name, its part in seconds (as text; empty where it has none), its content."""

    clip: str
    start_s: str
    end_s: str
    content: str


@dataclass(frozen=True)
class Prediction:
    """A clip, its label, the label that was predicted, and the score of the best class in [0, 1].

    Where clips have several labels, both labels are those joined.
    """

    key: ClipKey
    label: str
    predicted: str
    score: float

    @property
    def is_right(self) -> bool:
        """Whether exactly the label was predicted."""
        return self.label == self.predicted


def write_predictions(folder: Path, predictions: Iterable[Prediction]) -> None:
    """Write predictions.csv of a run folder; scores to 6 places.

    Raises: FileError: the system refused.
    """
    rows = (
        (
            p.key.clip,
            p.key.start_s,
            p.key.end_s,
            p.key.content,
            p.label,
            p.predicted,
            f"{p.score:.6f}",
        )
        for p in predictions
    )
    write_text_atomic(folder / PREDICTIONS, csv_text(HEADER, rows))


def read_predictions(folder: Path) -> list[Prediction]:
    """Read predictions.csv of a run folder.

    Raises:
        ArtifactError: there is none, or it is damaged.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise ArtifactError(
            f"{folder}: holds no {PREDICTIONS}; expected a finished run that held clips out"
        )
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        if tuple(next(reader, ())) != HEADER:
            raise ValueError("another header")
        return [_prediction(*row) for row in reader]
    except (ValueError, TypeError, csv.Error) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet train wrote there") from error


def _prediction(
    clip: str, start_s: str, end_s: str, content: str, label: str, predicted: str, score: str
) -> Prediction:
    return Prediction(ClipKey(clip, start_s, end_s, content), label, predicted, float(score))

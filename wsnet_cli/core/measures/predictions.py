"""What a model said of each clip that was held out: written by a run, compared by clip."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ArtifactError
from ..files import atomic_stream, explain_os_errors
from ..quant import Array
from ..run_files import PREDICTIONS
from ..tables import csv_line

HEADER = ("clip", "start_s", "end_s", "content", "label", "predicted", "score", "group")
"""Its columns before the scores of all classes; those of older versions have no `group`."""
SCORE = "score:"
"""Begins the name of the column of a class's scores; its label follows."""
_ROUNDING = 1e-6
_N_OLD = HEADER.index("group")


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

    Where clips have several labels, both labels are those joined. `group` is what clips of one
    recording or speaker share, where it is known.
    """

    key: ClipKey
    label: str
    predicted: str
    score: float
    group: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether exactly the label was predicted."""
        return self.label == self.predicted


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was said of clips.

    Args:
        rows: of each clip.
        labels: of the model; empty where scores are not known.
        scores: of each label, [clips, labels] float32 in [0, 1]; None in files of older versions.
    """

    rows: tuple[Prediction, ...]
    labels: tuple[str, ...] = ()
    scores: Array | None = None


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write predictions.csv in a folder.

    The best score has 6 places; those of all classes have as many digits as tell float32 numbers
    apart, so that what is computed of them again is the same.

    Raises: FileError: the system refused.
    """
    header = (*HEADER, *(f"{SCORE}{label}" for label in predictions.labels))
    with atomic_stream(folder / PREDICTIONS) as stream:
        stream.write(csv_line(header).encode())
        for i, row in enumerate(predictions.rows):
            stream.write(csv_line((*_cells(row), *_texts(predictions, i))).encode())


def _cells(row: Prediction) -> tuple[object, ...]:
    key = row.key
    where = key.clip, key.start_s, key.end_s, key.content
    return (*where, row.label, row.predicted, f"{row.score:.6f}", row.group)


def _texts(predictions: Predictions, i: int) -> list[str]:
    if predictions.scores is None:
        return []
    texts: list[str] = predictions.scores[i].astype(np.float32).astype(np.str_).tolist()
    return texts


def read_predictions(folder: Path) -> Predictions:
    """Read predictions.csv of a folder, of this version or an older one.

    Raises:
        ArtifactError: there is none, or it is damaged.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise ArtifactError(
            f"{folder}: holds no {PREDICTIONS}; expected a finished run that held clips out"
        )
    try:
        with explain_os_errors("read", path), path.open(encoding="utf-8", newline="") as stream:
            return _read(csv.reader(stream, strict=True))
    except (ValueError, TypeError, IndexError, csv.Error) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet wrote there") from error


def _read(reader: Iterator[list[str]]) -> Predictions:
    header = next(reader, [])
    has_group = tuple(header[: len(HEADER)]) == HEADER
    if not has_group and tuple(header) != HEADER[:_N_OLD]:
        raise ValueError("another header")
    columns = [i for i, name in enumerate(header) if i >= _N_OLD and name.startswith(SCORE)]
    rows: list[Prediction] = []
    scores: list[Array] = []
    for cells in reader:
        if len(cells) != len(header):
            raise ValueError("a row of another length")
        key, (label, predicted, score) = ClipKey(*cells[:4]), cells[4:_N_OLD]
        group = cells[_N_OLD] if has_group else ""
        rows.append(Prediction(key, label, predicted, _share(score), group or None))
        if columns:
            scores.append(np.array([_share(cells[i]) for i in columns], np.float32))
    if not columns:
        return Predictions(tuple(rows))
    labels = tuple(header[i].removeprefix(SCORE) for i in columns)
    return Predictions(tuple(rows), labels, np.array(scores, np.float32).reshape(-1, len(columns)))


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1 + _ROUNDING:  # nan is not either
        raise ValueError("a score outside [0, 1]")
    return value

"""What docs/results/ holds of the rows: a file for each, and one for the clips of each data set.

A row's file has the predictions of each run, of the clips of its fold in the order of the file of
clips, as numbers of labels.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rows_file import Rows

from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.files import write_text_atomic
from wsnet_cli.core.measures.bootstrap import number_recordings

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
FORMS = ("float32", "int8")
"""Of a model: as it was trained, and compressed to 8 bits."""

_NUMBERED = ("folds", "units")

Ints = npt.NDArray[np.int64]
Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ClipList:
    """The clips of a data set that are held out by some run.

    Args:
        labels: of all models.
        names: of the clips.
        classes: the label of each, as its number.
        folds: the fold of each; None where there are no folds.
        units: what each is drawn again with for an interval: its recording or speaker.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[int, ...]
    folds: tuple[str | None, ...]
    units: tuple[str, ...]

    def of_fold(self, fold: str | None) -> Ints:
        """Numbers of the clips that a run holds out, in order."""
        return np.flatnonzero([fold is None or own == fold for own in self.folds])

    def as_json(self) -> dict[str, Any]:
        """Plain values; folds and units as numbers of their names."""
        values: dict[str, Any] = {}
        for key, value in vars(self).items():
            if key in _NUMBERED:
                names = list(dict.fromkeys(value))
                values[f"{key}_names"] = names
                values[key] = [names.index(one) for one in value]
            else:
                values[key] = list(value)
        return values

    @staticmethod
    def from_json(values: dict[str, Any]) -> ClipList:
        """The inverse."""
        named = {key: [values[f"{key}_names"][i] for i in values[key]] for key in _NUMBERED}
        lists = {key: values[key] for key in ("labels", "names", "classes")} | named
        return ClipList(**{key: tuple(value) for key, value in lists.items()})


@dataclass(frozen=True)
class RowFile:
    """A row's file, and the clips that it speaks of.

    Args:
        document: as it is written.
        clips: of its data set.
    """

    document: dict[str, Any]
    clips: ClipList

    @property
    def seeds(self) -> list[int]:
        """Of its runs."""
        return sorted({run["seed"] for run in self.document["runs"]})

    @property
    def folds(self) -> list[str | None]:
        """That its runs held out, each with every seed."""
        return list(dict.fromkeys(run["fold"] for run in self.document["runs"]))

    @property
    def devices(self) -> list[str]:
        """Kinds of device that its runs were trained on."""
        return sorted({run["device"] for run in self.document["runs"]})

    def trained_on(self, devices: Collection[str]) -> RowFile:
        """This row by the seeds whose runs were trained on these kinds of device alone."""
        others = {run["seed"] for run in self.document["runs"] if run["device"] not in devices}
        return self.of_seeds(set(self.seeds) - others)

    def of_seeds(self, seeds: Collection[int]) -> RowFile:
        """This row by the runs of these seeds alone."""
        runs = [run for run in self.document["runs"] if run["seed"] in seeds]
        return RowFile({**self.document, "runs": runs}, self.clips)

    @property
    def loss(self) -> float:
        """Mean over its runs of the training loss of the last epochs."""
        losses = [float(run["late_loss"]) for run in self.document["runs"]]
        return sum(losses) / len(losses)

    @property
    def held_out(self) -> Ints:
        """Numbers of the clips that its runs held out, rising."""
        parts = [self.clips.of_fold(fold) for fold in self.folds]
        return np.unique(np.concatenate(parts))

    def predicted(self, form: str) -> Ints:
        """The label that each clip of `held_out` was taken for, as its number, [seeds, clips]."""
        predicted = np.full((len(self.seeds), len(self.clips.names)), -1, np.int64)
        for run in self.document["runs"]:
            row = predicted[self.seeds.index(run["seed"])]
            row[self.clips.of_fold(run["fold"])] = run[form]
        return predicted[:, self.held_out]

    def right(self, form: str) -> Right:
        """Whether each clip of `held_out` is classified right, [seeds, clips]."""
        found: Right = self.predicted(form) == np.array(self.clips.classes)[self.held_out]
        return found

    def recordings(self) -> Ints:
        """Number of the recording or speaker of each clip of `held_out`, without gaps."""
        return number_recordings(self.clips.units[i] for i in self.held_out)

    def largest(self, form: str) -> int:
        """Bytes of the largest file of its runs."""
        return max(int(run["bytes"][form]) for run in self.document["runs"])


def clips_path(data: str, folder: Path = RESULTS) -> Path:
    """The file of a data set's clips."""
    return folder / f"clips-{data}.json"


def read_clips(data: str, folder: Path = RESULTS) -> ClipList:
    """The clips of a data set.

    Raises: ArtifactError: there is no such file, or it is damaged.
    """
    path = clips_path(data, folder)
    try:
        return ClipList.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ArtifactError(f"{path}: is not there or damaged; record a job again") from error


def read_row_file(name: str, data: str, folder: Path = RESULTS) -> RowFile | None:
    """A row's file; None where there is none.

    Raises: ArtifactError: it is damaged, or of another row or other data.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        found = RowFile(json.loads(path.read_text(encoding="utf-8")), read_clips(data, folder))
        _check(found, name, data)
    except (ValueError, LookupError, TypeError) as error:
        raise ArtifactError(f"{path}: is damaged or of another row; record it again") from error
    return found


def read_recorded(rows: Rows, folder: Path = RESULTS) -> dict[str, RowFile]:
    """The files of all rows that have one. Raises: ArtifactError: as `read_row_file`."""
    found = {name: read_row_file(name, row.data, folder) for name, row in rows.rows.items()}
    return {name: file for name, file in found.items() if file is not None}


def _check(found: RowFile, name: str, data: str) -> None:
    """Every fold once for each seed, and of each of its clips one label. Raises: ValueError."""
    if (found.document["row"], found.document["data"]) != (name, data):
        raise ValueError("of another row")
    places = [(run["fold"], run["seed"]) for run in found.document["runs"]]
    if sorted(places, key=str) != sorted(product(found.folds, found.seeds), key=str):
        raise ValueError("not every fold once for each seed")
    n_labels = len(found.clips.labels)
    for run in found.document["runs"]:
        n_clips = len(found.clips.of_fold(run["fold"]))
        for form in FORMS:
            said = run[form]
            if len(said) != n_clips or not all(0 <= label < n_labels for label in said):
                raise ValueError("not one label for each clip")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write values with a line for each, but a list of plain ones on one line."""
    write_text_atomic(path, f"{_text(value, '')}\n")


def _text(value: Any, indent: str) -> str:
    inner = f"{indent} "
    if isinstance(value, dict) and value:
        items = [f"{json.dumps(k)}: {_text(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = [_text(item, inner) for item in value]
        return "[\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}]"
    plain = isinstance(value, list)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":") if plain else None)

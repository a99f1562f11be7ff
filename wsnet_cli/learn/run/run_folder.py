"""The folder of one training run: its name, what lies in it, and how each file is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import ArtifactError, UsageError
from ...core.files import (
    explain_os_errors,
    remove_stale,
    write_atomic,
    write_json_atomic,
    write_text_atomic,
)
from ...core.lock import hold
from ...core.measures.metrics import Metrics
from ...core.model import Model
from ...core.model_file.artifact import model_to_bytes
from ...core.run_files import (
    CHECKPOINT,
    CONFIG,
    CONFUSION,
    CURVES,
    ENVIRONMENT,
    EPOCHS,
    JOB,
    METRICS,
    MODEL,
    PREDICTIONS,
    RESULTS,
    RESULTS_TABLE,
    SPLIT,
    START,
    can_continue_runs,
)
from ...core.split_file import SplitRow, write_split
from ...core.tables import csv_text
from ...data.dataset import DataSet
from ...data.dividing.splits import Split
from ...data.packing.packed import PackedSet
from ..teachers.model_source import TEACHERS
from ..team.team import Team
from ..training.trainer import EpochRow

RUNS = Path("runs")
"""Where runs go, under the current directory."""
SMALL_FORM = ("model.q8.wsnet", "metrics.q8.json")
"""The model that `wsnet compress` or `sweep` puts beside that of the run, and its measures."""
_FEWER = (".q6", ".q5", ".q4", ".mixed")
FEWER_BITS = tuple(f"model{form}.wsnet" for form in _FEWER)
"""What `wsnet compress` calls the model with fewer bits than 8."""
_FORMS = ("", ".q8", *_FEWER)
CALIBRATED = tuple(f"model{of}.cal{then}.wsnet" for of in _FORMS for then in _FORMS)
"""What `wsnet calibrate` calls the model or a small form of it, and the small forms of these."""
WRITTEN = (
    *(MODEL, CHECKPOINT, CONFIG, SPLIT, EPOCHS, METRICS, CONFUSION, PREDICTIONS),
    *(ENVIRONMENT, START, CURVES),
    *SMALL_FORM,
    *FEWER_BITS,
    *CALIBRATED,
)
"""The files of a run, and its small forms."""
RESULT_FILES = (RESULTS, RESULTS_TABLE, CONFUSION)
"""What several runs say together."""
LOGS = "tensorboard/events.out.tfevents.*"
LOCK = ".lock"
_RESUME_NEEDS = {
    "data": (str,),
    "layout": (str, type(None)),  # runs of wsnet 0.1 have neither this nor a pattern
    "pattern": (str, type(None)),
    "preset": (str,),
    "fold": (str, type(None)),
    "threads": (int,),
}
METRICS_HEADER = (
    *("epoch", "lr", "loss", "accuracy", "held_out_accuracy"),
    *("validation_accuracy", "validation_loss"),
)


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files."""

    path: Path

    @property
    def model(self) -> Path:
        """What predict, evaluate and compress take."""
        return self.path / MODEL

    @property
    def checkpoint(self) -> Path:
        """All that resuming needs."""
        return self.path / CHECKPOINT

    @property
    def config(self) -> Path:
        """The whole configuration, defaults included."""
        return self.path / CONFIG

    @property
    def environment(self) -> Path:
        """Versions, and where the data was."""
        return self.path / ENVIRONMENT

    def write_metrics(self, rows: Iterable[EpochRow]) -> None:
        """metrics.csv: a row per epoch, no clock columns."""
        cells = [
            (
                row.epoch,
                f"{row.lr:.6g}",
                f"{row.loss:.6f}",
                f"{row.accuracy:.6f}",
                *map(_rate, (row.held_out_accuracy, row.validation_accuracy, row.validation_loss)),
            )
            for row in rows
        ]
        write_text_atomic(self.path / EPOCHS, csv_text(METRICS_HEADER, cells))

    def write_split(self, dataset: DataSet, packed: PackedSet, split: Split) -> None:
        """split.csv: every clip, its part and its content.

        The part is train, validation, test, unused or unreadable.
        """
        part = dict.fromkeys(split.train, "train") | dict.fromkeys(split.test, "test")
        part |= dict.fromkeys(split.validation, "validation")
        rows = [
            SplitRow(
                clip=clip.name,
                label=clip.label,
                part=part.get(i, "unused") if packed.has(i) else "unreadable",
                fold=clip.fold or "",
                group=clip.group or "",
                start_s="" if clip.start_s is None else str(clip.start_s),
                end_s="" if clip.end_s is None else str(clip.end_s),
                content=packed.content_keys[i],
            )
            for i, clip in enumerate(dataset.clips)
        ]
        write_split(self.path, rows)

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """A JSON document of the run."""
        write_json_atomic(self.path / name, values)

    def write_confusion(self, metrics: Metrics) -> None:
        """confusion.csv: rows are true classes, columns predicted ones."""
        labels = [row.label for row in metrics.per_class]
        rows = [(label, *row) for label, row in zip(labels, metrics.confusion, strict=True)]
        write_text_atomic(self.path / CONFUSION, csv_text(["true", *labels], rows))

    def write_model(self, model: Model) -> int:
        """model.wsnet; its bytes. What was made of another one, of fewer epochs, is deleted."""
        content = model_to_bytes(model)
        with explain_os_errors("replace", self.model):
            if not self.model.is_file() or self.model.read_bytes() != content:
                for name in (*SMALL_FORM, *FEWER_BITS, *CALIBRATED):
                    (self.path / name).unlink(missing_ok=True)
        write_atomic(self.model, content)
        return len(content)

    def unfinish(self) -> None:
        """Take away what says that the run has ended, since it goes on."""
        with explain_os_errors("delete", self.path / METRICS):
            (self.path / METRICS).unlink(missing_ok=True)

    def read_environment(self) -> dict[str, Any]:
        """What env.json holds.

        Raises:
            ArtifactError: there is none, or it is damaged.
        """
        try:
            values = json.loads(self.environment.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"{self.environment}: cannot be read; expected the folder of a run"
            ) from error
        if not isinstance(values, dict):
            raise ArtifactError(f"{self.environment}: is damaged; expected the folder of a run")
        for key, kind in _RESUME_NEEDS.items():
            if type(values.get(key)) not in kind:
                raise ArtifactError(
                    f"{self.environment}: {key} = {values.get(key)!r}; "
                    "expected what wsnet train wrote there: start a new run"
                )
        return values


def check_run_name(name: str) -> None:
    """Refuse a name that is none of a run.

    Raises:
        UsageError: it holds other characters than letters, digits, dot, dash and underscore.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        raise UsageError(f"--name {name}: expected letters, digits, '.', '-' and '_'")


def check_outside(data: Path, root: Path = RUNS) -> None:
    """Refuse to write runs into the data.

    Raises:
        UsageError: the folder of all runs would lie in it.
    """
    if data.is_dir() and root.resolve().is_relative_to(data.resolve()):
        raise UsageError(
            f"{root}: lies inside the data, {data}, which is never written to; go to another "
            "folder, and give the data's path"
        )


def new_run_folder(name: str, *, force: bool = False, root: Path = RUNS) -> RunFolder:
    """Make a folder for a run: `<root>/<name>`, then `<name>-2`, `<name>-3`, ...

    Args:
        name: letters, digits, dot, dash and underscore.
        force: use `<root>/<name>` even where it exists; what an earlier run wrote there is deleted,
            so that no model or measure of it stands beside the new run's split.
        root: the folder of all runs.

    Raises:
        UsageError: the name holds others, or another process trains in the folder to reuse, or
            several runs lie in it.
        FileError: the folder cannot be made.
    """
    check_run_name(name)
    with explain_os_errors("make a run folder in", root):
        root.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = root / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(exist_ok=force)
            except FileExistsError:
                if force:
                    raise no_folder(path) from None
                number += 1
                continue
            folder = RunFolder(path)
            if can_continue_runs(path):  # of hours, which one run does not make good
                raise UsageError(
                    f"{path}: holds several runs, which --force does not write over with one; "
                    "expected another --name, or delete the folder"
                )
            if force:
                with locked(folder):
                    delete_written(path)
            return folder


def no_folder(path: Path) -> UsageError:
    """What --force is told where the name is no folder: it takes no numbered one in its place."""
    return UsageError(
        f"{path}: is a file, or a link that leads nowhere, where --force was to use a folder; "
        "expected another --name, or delete it"
    )


def delete_written(path: Path) -> None:
    """Delete what a run wrote in a folder, or several of one request beside their own folders."""
    remove_stale(path)
    names = (*WRITTEN, *RESULT_FILES, JOB)
    found = [*path.glob(TEACHERS.format("*")), *path.glob(LOGS)]
    for stale in (*(path / name for name in names), *found):
        stale.unlink(missing_ok=True)


def locked(folder: RunFolder, team: Team | None = None) -> AbstractContextManager[None]:
    """Be the only one who trains in this folder.

    Args:
        folder: of the run.
        team: its first process holds the lock.

    Raises:
        UsageError: another process trains in it.
        FileError: the lock cannot be made.
    """
    if team is not None and team.rank > 0:
        return nullcontext()
    refusal = UsageError(
        f"{folder.path}: another process is training in this folder; wait for it, or stop it"
    )
    return hold(folder.path / LOCK, refusal=refusal, remove=True)


def _rate(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def open_run_folder(path: Path) -> RunFolder:
    """An existing run.

    Raises:
        UsageError: it is no folder of a run.
    """
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise UsageError(f"{path}: is not the folder of a run; expected one with config.yaml in it")
    return folder

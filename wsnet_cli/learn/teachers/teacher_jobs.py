"""A job of several runs as teacher: who learns from which of them.

A run learns from those that held out the same clips, which content tells, not the names of folds:
so none of its teachers has heard what it is measured on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ArtifactError, UsageError
from ...core.files import explain_os_errors
from ...core.run_files import JOB, MODEL, SPLIT, can_continue_runs
from ..run_names import run_names
from .split_parts import Parts, read_parts


@dataclass(frozen=True)
class TeacherRun:
    """A finished run of a job: its folder, and what it heard and held out."""

    path: Path
    parts: Parts

    def held_out_too(self, clips: Collection[str]) -> bool:
        """Whether it can teach a run that holds out these clips.

        It knows none of them, and held out some of them; where there are none, nothing.

        Args:
            clips: content keys.
        """
        if not clips:
            return not self.parts.test
        known = (self.parts.train, self.parts.validation)
        return self.parts.test.intersection(clips) != frozenset() and all(
            part.isdisjoint(clips) for part in known
        )


@dataclass(frozen=True)
class TeacherJob:
    """A job whose runs all came to their end.

    Attributes:
        name: what the user called its folder.
        runs: fold after fold, seeds in the order of the job.
        n_seeds: runs of each fold.
    """

    name: str
    runs: tuple[TeacherRun, ...]
    n_seeds: int

    def teachers_of(
        self, held_out: Collection[str], trained: Collection[str], fold: str | None
    ) -> tuple[TeacherRun, ...]:
        """The runs that a run may learn from.

        Args:
            held_out: content keys of what it is measured on.
            trained: those of what it is trained on, or chosen by; a copy that stands in both is
                no reason against a teacher.
            fold: that it holds out, for the message.

        Raises:
            UsageError: there is none.
        """
        clips = frozenset(held_out).difference(trained) or frozenset(held_out)
        found = tuple(run for run in self.runs if run.held_out_too(clips))
        if found:
            return found
        if not clips:
            raise UsageError(
                f"teacher {self.name}: each of its runs held something out, and this run holds out "
                "nothing; expected a job of --fold none, or single runs"
            )
        what = "what is held out" if fold is None else f"what fold {fold} holds out"
        raise UsageError(
            f"teacher {self.name}: none of its {len(self.runs)} runs held out {what}; "
            "expected a job over the same folds of the same data"
        )

    @property
    def digest(self) -> str:
        """Changes with the model of any run. Raises FileError."""
        digest = hashlib.sha256()
        for run in self.runs:
            model = run.path / MODEL
            with explain_os_errors("read", model):
                digest.update(hashlib.sha256(model.read_bytes()).digest())
        return digest.hexdigest()


def is_teacher_job(name: str) -> bool:
    """Whether the name of a teacher is that of a folder of several runs."""
    folder = Path(name)
    return can_continue_runs(folder) and not (folder / MODEL).is_file()


def open_teacher_job(name: str) -> TeacherJob:
    """Find the runs of a job.

    Raises:
        ArtifactError: job.json or the split of a run is damaged.
        FileError: the system refused to read.
        UsageError: a run has no model yet.
    """
    folder = Path(name)
    folds, seeds = _folds_and_seeds(folder / JOB)
    paths = [folder / run for run in run_names(folds, seeds).values()]
    n_missing = sum(not (path / MODEL).is_file() for path in paths)
    if n_missing:
        raise UsageError(
            f"teacher {name}: {n_missing} of its {len(paths)} runs have no model yet; expected "
            f"all of them to be finished: wsnet train --resume {name}"
        )
    return TeacherJob(name, tuple(TeacherRun(path, _parts(path)) for path in paths), len(seeds))


def _parts(path: Path) -> Parts:
    parts = read_parts(path)
    if not parts.train:
        raise ArtifactError(
            f"{path / SPLIT}: does not tell what the run was trained on; "
            "expected what wsnet train wrote there"
        )
    return parts


def _folds_and_seeds(path: Path) -> tuple[list[str | None], list[int]]:
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        values = json.loads(content)
        folds = [None if fold is None else str(fold) for fold in values["folds"]]
        seeds = [int(seed) for seed in values["seeds"]]
        if not folds or not seeds:
            raise ValueError("no runs")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet train wrote there") from error
    return folds, seeds

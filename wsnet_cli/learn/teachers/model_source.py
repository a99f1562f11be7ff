"""The model files that a run starts from and learns from, as they were read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.configuration.config import Config
from ...core.files import write_atomic
from ...core.locate import find_model
from ...core.model import Model
from ...core.model_file.artifact import model_from_bytes
from ...core.model_file.container import MAX_MODEL_BYTES, read_container
from ...core.run_files import START
from ..modules.start import head_for
from .split_parts import read_parts
from .teacher_jobs import TeacherJob, is_teacher_job, open_teacher_job

"""The copy in a run's folder of the model that it starts from."""
TEACHERS = "teacher-{}.wsnet"
"""The copies of its teachers, from 1."""
DIGEST_DIGITS = 16
"""Hexadecimal digits of a SHA-256 that tell one model file from another."""


@dataclass(frozen=True)
class ModelSource:
    """A model, the bytes of its file, and what of its training is known.

    Attributes:
        name: what the user called it.
        path: of the file.
        content: of the file.
        model: what the file holds.
        heard: the content keys of the clips that it was trained on, where it lies in the folder of
            a run; else empty.
    """

    name: str
    path: Path
    content: bytes
    model: Model
    heard: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """The beginning of the SHA-256 of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()[:DIGEST_DIGITS]

    def n_heard(self, content_keys: Collection[str]) -> int:
        """How many of these clips it was trained on, as far as is known."""
        return sum(key in self.heard for key in content_keys)


@dataclass(frozen=True)
class Sources:
    """The models that a run needs besides its data.

    They are copied into its folder, so that it can be resumed whatever becomes of them.

    Attributes:
        start: the one that it starts from, or None.
        teachers: those that it learns from.
        jobs: those of whose runs it learns from some: `chosen` says which, once it is known what
            is held out.
    """

    start: ModelSource | None = None
    teachers: tuple[ModelSource, ...] = ()
    jobs: tuple[TeacherJob, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, ModelSource]]:
        """Each with the name of its copy."""
        if self.start:
            yield START, self.start
        for number, teacher in enumerate(self.teachers, start=1):
            yield TEACHERS.format(number), teacher

    def save(self, folder: Path) -> None:
        """Copy all of them into a run's folder. Raises FileError."""
        for copy, source in self:
            write_atomic(folder / copy, source.content)

    def remarks(self, labels: Sequence[str]) -> list[str]:
        """What a user should know of a run that uses them, a line each.

        Args:
            labels: of the data.
        """
        lines = [f"teacher: {teacher.name}" for teacher in self.teachers]
        lines += [
            f"teacher: {job.name}, of its {len(job.runs)} runs those that held out the same clips"
            for job in self.jobs
        ]
        if self.start:
            lines.append(f"from {self.start.name}: {head_for(self.start.model, labels).say()}")
        return lines

    def warnings(self, held_out: Collection[str]) -> list[str]:
        """Which of them know what the run is measured on, a line each.

        Args:
            held_out: the content keys of the held-out clips.
        """
        lines = []
        for _, source in self:
            n_heard = source.n_heard(held_out)
            job = next(filter(is_teacher_job, map(str, Path(source.name).parents[:2])), None)
            better = f"; its job as teacher gives each run its own: --teacher {job}" if job else ""
            if n_heard:
                lines.append(
                    f"{source.name} was trained on {n_heard} of the {len(held_out)} held-out "
                    f"clips: what is measured will be too good"
                    f"{better if source in self.teachers else ''}"
                )
        return lines

    @property
    def digest(self) -> str:
        """Changes with any of them; empty where there are none."""
        own = [source.digest for _, source in self]
        return " ".join((*own, *(job.digest for job in self.jobs)))

    @property
    def digests(self) -> dict[str, str]:
        """What tells them from others, by the name of their copy."""
        return {copy: source.digest for copy, source in self}

    @property
    def provenance(self) -> dict[str, str | int | float]:
        """For the model that comes out; of the same length before its teachers are chosen."""
        words: dict[str, str | int | float] = {}
        if self.start:
            words["start"] = self.start.digest
        digests = [teacher.digest for teacher in self.teachers]
        digests += ["0" * DIGEST_DIGITS for job in self.jobs for _ in range(job.n_seeds)]
        if digests:
            words["teachers"] = " ".join(digests)
        return words

    def every_kind(self) -> Iterator[ModelSource]:
        """The teachers, and of each job, whose runs are all of one kind, the first."""
        yield from self.teachers
        for job in self.jobs:
            yield read_source(str(job.runs[0].path))

    def chosen(
        self, held_out: Collection[str], trained: Collection[str], fold: str | None
    ) -> Sources:
        """The same with the runs of each job that a run may learn from.

        Args:
            held_out: content keys of what it is measured on.
            trained: those of what it is trained on, or chosen by.
            fold: that it holds out, for the message.

        Raises:
            UsageError: a job has none.
            WsnetError: as `read_source`.
        """
        runs = [run for job in self.jobs for run in job.teachers_of(held_out, trained, fold)]
        more = tuple(read_source(str(run.path)) for run in runs)
        return Sources(self.start, (*self.teachers, *more))


def find_sources(config: Config) -> Sources:
    """Read the models that a configuration names.

    Raises:
        WsnetError: as `read_source` and `open_teacher_job`.
    """
    start = None if config.start is None else read_source(config.start)
    jobs = [name for name in _teachers(config) if is_teacher_job(name)]
    single = [name for name in _teachers(config) if name not in jobs]
    return Sources(start, tuple(map(read_source, single)), tuple(map(open_teacher_job, jobs)))


def kept_sources(config: Config, folder: Path) -> Sources:
    """Read the copies in a run's folder instead.

    Raises:
        ArtifactError: one is missing or damaged.
        FileError: the system refused to read it.
    """
    start = None if config.start is None else _read(config.start, folder / START)
    teachers = enumerate(_teachers(config), start=1)
    return Sources(start, tuple(_read(name, folder / TEACHERS.format(n)) for n, name in teachers))


def read_source(name: str) -> ModelSource:
    """Find and read what a MODEL argument means.

    Raises:
        UsageError: there is no such model.
        ArtifactError: it is no model file, or damaged.
        FileError: the system refused to read it.
    """
    path = find_model(name)
    return replace(_read(name, path), heard=read_parts(path.parent).train)


def _read(name: str, path: Path) -> ModelSource:
    content = read_container(path, "a wsnet model file", MAX_MODEL_BYTES)
    return ModelSource(name, path, content, model_from_bytes(content, str(path)))


def _teachers(config: Config) -> tuple[str, ...]:
    return config.train.distill.teachers if config.train.distill else ()

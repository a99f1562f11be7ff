"""The model files that a run starts from and learns from, as they were read."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.artifact import model_from_bytes
from ..core.config import Config
from ..core.container import MAX_MODEL_BYTES, read_container
from ..core.files import write_atomic
from ..core.locate import find_model
from ..core.model import Model
from .start import head_for

START = "start.wsnet"
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
        content: of the file.
        model: what the file holds.
        heard: the content keys of the clips that it was trained on, where it lies in the folder of
            a run; else empty.
    """

    name: str
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
    """

    start: ModelSource | None = None
    teachers: tuple[ModelSource, ...] = ()

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
        if self.start:
            lines.append(f"from {self.start.name}: {head_for(self.start.model, labels).say()}")
        return lines

    def warnings(self, held_out: Collection[str]) -> list[str]:
        """Which of them know what the run is measured on, a line each.

        Args:
            held_out: the content keys of the held-out clips.
        """
        return [
            f"{source.name} was trained on {source.n_heard(held_out)} of the {len(held_out)} "
            "held-out clips: what is measured will be too good"
            for _, source in self
            if source.n_heard(held_out)
        ]

    @property
    def digests(self) -> dict[str, str]:
        """What tells them from others, by the name of their copy."""
        return {copy: source.digest for copy, source in self}

    @property
    def provenance(self) -> dict[str, str | int | float]:
        """For the model that comes out."""
        words: dict[str, str | int | float] = {}
        if self.start:
            words["start"] = self.start.digest
        if self.teachers:
            words["teachers"] = " ".join(teacher.digest for teacher in self.teachers)
        return words


def find_sources(config: Config) -> Sources:
    """Read the models that a configuration names. Raises: as `read_source`."""
    start = None if config.start is None else read_source(config.start)
    return Sources(start, tuple(read_source(name) for name in _teachers(config)))


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
    return replace(_read(name, path), heard=_heard(path.parent))


def _read(name: str, path: Path) -> ModelSource:
    content = read_container(path, "a wsnet model file", MAX_MODEL_BYTES)
    return ModelSource(name, content, model_from_bytes(content, str(path)))


def _teachers(config: Config) -> tuple[str, ...]:
    return config.train.distill.teachers if config.train.distill else ()


def _heard(folder: Path) -> frozenset[str]:
    """Clips in the training part of a run's split.csv; none where there is none to be read."""
    try:
        text = (folder / "split.csv").read_text(encoding="utf-8")
        rows = csv.DictReader(io.StringIO(text), strict=True)
        return frozenset(
            row["content"] for row in rows if row.get("part") == "train" and row.get("content")
        )
    except (OSError, UnicodeDecodeError, csv.Error):
        return frozenset()

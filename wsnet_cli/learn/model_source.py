"""A model file that a run starts from or learns from, as it was read."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..core.artifact import model_from_bytes
from ..core.container import read_container
from ..core.files import write_atomic
from ..core.locate import find_model
from ..core.model import Model

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

    def save(self, path: Path) -> None:
        """Copy the file, byte for byte. Raises FileError."""
        write_atomic(path, self.content)

    def n_heard(self, content_keys: Collection[str]) -> int:
        """How many of these clips it was trained on, as far as is known."""
        return sum(key in self.heard for key in content_keys)


def read_source(name: str) -> ModelSource:
    """Find and read what a MODEL argument means.

    Raises:
        UsageError: there is no such model.
        ArtifactError: it is no model file, or damaged.
        FileError: the system refused to read it.
    """
    path = find_model(name)
    content = read_container(path, "a wsnet model file")
    return ModelSource(name, content, model_from_bytes(content, str(path)), _heard(path.parent))


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

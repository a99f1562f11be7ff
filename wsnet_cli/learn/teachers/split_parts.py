"""The parts of a run's clips, by their content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.split_file import read_split_if_any


@dataclass(frozen=True)
class Parts:
    """Content keys of the clips of a run; a copy may stand in several parts.

    Attributes:
        train: that it was trained on.
        validation: by which its epoch was chosen.
        test: that it held out.
    """

    train: frozenset[str] = frozenset()
    validation: frozenset[str] = frozenset()
    test: frozenset[str] = frozenset()


def read_parts(folder: Path) -> Parts:
    """The parts of the run of a folder; all are empty where there is no split to be read."""
    found: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for row in read_split_if_any(folder):
        if row.part in found and row.content:
            found[row.part].add(row.content)
    return Parts(**{part: frozenset(keys) for part, keys in found.items()})

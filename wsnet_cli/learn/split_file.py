"""What a run's split.csv says of clips, by their content."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path

SPLIT_FILE = "split.csv"


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
    try:
        text = (folder / SPLIT_FILE).read_text(encoding="utf-8")
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            part, content = row.get("part"), row.get("content")
            if part in found and content:
                found[part].add(sys.intern(content))  # many runs have the same clips
    except (OSError, UnicodeDecodeError, csv.Error):
        return Parts()
    return Parts(**{part: frozenset(keys) for part, keys in found.items()})

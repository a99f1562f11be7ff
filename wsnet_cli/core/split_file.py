"""A run's split.csv: which part every clip was in, and its content."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from .errors import DataError, FileError
from .files import explain_os_errors, write_text_atomic
from .run_files import SPLIT
from .tables import csv_text

HEADER = ("clip", "label", "part", "fold", "group", "start_s", "end_s", "content")
NOT_NEEDED = ("fold", "group")
"""Columns that older versions did not write."""


@dataclass(frozen=True)
class SplitRow:
    """A clip of a run. What does not apply is empty.

    Attributes:
        clip: its file, as the data set names it.
        label: the class, or several of them separated by `;`.
        part: train, validation, test, unused or unreadable.
        fold: that the data set puts it in.
        group: what its recording is known by.
        start_s: where it begins in its file, in seconds.
        end_s: where it ends.
        content: the digest of its samples.
    """

    clip: str
    label: str
    part: str
    fold: str
    group: str
    start_s: str
    end_s: str
    content: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from other clips of the data: name, start and end."""
        return (self.clip, self.start_s, self.end_s)


def write_split(folder: Path, rows: Iterable[SplitRow]) -> None:
    """Write the split of a run.

    Raises:
        FileError: the system refuses to write.
    """
    write_text_atomic(folder / SPLIT, csv_text(HEADER, map(astuple, rows)))


def read_split(folder: Path, instead: str = "restore it, or train again") -> list[SplitRow]:
    """Read the split of a run.

    Args:
        folder: of the run.
        instead: what to do where it is damaged.

    Raises:
        DataError: it is damaged.
        FileError: the system refuses to read, or there is none.
    """
    path = folder / SPLIT
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        return [_row(cells) for cells in reader]
    except (ValueError, KeyError, csv.Error) as error:
        raise DataError(f"{path}: is damaged; {instead}") from error


def read_split_if_any(folder: Path) -> list[SplitRow]:
    """The split of a run; nothing where there is none that can be made out."""
    try:
        return read_split(folder)
    except (DataError, FileError):
        return []


def _row(cells: dict[str, str | None]) -> SplitRow:
    values = {name: cells.get(name, "") if name in NOT_NEEDED else cells[name] for name in HEADER}
    present = {name: value for name, value in values.items() if value is not None}
    if len(present) < len(HEADER):
        raise ValueError("a row is short")
    # a run has few parts and labels, and the runs of a job have the same clips
    return SplitRow(**{name: sys.intern(value) for name, value in present.items()})

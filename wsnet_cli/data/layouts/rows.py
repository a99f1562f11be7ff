"""Tables of text, read row by row: strict, numbered, and never whole in memory."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError
from ...core.files import explain_os_errors
from ...core.quoting import quoted, shown
from ..clips import Clip

_LONGEST_LINE = 1 << 20  # characters; far more than a row of any table that a person meant

_OTHER_WORDS = ("folder",)  # near to a column's name, and no mistake for it

RowStream = Generator["Row", None, None]
"""To be closed where it is not read to its end: it holds a file open."""
Rows = Callable[[], RowStream]
"""Starts reading a table from its beginning."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; `number` counts as a spreadsheet does, the first line being row 1."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str | None:
        """Return the stripped cell, or None where it is empty or the column is not there."""
        return self.cells.get(column, "").strip() or None


def text_lines(path: Path) -> Generator[str, None, None]:
    """Yield the lines of a text file with their ends, of any kind; a byte order mark is dropped.

    Raises:
        DataError: a line is not UTF-8, holds a NUL, or is absurdly long.
        FileError: the system refused to read it.
    """
    with explain_os_errors("read", path), path.open(encoding="utf-8-sig", newline="") as stream:
        number = 0
        try:
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if "\0" in line:
                    raise DataError(f"{shown(path)}: line {number}: a NUL byte; expected text")
                if len(line) == _LONGEST_LINE:
                    raise DataError(f"{shown(path)}: line {number}: longer than any row can be")
                yield line
        except UnicodeDecodeError:
            number = _undecodable_line(path)
            raise DataError(f"{shown(path)}: line {number}: not UTF-8; save it as UTF-8") from None


def csv_records(path: Path, delimiter: str = ",") -> Generator[tuple[int, list[str]], None, None]:
    """Yield the number and the cells of every record that is not blank.

    Raises:
        DataError: as `text_lines`, or it is not valid CSV.
    """
    number = 0
    try:
        with closing(text_lines(path)) as lines:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            for number, cells in enumerate(reader, start=1):
                if number == 1 or any(cell.strip() for cell in cells):
                    yield number, cells
    except csv.Error as error:
        raise DataError(f"{shown(path)}: row {number + 1}: not valid CSV: {error}") from None


def csv_rows(
    path: Path, required: Collection[str], optional: Collection[str], notes: list[str]
) -> RowStream:
    """Yield the rows of a CSV file with a header, without blank ones.

    Columns may come in any order and case; further ones are ignored, which goes to `notes`.

    Raises:
        DataError: as `csv_records`; a missing or doubled column, one that looks like a misspelt
            one, or a row of another width.
    """
    with closing(csv_records(path)) as records:
        _, header = next(records, (1, []))
        columns = [name.strip().lower() for name in header]
        notes += _check_columns(path, columns, required, optional)
        for number, cells in records:
            if len(cells) != len(columns):
                raise DataError(
                    f"{shown(path)}: row {number}: {len(cells)} cells; expected {len(columns)} as "
                    "in the header (a comma in a name needs quotes around the cell)"
                )
            yield Row(number, dict(zip(columns, cells, strict=True)))


def row_clips(path: Path, rows: Rows, build: Callable[[Row], Clip | None]) -> Iterator[Clip]:
    """Make one clip of each row, or none where `build` says so.

    Raises:
        DataError: `build` refused a row, told with the row's number, or two rows name one clip.
    """
    seen: set[int] = set()  # hashes, a fifth of the memory that keys and rows would take
    with closing(rows()) as found:
        for row in found:
            clip = _built(path, row, build)
            if clip is None:
                continue
            key = hash(_identity(clip))
            if key in seen:
                _refuse_if_listed_before(path, rows, build, clip, row.number)
            seen.add(key)
            yield clip


def misspelt(name: str, known: Collection[str]) -> str | None:
    """Return the known name that an unknown one was meant to be, if it is near enough to one.

    >>> misspelt("splt", ("split", "fold")), misspelt("mood", ("split", "fold"))
    ('split', None)
    """
    if name.lower() in _OTHER_WORDS:
        return None
    meant = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    return meant[0] if meant else None


def _built(path: Path, row: Row, build: Callable[[Row], Clip | None]) -> Clip | None:
    try:
        return build(row)
    except DataError as error:
        raise DataError(f"{shown(path)}: row {row.number}: {error}") from None


def _identity(clip: Clip) -> tuple[str, float | None, float | None]:
    return clip.name, clip.start_s, clip.end_s


def _refuse_if_listed_before(
    path: Path, rows: Rows, build: Callable[[Row], Clip | None], clip: Clip, number: int
) -> None:
    with closing(rows()) as found:
        for row in found:
            if row.number >= number:  # two different clips with one hash
                return
            earlier = build(row)
            if earlier is not None and _identity(earlier) == _identity(clip):
                raise DataError(
                    f"{shown(path)}: row {number}: {quoted(clip.name)} is listed in row "
                    f"{row.number} already; expected one row per clip"
                )


def _undecodable_line(path: Path) -> int:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _check_columns(
    path: Path, columns: list[str], required: Collection[str], optional: Collection[str]
) -> list[str]:
    where = f"{shown(path)}: row 1"
    found = quoted(",".join(columns))
    missing = [name for name in required if name not in columns]
    if missing:
        separator = next(
            (sign for sign in ";\t|" if len(columns) == 1 and sign in columns[0]), None
        )
        if separator is not None:
            raise DataError(
                f"{where}: found {found}, one column; expected commas between columns, not "
                f"{quoted(separator)}"
            )
        raise DataError(
            f"{where}: no column {quoted(missing[0])}; found {found}, "
            f"expected {','.join(required)} and optionally {','.join(optional)}"
        )
    doubled = [name for name in columns if name and columns.count(name) > 1]
    if doubled:
        raise DataError(f"{where}: column {quoted(doubled[0])} stands there twice")
    unknown = [name for name in columns if name and name not in (*required, *optional)]
    absent = [name for name in optional if name not in columns]
    for name in unknown:
        # Ignoring "splt" would train on the test clips without a word.
        if meant := misspelt(name, absent):
            raise DataError(f"{where}: unknown column {quoted(name)}; did you mean {meant!r}?")
    if not unknown:
        return []
    return [f"{shown(path.name)}: ignored columns: {quoted(', '.join(unknown))}"]

"""Manifests: a CSV file that lists clips, `path,label[,split|fold][,group][,start,end]`.

Paths are relative to the manifest's own folder and never lead out of it. A file that is listed but
not there is no error here: it is reported when it is decoded, like any other unreadable one.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import DataError
from ..core.files import explain_os_errors
from .dataset import Clip, DataSet, clean_label, quoted, shown
from .paths import Root

REQUIRED = ("path", "label")
OPTIONAL = ("split", "fold", "group", "start", "end")

_LARGEST_BYTES = 1 << 29  # some million rows; more is not a list that a person meant
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
}


@dataclass(frozen=True)
class Row:
    """One row of a CSV file; `number` counts as a spreadsheet does, the header being row 1."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str | None:
        """Return the stripped cell, or None where it is empty or the column is not there."""
        return self.cells.get(column, "").strip() or None


def load_manifest(path: Path) -> DataSet:
    """Read a manifest.

    Columns may come in any order and case; further ones are ignored and noted.

    Raises:
        DataError: the first thing that is wrong, with its row.
        FileError: the system refused to read it.
    """
    root = Root(path.parent)
    rows, notes = read_rows(path, REQUIRED, OPTIONAL)
    clips = build_clips(path, rows, lambda row: _clip(row, root))
    return DataSet(root.path, "manifest", tuple(clips), notes=notes)


def build_clips(path: Path, rows: list[Row], build: Callable[[Row], Clip]) -> list[Clip]:
    """Make one clip of each row; what `build` refuses is told with the row's number.

    Raises:
        DataError: a row was refused, or two rows name the same clip.
    """
    clips: list[Clip] = []
    seen: dict[tuple[str, float | None, float | None], int] = {}
    for row in rows:
        try:
            clip = build(row)
        except DataError as error:
            raise DataError(f"{shown(path)}: row {row.number}: {error}") from None
        earlier = seen.setdefault((clip.name, clip.start_s, clip.end_s), row.number)
        if earlier != row.number:
            raise DataError(
                f"{shown(path)}: row {row.number}: {quoted(clip.name)} is listed in row {earlier} "
                "already; expected one row per clip"
            )
        clips.append(clip)
    return clips


def read_rows(
    path: Path, required: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[list[Row], tuple[str, ...]]:
    """Read a CSV file with a header; return its rows without blank ones, and notes for people.

    Takes UTF-8 with or without a byte order mark and any kind of line end.

    Raises:
        DataError: not UTF-8, a NUL, a missing or doubled column, a row of another width, or a
            column that looks like a misspelt one.
    """
    records = _records(path, _read_text(path))
    _, header = next(records, (1, []))
    columns = [name.strip().lower() for name in header]
    notes = _check_columns(path, columns, required, optional)
    rows = []
    for number, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise DataError(
                f"{shown(path)}: row {number}: {len(cells)} cells; expected {len(columns)} as in "
                "the header (a comma in a name needs quotes around the cell)"
            )
        rows.append(Row(number, dict(zip(columns, cells, strict=True))))
    return rows, notes


def _read_text(path: Path) -> str:
    with explain_os_errors("read", path):
        if path.stat().st_size > _LARGEST_BYTES:
            raise DataError(f"{shown(path)}: larger than {_LARGEST_BYTES} bytes; no manifest is")
        content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{shown(path)}: line {line}: not UTF-8; save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{shown(path)}: line {line}: a NUL byte; expected text")
    return text


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, cells
    except csv.Error as error:
        raise DataError(f"{shown(path)}: row {number + 1}: not valid CSV: {error}") from None


def _check_columns(
    path: Path, columns: list[str], required: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[str, ...]:
    where = f"{shown(path)}: row 1"
    found = quoted(",".join(columns))
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(
            f"{where}: no column {quoted(missing[0])}; found {found}, "
            f"expected {','.join(required)} and optionally {','.join(optional)}"
        )
    doubled = [name for name in columns if name and columns.count(name) > 1]
    if doubled:
        raise DataError(f"{where}: column {quoted(doubled[0])} stands there twice")
    unknown = [name for name in columns if name and name not in required + optional]
    absent = [name for name in optional if name not in columns]
    for name in unknown:
        # Ignoring "splt" would train on the test clips without a word.
        meant = difflib.get_close_matches(name, absent, n=1, cutoff=0.8)
        if meant:
            raise DataError(f"{where}: unknown column {quoted(name)}; did you mean {meant[0]!r}?")
    if not unknown:
        return ()
    return (f"{shown(path.name)}: ignored columns: {quoted(', '.join(unknown))}",)


def _clip(row: Row, root: Root) -> Clip:
    label = row.get("label") or ""
    if ";" in label:
        raise DataError(f"label {quoted(label)}: multi-label sets are not supported yet")
    if "split" in row.cells and "fold" in row.cells:
        raise DataError("columns split and fold in one manifest; expected one of them")
    path, name = root.member(row.get("path") or "")
    clip = Clip(path, name, clean_label(label), group=row.get("group"))
    start_s, end_s = _seconds(row, "start"), _seconds(row, "end")
    if end_s is not None and end_s <= (start_s or 0.0):
        raise DataError(f"end {end_s:g} is not after start {start_s or 0.0:g}")
    return replace(clip, fold=_fold(row), split=_split(row), start_s=start_s, end_s=end_s)


def _fold(row: Row) -> str | None:
    if "fold" in row.cells and row.get("fold") is None:
        raise DataError("the fold is empty; expected its name in every row")
    return row.get("fold")


def _split(row: Row) -> str | None:
    if "split" not in row.cells:
        return None
    text = row.get("split") or ""
    if text.lower() not in _SPLITS:
        raise DataError(f"split {quoted(text)}; expected train, validation or test")
    return _SPLITS[text.lower()]


def _seconds(row: Row, column: str) -> float | None:
    text = row.get(column)
    if text is None:
        return None
    try:
        value = float(text) if "_" not in text else math.nan  # Python reads 1_0 as ten
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise DataError(f"{column} {quoted(text)}; expected seconds, 0 or more")
    return value

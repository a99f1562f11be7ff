"""ESC-50, ESC-10 and UrbanSound8K: data sets with a table of their own and folds to be kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError
from ...core.quoting import quoted
from ..clips import Clip
from ..dataset import clean_label
from .layout import Findings
from .manifest import fold_name
from .paths import Root
from .rows import Row, RowStream, csv_rows, row_clips

ESC50_TABLE = "meta/esc50.csv"
URBANSOUND_TABLES = ("metadata/UrbanSound8K.csv", "UrbanSound8K.csv")
"""As released, with `audio/fold1` and so on, or as a mirror lays it out, with `fold1` beside it."""

_ESC50_OTHERS = ("src_file", "target", "esc10", "take")
_URBANSOUND_FOLDS = tuple(str(number) for number in range(1, 11))
_ESC10_WORDS = {"true": True, "false": False}


def read_esc50(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of ESC-50's own table; those cut from one recording are one group.

    Source: columns as in https://github.com/karolpiczak/ESC-50, file meta/esc50.csv.

    Raises:
        DataError: the table is damaged; with the row.
    """
    table = root.own_file(ESC50_TABLE)
    n_clips = n_esc10 = 0

    def build(row: Row) -> Clip:
        nonlocal n_clips, n_esc10
        n_clips += 1
        n_esc10 += (row.get("esc10") or "").lower() == "true"
        return _esc50_clip(root, row)

    def rows() -> RowStream:
        return csv_rows(table, ("filename", "fold", "category"), _ESC50_OTHERS, found.notes)

    yield from row_clips(table, rows, build)
    if 0 < n_esc10 < n_clips:
        found.notes.append(
            f"{n_esc10} of {n_clips} clips are of ESC-10 (--layout esc-10 takes these alone)"
        )


def read_esc10(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield those clips of ESC-50 that its table marks as ESC-10.

    Raises:
        DataError: the table is damaged or has no such mark; with the row.
    """
    table = root.own_file(ESC50_TABLE)

    def build(row: Row) -> Clip | None:
        mark = row.get("esc10") or ""
        if mark.lower() not in _ESC10_WORDS:
            raise DataError(f"esc10 {quoted(mark)}; expected True or False")
        return _esc50_clip(root, row) if _ESC10_WORDS[mark.lower()] else None

    def rows() -> RowStream:
        required = ("filename", "fold", "category", "esc10")
        return csv_rows(table, required, _ESC50_OTHERS, found.notes)

    return row_clips(table, rows, build)


def read_urbansound8k(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of UrbanSound8K in its ten folds; slices of one recording are one group.

    The columns `start` and `end` say where in the recording a slice was; each slice is a whole
    file here, so they are not used.

    Source: metadata/UrbanSound8K.csv as its README and J. Salamon, C. Jacoby, J. P. Bello, ACM
    Multimedia 2014, describe it: `slice_file_name,fsID,start,end,salience,fold,classID,class`,
    recordings in `audio/fold<fold>/`. Its authors ask for their ten folds, never reshuffled.

    Raises:
        DataError: the table is damaged; with the row.
    """
    name = next(name for name in URBANSOUND_TABLES if (root.path / name).exists())
    table = root.own_file(name)
    folder = "audio/" if "/" in name else ""

    def build(row: Row) -> Clip:
        fold = row.get("fold") or ""
        if fold not in _URBANSOUND_FOLDS:
            raise DataError(f"fold {quoted(fold)}; expected 1 to 10")
        path, clip = _member(root, f"{folder}fold{fold}/", row.get("slice_file_name"))
        label = clean_label(row.get("class") or "")
        return Clip(path, clip, label, fold=fold, group=row.get("fsid"))

    def rows() -> RowStream:
        required = ("slice_file_name", "fsid", "fold", "class")
        others = ("start", "end", "salience", "classid")
        return csv_rows(table, required, others, found.notes)

    return row_clips(table, rows, build)


def _esc50_clip(root: Root, row: Row) -> Clip:
    path, name = _member(root, "audio/", row.get("filename"))
    fold = fold_name(row.get("fold"))
    label = clean_label(row.get("category") or "")
    return Clip(path, name, label, fold=fold, group=row.get("src_file"))


def _member(root: Root, folder: str, filename: str | None) -> tuple[Path, str]:
    if filename is None or not filename.strip("./\\"):
        raise DataError("the filename is empty; expected an audio file")
    return root.member(folder + filename)

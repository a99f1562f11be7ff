"""Manifests: a CSV or JSON Lines file that lists clips with their labels.

The columns, or keys, are `path,label[,split|fold][,group][,start,end]`. Paths are relative to the
manifest's own folder and never lead out of it. A file that is listed but not there is no error
here: it is reported when it is decoded, like any other unreadable one.

One label with a `;` in it, or a list in JSON Lines, makes the set multi-label: then every label is
any number of classes, and may be empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...core.errors import DataError
from ...core.quoting import quoted, shown
from ..clips import Clip
from ..dataset import DataSet, clean_label
from ..label_sets import SEPARATOR, join_names
from .json_rows import LABELS, NAME, NUMBER, TEXT, json_rows
from .layout import Findings, read_clips
from .paths import Root
from .rows import Row, RowStream, csv_rows, row_clips

REQUIRED = ("path", "label")
OPTIONAL = ("split", "fold", "group", "start", "end")
JSON_SUFFIXES = (".jsonl", ".ndjson")
MANIFEST_SUFFIXES = (".csv", *JSON_SUFFIXES)
MANIFEST_NAMES = ("manifest.csv", "manifest.jsonl")
MANIFEST_TITLE = "manifest"

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
}
"""What data sets call their parts, and what wsnet calls them."""

KEYWORDS = {"all": "all folds in turn", "none": "no fold"}
"""What `--fold` takes in place of a name."""

_KINDS = {
    **dict.fromkeys(("path", "split"), TEXT),
    "label": LABELS,
    **dict.fromkeys(("fold", "group"), NAME),
    **dict.fromkeys(("start", "end"), NUMBER),
}
_LARGEST_S = 1e9  # as for decoding


def load_manifest(path: Path) -> DataSet:
    """Read a manifest; `.jsonl` and `.ndjson` are JSON Lines, all else is CSV.

    Columns may come in any order, in CSV in any case; further ones are ignored and noted.

    Raises:
        DataError: the first thing that is wrong, with its row.
        FileError: the system refused to read it.
    """
    root = Root(path.parent)
    return read_clips(root, MANIFEST_TITLE, lambda root, found: _clips(path, root, found))


def read_manifest_of(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of the manifest that lies in a folder.

    Raises:
        DataError: as `load_manifest`, or there are two.
    """
    names = [name for name in MANIFEST_NAMES if (root.path / name).exists()]
    if len(names) > 1:
        raise DataError(f"{shown(root.path)}: holds {' and '.join(names)}; name the one to read")
    return _clips(root.own_file(names[0]), root, found)


def split_word(text: str) -> str:
    """Return the name of a part, whatever the data set calls it.

    Raises:
        DataError: a reason without place: the word is none of a part.
    """
    if text.lower() not in SPLIT_WORDS:
        raise DataError(f"split {quoted(text)}; expected train, validation or test")
    return SPLIT_WORDS[text.lower()]


def fold_name(text: str | None) -> str:
    """Return the name of a fold.

    Raises:
        DataError: a reason without place: it is empty, cannot be printed, or is a word of --fold.
    """
    if text is None:
        raise DataError("the fold is empty; expected its name in every row")
    if not text.isprintable():
        raise DataError(f"the fold {quoted(text)} holds characters that cannot be printed")
    if text in KEYWORDS:
        raise DataError(f"the fold {quoted(text)} is what --fold calls {KEYWORDS[text]}; rename it")
    return text


def _clips(path: Path, root: Root, found: Findings) -> Iterator[Clip]:
    empty: list[int] = []  # the first row without a label

    def build(row: Row) -> Clip:
        text = row.cells["label"]
        found.multi_label |= SEPARATOR in text
        if not text.strip() and not empty:
            empty.append(row.number)
        return _clip(row, root)

    def rows() -> RowStream:
        if path.suffix.lower() not in JSON_SUFFIXES:
            return csv_rows(path, REQUIRED, OPTIONAL, found.notes)
        return _even(path, json_rows(path, REQUIRED, _KINDS, found.notes))

    yield from row_clips(path, rows, build)
    if empty and not found.multi_label:
        raise DataError(
            f"{shown(path)}: row {empty[0]}: the label is empty; expected a class name (or in "
            f"another row several with {SEPARATOR} between)"
        )


def _even(path: Path, rows: RowStream) -> RowStream:
    """Refuse a split or fold that some rows have and others lack, as no CSV file can."""
    first: Row | None = None
    with closing(rows):
        for row in rows:
            first = first or row
            for key in ("split", "fold"):
                if (key in row.cells) != (key in first.cells):
                    raise DataError(
                        f"{shown(path)}: row {row.number}: {key} stands in row "
                        f"{(first if key in first.cells else row).number} and not in row "
                        f"{(row if key in first.cells else first).number}; "
                        "expected it in every row or in none"
                    )
            yield row


def _clip(row: Row, root: Root) -> Clip:
    if "split" in row.cells and "fold" in row.cells:
        raise DataError("columns split and fold in one manifest; expected one of them")
    path, name = root.member(row.get("path") or "")
    names = [name for name in row.cells["label"].split(SEPARATOR) if name.strip()]
    label = join_names(map(clean_label, names))
    start_s, end_s = _seconds(row, "start"), _seconds(row, "end")
    if end_s is not None and end_s <= (start_s or 0.0):
        raise DataError(f"end {end_s:g} is not after start {start_s or 0.0:g}")
    return Clip(
        path,
        name,
        label,
        fold=fold_name(row.get("fold")) if "fold" in row.cells else None,
        split=split_word(row.get("split") or "") if "split" in row.cells else None,
        group=row.get("group"),
        start_s=start_s,
        end_s=end_s,
    )


def _seconds(row: Row, column: str) -> float | None:
    text = row.get(column)
    if text is None:
        return None
    try:
        value = float(text) if "_" not in text else math.nan  # Python reads 1_0 as ten
    except ValueError:
        value = math.nan
    if not 0 <= value < _LARGEST_S:
        raise DataError(f"{column} {quoted(text)}; expected seconds, 0 or more")
    return value

"""Acoustic scenes of the DCASE challenges: development sets with lists of their folds.

Source: the READMEs and files of TUT Acoustic Scenes 2016 and 2017 (`meta.txt` without a header,
four folds), TUT Urban Acoustic Scenes 2018 (`meta.csv`, lists as `.txt`) and TAU Urban Acoustic
Scenes 2019 to 2022 (`meta.csv` and lists as `.csv`, one fold), https://dcase.community. All are
tab-separated: `filename`, `scene_label`, and in meta mostly an `identifier` of the recording place.
`evaluation_setup/fold<k>_train` and `fold<k>_evaluate` list the clips; `fold<k>_test` has those of
`evaluate` without their labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...core.errors import DataError
from ...core.quoting import quoted, shown
from ..clips import Clip
from ..dataset import clean_label
from .layout import Findings
from .paths import Root
from .rows import Row, RowStream, csv_records, row_clips

META_NAMES = ("meta.csv", "meta.txt")
SETUP_FOLDER = "evaluation_setup"

_COLUMNS = ("filename", "scene_label", "identifier", "source_label")
_LIST = re.compile(r"fold([1-9][0-9]?)_(train|evaluate|test)\.(?:csv|txt)")


def read_dcase(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of a development set; those of one recording place are a group.

    With one fold, its two lists are the parts train and test. With several, a clip's fold is the
    one whose evaluation list has it. Clips that no list has were left out by their authors, and
    are here, with a note.

    Raises:
        DataError: a table is damaged, with the row, or a list names what meta does not.
    """
    folds = _folds(root)
    part_of = _parts(root, folds)
    absent = set(part_of)
    unlisted: list[str] = []
    meta = root.own_file(next(name for name in META_NAMES if (root.path / name).exists()))

    def build(row: Row) -> Clip | None:
        path, name = root.member(row.get("filename") or "")
        label = clean_label(row.get("scene_label") or "")
        absent.discard(name)
        if name not in part_of:
            unlisted.append(name)
            return None
        fold = part_of[name]
        group = row.get("identifier")
        if len(folds) > 1:
            return Clip(path, name, label, fold=fold or None, group=group)
        return Clip(path, name, label, split="test" if fold else "train", group=group)

    yield from row_clips(meta, lambda: _rows(meta, 2), build)
    if unlisted:
        found.notes.append(
            f"left out {len(unlisted)} clips that are in no list of {SETUP_FOLDER}, such as "
            f"{quoted(min(unlisted))}"
        )
    if absent:
        raise DataError(
            f"{shown(root.path / SETUP_FOLDER)}: {quoted(min(absent))} is listed there, but not "
            f"in {meta.name}; expected every listed clip there"
        )


def _folds(root: Root) -> dict[str, tuple[str, str]]:
    """Return the folds that have lists, by number, each with those for training and evaluation."""
    folder = root.path / SETUP_FOLDER
    if not root.holds(folder) or not folder.is_dir():
        raise DataError(f"{shown(folder)}: expected a folder of the data set itself, with lists")
    names = {}
    for path in folder.iterdir():
        if parts := _LIST.fullmatch(path.name):
            names[int(parts[1]), parts[2]] = path.name
    folds = {}
    for number in sorted({number for number, _ in names}):
        # fold<k>_test lists the same clips as fold<k>_evaluate, which may be lacking.
        held_out = names.get((number, "evaluate")) or names.get((number, "test"))
        if held_out is None or (number, "train") not in names:
            raise DataError(
                f"{shown(folder)}: fold {number} lacks a list; expected fold{number}_train and "
                f"fold{number}_evaluate"
            )
        folds[str(number)] = names[number, "train"], held_out
    if not folds:
        raise DataError(f"{shown(folder)}: no lists; expected fold1_train.csv and so on")
    return folds


def _parts(root: Root, folds: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Return the fold that evaluates each listed clip, "" for one that is only trained on."""
    fold_of: dict[str, str] = {}
    for fold, (train_list, held_out_list) in folds.items():
        trained = {name for _, name in _listed(root, train_list)}
        for where, name in _listed(root, held_out_list):
            earlier = fold_of.get(name)
            if name in trained or earlier:
                other = f"fold {earlier} evaluates" if earlier else f"{train_list} lists"
                raise DataError(f"{where}: {quoted(name)}, which {other} too; expected it once")
            fold_of[name] = fold
        for name in trained:
            fold_of.setdefault(name, "")
    return fold_of


def _listed(root: Root, list_name: str) -> Iterator[tuple[str, str]]:
    """Yield where each line of a list is, for messages, and the clip that it names."""
    path = root.own_file(f"{SETUP_FOLDER}/{list_name}")
    for row in _rows(path):
        where = f"{shown(path)}: row {row.number}"
        try:
            yield where, root.member(row.get("filename") or "")[1]
        except DataError as error:
            raise DataError(f"{where}: {error}") from None


def _rows(path: Path, n_least: int = 1) -> RowStream:
    columns: tuple[str, ...] = ()
    with closing(csv_records(path, "\t")) as records:
        for number, cells in records:
            if not columns:
                has_header = cells[:1] == ["filename"]
                columns = tuple(cells) if has_header else _COLUMNS[: len(cells)]
                if "onset" in columns or not n_least <= len(cells) <= len(_COLUMNS):
                    raise DataError(
                        f"{shown(path)}: row {number}: {len(cells)} columns; expected a list of "
                        f"scenes separated by tabs: {', '.join(_COLUMNS)}"
                    )
                if has_header:
                    continue
            if len(cells) != len(columns):
                raise DataError(
                    f"{shown(path)}: row {number}: {len(cells)} cells; expected {len(columns)} as "
                    "in the first row, separated by tabs"
                )
            yield Row(number, dict(zip(columns, cells, strict=True)))

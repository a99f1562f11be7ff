"""The layouts of data sets that are known, and how each is recognised.

A new layout is one function that reads it and one row in `_FOLDER_LAYOUTS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..core.errors import DataError
from ..core.files import explain_os_errors
from .dataset import Clip, DataSet, Failure, check_usable, clean_label, shown
from .manifest import Row, build_clips, load_manifest, read_rows
from .paths import Root

MANIFEST_NAME = "manifest.csv"
ESC50_TABLE = "meta/esc50.csv"

_LINK = "a link to a folder; only folders of the data set itself are entered"
_LEAVES = "a link that leaves the data set"


def load_dataset(source: Path) -> DataSet:
    """Read the data set that a path names; decodes no audio and follows nothing out of it.

    A CSV file is a manifest. A folder is what is in it, in this order: `meta/esc50.csv` with
    `audio/` is the layout of ESC-50; `manifest.csv` is a manifest; else every sub-folder is a class
    and all audio files in it, however deep, are its clips. In class folders hidden files, files
    that are no audio by their suffix, and files beside the folders are ignored; what looks like a
    clip and is not taken (a link that leaves the root, a pipe) is listed in `skipped`.

    Raises:
        DataError: nothing is there, no audio is in it, fewer than two classes, or a bad table.
        FileError: the system refused to read it.
    """
    with explain_os_errors("read", source):
        return check_usable(_reader_of(source)(), source)


def _reader_of(source: Path) -> Callable[[], DataSet]:
    if source.is_file():
        if source.suffix.lower() != ".csv":
            raise DataError(
                f"{shown(source)}: a file, but no manifest; expected a CSV file or a folder"
            )
        return lambda: load_manifest(source)
    if not source.is_dir():
        raise DataError(f"{shown(source)}: no such file or folder; expected a data set")
    root = Root(source)
    for table, load in _FOLDER_LAYOUTS:
        if (root.path / table).is_file():
            if not root.holds(root.path / table):
                raise DataError(f"{shown(source / table)}: {_LEAVES}; expected a file of its own")
            return partial(load, root)
    return lambda: _load_class_folders(root)


def _load_esc50(root: Root) -> DataSet:
    """Read ESC-50's own table; clips cut from one recording (`src_file`) are one group.

    Source: columns as in https://github.com/karolpiczak/ESC-50, file meta/esc50.csv.
    """

    def build(row: Row) -> Clip:
        path, name = root.member(f"audio/{row.get('filename') or ''}")
        fold = row.get("fold")
        if name == "audio" or fold is None:
            raise DataError("the filename or fold is empty")
        label = clean_label(row.get("category") or "")
        return Clip(path, name, label, fold=fold, group=row.get("src_file"))

    table = root.path / ESC50_TABLE
    others = ("src_file", "target", "esc10", "take")
    rows, notes = read_rows(table, ("filename", "fold", "category"), others)
    return DataSet(root.path, "ESC-50", tuple(build_clips(table, rows, build)), notes=notes)


def _load_class_folders(root: Root) -> DataSet:
    from ..core.audio import looks_like_audio

    clips: list[Clip] = []
    skipped: list[Failure] = []
    n_loose = 0
    for entry in _entries(root.path, ".", skipped):
        if not _leads_to_folder(entry):
            n_loose += looks_like_audio(entry.name)
            continue
        if _is_link(entry):
            skipped.append(Failure(_readable(entry.name), _LINK))
            continue
        found = [Clip(path, name, entry.name) for path, name in _audio_files(root, entry, skipped)]
        if found:
            label = _folder_label(root, entry.name)
            clips += [Clip(clip.path, clip.name, label) for clip in found]
    order = tuple(sorted(skipped, key=lambda failure: failure.name))
    notes = (f"ignored {n_loose} audio files that are in no class folder",) if n_loose else ()
    return DataSet(root.path, "class folders", tuple(clips), order, notes)


def _audio_files(
    root: Root, folder: os.DirEntry[str], skipped: list[Failure]
) -> Iterator[tuple[Path, str]]:
    from ..core.audio import looks_like_audio

    waiting = [(Path(folder.path), folder.name)]
    while waiting:  # no recursion: a tree may be deeper than Python's stack
        here, here_name = waiting.pop()
        for entry in _entries(here, here_name, skipped):
            path, name = Path(entry.path), f"{here_name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False) and not _is_link(entry):
                waiting.append((path, name))
            elif _leads_to_folder(entry):
                skipped.append(Failure(_readable(name), _LINK))
            elif looks_like_audio(path):
                reason = _refusal(root, entry, name)
                if reason is None:
                    yield path, name
                else:
                    skipped.append(Failure(_readable(name), reason))


def _refusal(root: Root, entry: os.DirEntry[str], name: str) -> str | None:
    if not _is_text(name):
        return "its name is not UTF-8"
    if entry.is_symlink() and not root.holds(Path(entry.path)):
        return _LEAVES
    # A link into the root may dangle; that is found when it is read, as for any missing file.
    if not entry.is_symlink() and not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    return None


def _entries(folder: Path, name: str, skipped: list[Failure]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        skipped.append(Failure(_readable(name), f"cannot be listed: {error.strerror}"))
        return []
    return sorted(visible, key=lambda entry: entry.name)


def _folder_label(root: Root, name: str) -> str:
    try:
        return clean_label(name)
    except DataError as error:
        raise DataError(f"{shown(root.path / name)}: {error}; rename the folder") from None


def _is_link(entry: os.DirEntry[str]) -> bool:
    # Windows' junctions lead elsewhere too; Python tells them apart since 3.12.
    is_junction: Callable[[], bool] | None = getattr(entry, "is_junction", None)
    return entry.is_symlink() or (is_junction is not None and is_junction())


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _readable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _load_manifest_of(root: Root) -> DataSet:
    return load_manifest(root.path / MANIFEST_NAME)


_FOLDER_LAYOUTS: tuple[tuple[str, Callable[[Root], DataSet]], ...] = (
    (ESC50_TABLE, _load_esc50),
    (MANIFEST_NAME, _load_manifest_of),
)

"""The layouts of data sets that are known, and the choice among them.

A new layout is one function that reads it and one row in `LAYOUTS`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ...core.errors import DataError, UsageError
from ...core.files import explain_os_errors
from ...core.quoting import quoted, shown
from ..dataset import DataSet, check_usable
from ..prepared_folder import MARKER, is_unfinished
from .dcase import META_NAMES, SETUP_FOLDER, read_dcase
from .folders import read_class_folders
from .layout import Layout, layout_name, read_clips
from .manifest import (
    MANIFEST_NAMES,
    MANIFEST_SUFFIXES,
    MANIFEST_TITLE,
    load_manifest,
    read_manifest_of,
)
from .paths import Root
from .pattern import parse_pattern, read_pattern
from .prepared import TITLE as PREPARED_TITLE
from .prepared import read_prepared
from .speech_commands import PART_LISTS, read_speech_commands, read_speech_commands_12
from .tables import (
    ESC50_TABLE,
    URBANSOUND_TABLES,
    read_esc10,
    read_esc50,
    read_urbansound8k,
)

_SPEECH_NEEDS = tuple((name,) for name in PART_LISTS)

LAYOUTS = (
    Layout(PREPARED_TITLE, ((MARKER,),), read_prepared),
    Layout("ESC-50", ((ESC50_TABLE,),), read_esc50),
    Layout("ESC-10", ((ESC50_TABLE,),), read_esc10, automatic=False),
    Layout("UrbanSound8K", (URBANSOUND_TABLES,), read_urbansound8k),
    Layout("Speech Commands", _SPEECH_NEEDS, read_speech_commands),
    Layout("Speech Commands 12", _SPEECH_NEEDS, read_speech_commands_12, automatic=False),
    Layout("DCASE", (META_NAMES, (SETUP_FOLDER,)), read_dcase),
    Layout(MANIFEST_TITLE, (MANIFEST_NAMES,), read_manifest_of),
    Layout("class folders", (), read_class_folders),
)
"""All layouts of folders, in the order in which they are looked for."""
PATTERN_TITLE = "pattern"


def load_dataset(source: Path, layout: str | None = None, pattern: str | None = None) -> DataSet:
    """Read the data set that a path names; decodes no audio and follows nothing out of it.

    A file is a manifest. A folder is the first of `LAYOUTS` that has in it what it needs; if that
    is class folders, every sub-folder is a class and all audio files in it, however deep, are its
    clips. Hidden files, files that are no audio by their suffix, and files beside the class
    folders are ignored; what looks like a clip and is not taken (a link that leaves the root, a
    pipe) is listed in `skipped`. How the choice was made stands in `layout` and `notes`.

    Args:
        source: a folder or a manifest.
        layout: the name or title of the layout to read it by, or None to find out.
        pattern: the naming scheme of the files, as `pattern.py` describes; None for none.

    Raises:
        DataError: nothing is there, no audio is in it, fewer than two classes, a bad table, or it
            lacks what the layout needs.
        UsageError: no such layout, or a pattern that makes no sense.
        FileError: the system refused to read it.
    """
    wanted = wanted_layout(layout, pattern)
    with explain_os_errors("read", source):
        if source.is_file():
            dataset = _load_file(source, wanted)
        elif source.is_dir():
            dataset = _load_folder(source, wanted, pattern)
        else:
            raise DataError(f"{shown(source)}: no such file or folder; expected a data set")
        return check_usable(dataset, source)


def wanted_layout(layout: str | None, pattern: str | None) -> str | None:
    """Return the name of the layout that was asked for, or None if none was.

    Raises:
        UsageError: no such layout, a pattern that makes no sense, or one without the other.
    """
    wanted = None if layout is None else layout_name(layout)
    names = (*(known.name for known in LAYOUTS), PATTERN_TITLE)
    if wanted is not None and wanted not in names:
        raise UsageError(f"--layout {quoted(layout or '')}; expected one of {', '.join(names)}")
    if pattern is None:
        if wanted == PATTERN_TITLE:
            raise UsageError("--layout pattern: expected --pattern as well")
        return wanted
    if wanted not in (None, PATTERN_TITLE):
        raise UsageError(f"--layout {wanted} and --pattern: expected one of them")
    parse_pattern(pattern)
    return PATTERN_TITLE


def _load_file(source: Path, wanted: str | None) -> DataSet:
    if source.suffix.lower() not in MANIFEST_SUFFIXES:
        raise DataError(
            f"{shown(source)}: a file, but no manifest; expected a CSV or JSON Lines file "
            f"({', '.join(MANIFEST_SUFFIXES)}) or a folder"
        )
    if wanted not in (None, MANIFEST_TITLE):
        raise DataError(f"{shown(source)}: a file, not {wanted}; expected a folder")
    return load_manifest(source)


def _load_folder(source: Path, wanted: str | None, pattern: str | None) -> DataSet:
    root = Root(source)
    if pattern is not None:
        return read_clips(root, PATTERN_TITLE, partial(read_pattern, parse_pattern(pattern)))
    if wanted is not None:
        chosen = next(known for known in LAYOUTS if known.name == wanted)
        if missing := chosen.missing(root):
            raise DataError(f"{shown(source)}: not {wanted}: no {missing} in it")
        return read_clips(root, chosen.title, chosen.read)
    if is_unfinished(source):
        raise DataError(
            f"{shown(source)}: wsnet prepare is not done with it; give that command again"
        )
    fitting = [known for known in LAYOUTS if known.automatic and not known.missing(root)]
    dataset = read_clips(root, fitting[0].title, fitting[0].read)
    if note := _why(root, fitting):
        dataset.notes = (note, *dataset.notes)
    return dataset


def _why(root: Root, fitting: list[Layout]) -> str | None:
    """Say what a layout was known by, and which others would do, where there was a choice."""
    chosen, *others = fitting
    if not chosen.needs:
        return None
    signs = [next(n for n in names if (root.path / n).exists()) for names in chosen.needs]
    note = f"read as {chosen.title}, known by {' and '.join(signs)}"
    also = [other.name for other in others if other.needs]
    return f"{note}; {', '.join(also)} would do too (--layout)" if also else note

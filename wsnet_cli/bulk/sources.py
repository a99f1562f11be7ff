"""From what a user types to the list of audio files it means."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.audio import looks_like_audio
from ..core.errors import UsageError
from ..core.files import exists, is_folder


def expand_inputs(inputs: Iterable[str]) -> list[Path]:
    """List the files of files, folders (recursive, audio only) and globs, in a stable order.

    A name that does not exist and is no pattern stays in the list, so that it gets a row that says
    so. A file that is named is taken whatever its suffix; in folders only audio suffixes count and
    hidden files do not. A file that is named twice is listed once.

    Raises:
        UsageError: nothing at all was found.
    """
    names = list(inputs)
    found = dict.fromkeys(path for name in names for path in _expand(name))
    if not found:
        raise UsageError(f"{' '.join(names)}: no audio files found; expected files or folders")
    return list(found)


def _expand(name: str) -> Iterator[Path]:
    path = Path(name)
    if is_folder(path):
        yield from _walk(path)
    elif exists(path) or not glob.has_magic(name):
        yield path
    else:
        for match in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207 - takes absolute patterns
            inner = Path(match)
            if inner.is_dir():
                yield from _walk(inner)
            else:
                yield inner


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and looks_like_audio(Path(file)):
                yield Path(parent) / file

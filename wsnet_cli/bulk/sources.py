"""From what a user types to the list of audio files it means."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.audio import looks_like_audio
from ..core.files import exists, is_folder


def expand_inputs(inputs: Iterable[str]) -> list[Path]:
    """List the files of files, folders (recursive, audio only) and globs, in a stable order.

    What yields nothing stays in the list as itself, so that it gets a row that says so: a name that
    does not exist, a pattern without a match, a folder without audio or one that cannot be listed.
    A file that is named is taken whatever its suffix; in folders only audio suffixes count and
    hidden files do not. A file that is named twice is listed once.
    """
    return list(
        dict.fromkeys(path for name in inputs for path in list(_expand(name)) or [Path(name)])
    )


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
    refused: list[Path] = []

    def refuse(error: OSError) -> None:
        refused.append(Path(error.filename or folder))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and looks_like_audio(Path(file)):
                yield Path(parent) / file
    yield from refused

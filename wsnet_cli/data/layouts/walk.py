"""Audio files below a folder: nothing outside it, nothing hidden, nothing that would block."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..dataset import Failure
from .paths import Root, is_text

_LINK = "a link to a folder; only folders of the data set itself are entered"
_LEAVES = "a link that leaves the data set"
_NOT_UTF8 = "its name is not UTF-8"


def sub_folders(
    root: Root, skipped: list[Failure], on_file: Callable[[str], None] | None = None
) -> list[str]:
    """List the folders right in the root, in order; links to folders are skipped.

    Args:
        root: the data set's folder.
        skipped: gets what looks like a folder of the data set and is not taken.
        on_file: told the name of everything else that is not hidden.
    """
    names = []
    for entry in _visible(root.path, ".", skipped):
        if not _leads_to_folder(entry):
            if on_file is not None:
                on_file(entry.name)
        elif reason := _folder_refusal(entry):
            skipped.append(Failure(_readable(entry.name), reason))
        else:
            names.append(entry.name)
    return sorted(names)


def audio_files(root: Root, folder: str, skipped: list[Failure]) -> Iterator[str]:
    """Yield the names, relative to the root, of all audio files below a folder, in no order.

    A file counts as audio by its suffix; hidden files and folders are passed over. What looks like
    a clip and is not taken (a link that leaves the root or leads to a folder, a pipe, a name that
    is not UTF-8, a folder that cannot be listed) goes to `skipped`.

    Args:
        root: the data set's folder.
        folder: relative to the root; "" is the root itself.
        skipped: gets what is left out.
    """
    from ...core.sound.audio import looks_like_audio

    waiting = [folder]
    while waiting:  # no recursion: a tree may be deeper than Python's stack
        here = waiting.pop()
        for entry in _visible(root.path / here, here or ".", skipped):
            name = f"{here}/{entry.name}" if here else entry.name
            reason = None
            if _leads_to_folder(entry):
                reason = _folder_refusal(entry)
                if reason is None:
                    waiting.append(name)
            elif looks_like_audio(entry.name):
                reason = _file_refusal(root, entry)
                if reason is None:
                    yield name
            if reason is not None:
                skipped.append(Failure(_readable(name), reason))


def _visible(folder: Path, name: str, skipped: list[Failure]) -> Iterator[os.DirEntry[str]]:
    # One by one as the system lists them: a list of 100,000 entries would take some 30 MB.
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    yield entry
    except OSError as error:
        skipped.append(Failure(_readable(name), f"cannot be listed: {error.strerror}"))


def _folder_refusal(entry: os.DirEntry[str]) -> str | None:
    if _is_link(entry):
        return _LINK
    return None if is_text(entry.name) else _NOT_UTF8


def _file_refusal(root: Root, entry: os.DirEntry[str]) -> str | None:
    if not is_text(entry.name):
        return _NOT_UTF8
    try:
        is_link, is_regular = entry.is_symlink(), entry.is_file(follow_symlinks=False)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if is_link and not root.holds(Path(entry.path)):
        return _LEAVES
    # A link into the root may dangle; that is found when it is read, as for any missing file.
    return None if is_link or is_regular else "not a regular file"


def _is_link(entry: os.DirEntry[str]) -> bool:
    # Windows' junctions lead elsewhere too; Python tells them apart since 3.12.
    is_junction: Callable[[], bool] | None = getattr(entry, "is_junction", None)
    return entry.is_symlink() or (is_junction is not None and is_junction())


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")

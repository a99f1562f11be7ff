"""From what a user types to the names of the audio files it means."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import UsageError
from ...core.files import exists, is_folder
from ...core.quoting import shown
from ...core.sound.audio import CLIP_SUFFIXES
from .globs import deep_matches, has_deep_part

STDIN = "-"
"""The input that stands for standard input."""

LIST_SIGN = "@"
"""Before the name of a file that lists inputs; `@-` reads the list from standard input."""


@dataclass(frozen=True)
class Refusal:
    """Why a name that stands in the list is not to be read.

    Args:
        reason: in one line, the name included.
        is_skip: it was left out on purpose, which is no failure.
    """

    reason: str
    is_skip: bool = False


@dataclass(frozen=True)
class Inputs:
    """What there is to read.

    Args:
        names: each once, in a stable order; text as the system takes it, not paths, because a
            hundred thousand of them are held at once.
        refusals: by name, those that are not to be read.
    """

    names: list[str]
    refusals: dict[str, Refusal]


_Found = tuple[str, Refusal | None]


def list_inputs(words: Iterable[str]) -> Inputs:
    """List the files of files, folders (recursive, audio only), globs and lists.

    What yields nothing stays in the list as itself, so that it gets a row that says so: a name that
    does not exist, a pattern without a match, a folder without audio or one that cannot be listed.
    A file that is named is taken whatever its suffix; in folders only audio suffixes count and
    hidden files do not. A name that comes twice is listed once.

    Links to files count as files. A link to a folder is followed where it is named; one that is
    met within a folder is listed and not entered, so that no loop is walked and no file is heard
    under two names.

    A word `@FILE` stands for the names in FILE, one on each line (or ended by NULs, where it holds
    any), relative to the current folder: files and folders, no patterns. A name that exists is
    neither pattern nor list.

    Raises:
        UsageError: a list cannot be read, or a word is empty.
    """
    if "" in words:
        # As a path it would be the current folder, all of which nobody wants who left a shell's
        # variable unset.
        raise UsageError("'': an empty input; expected a file, a folder or a pattern")
    names: dict[str, None] = {}
    refusals: dict[str, Refusal] = {}
    for word in words:
        for name, refusal in _expand(word):
            names[name] = None
            if refusal is not None:
                refusals.setdefault(name, refusal)
    return Inputs(list(names), refusals)


def _expand(word: str) -> Iterator[_Found]:
    if word.startswith(LIST_SIGN) and not exists(word):
        for name in _read_list(word[len(LIST_SIGN) :]):
            yield from _expand_name(name)
    elif exists(word) or not glob.has_magic(word):
        yield from _expand_name(word)
    else:
        yield from _expand_pattern(word)


def _expand_name(name: str) -> Iterator[_Found]:
    name = os.fspath(Path(name))  # without "./" in front and "/" behind
    if is_folder(name):
        yield from _walk(name)
    else:
        yield name, None


def _expand_pattern(pattern: str) -> Iterator[_Found]:
    """What a pattern matches; folders among it are walked."""
    refused: list[_Found] = []
    if has_deep_part(pattern):
        matches = deep_matches(pattern, lambda error: refused.append(_unlisted(error, pattern)))
    else:
        matches = ((match, False) for match in sorted(glob.glob(pattern)))  # noqa: PTH207 - takes absolute patterns
    n_found = 0
    for match, is_linked_folder in matches:
        n_found += 1
        if is_linked_folder:
            yield match, _linked(match)
        else:
            yield from _expand_name(match)
    yield from refused
    if n_found == 0 and not refused:
        reason = f"{shown(pattern)}: does not exist and, as a pattern, matches nothing"
        yield pattern, Refusal(f"{reason}; expected audio files")


def _walk(folder: str) -> Iterator[_Found]:
    n_found = 0
    refused: list[_Found] = []
    for parent, folders, files in os.walk(
        folder, onerror=lambda error: refused.append(_unlisted(error, folder))
    ):
        prefix = "" if parent == "." else os.path.join(parent, "").removeprefix("./")  # noqa: PTH118 - many
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and _has_audio_suffix(name):
                n_found += 1
                yield prefix + name, None
        for name in folders:
            if os.path.islink(prefix + name):  # noqa: PTH114 - no path is made for each folder
                n_found += 1
                yield prefix + name, _linked(prefix + name)
    yield from refused
    if n_found == 0 and not refused:
        yield folder, Refusal(f"{shown(folder)}: is a folder without audio files; expected some")


def _unlisted(error: OSError, word: str) -> _Found:
    name = os.fspath(Path(error.filename or word))
    reason = f"{shown(name)}: cannot be listed ({error.strerror}); check its permissions"
    return name, Refusal(reason)


def _linked(name: str) -> Refusal:
    reason = "is a link to a folder, which is not entered; name it to have it walked"
    return Refusal(f"{shown(name)}: {reason}", is_skip=True)


def _has_audio_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in CLIP_SUFFIXES  # noqa: PTH122 - ten times as fast


def _read_list(name: str) -> Iterator[str]:
    """The names in a list; blank lines are none."""
    try:
        if name == STDIN:
            content = sys.stdin.buffer.read() if sys.stdin else b""
        else:
            with open(name, "rb") as stream:  # noqa: PTH123 - any text is a name here
                content = stream.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{LIST_SIGN}{name}: the list cannot be read ({reason}); "
            f"for a file of that name write ./{LIST_SIGN}{name}"
        ) from error
    content = content.removeprefix(b"\xef\xbb\xbf")  # the mark that some editors put before UTF-8
    if b"\0" in content:
        yield from (os.fsdecode(entry) for entry in content.split(b"\0") if entry)
    else:
        lines = (line.removesuffix(b"\r") for line in content.split(b"\n"))
        yield from (os.fsdecode(line) for line in lines if line.strip())

"""Class folders: every sub-folder is a class, and all audio files in it are its clips."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...core.errors import DataError
from ...core.quoting import shown
from ..clips import Clip
from ..dataset import clean_label
from .layout import Findings, member_clip
from .manifest import SPLIT_WORDS
from .paths import Root
from .walk import audio_files, sub_folders

_MOST_NAMED = 5
"""Folders without audio that a note names."""
_CALLED = {"split": "parts", "fold": "folds"}
_FOLD = re.compile(r"fold[ _-]?\d+")


def read_class_folders(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of all sub-folders, however deep they lie.

    Raises:
        DataError: a folder with audio in it has a name that cannot be a label, or all of them are
            called after parts or folds, and the classes lie within.
    """
    from ...core.sound.audio import looks_like_audio

    n_loose = 0
    empty: list[str] = []
    outer = _Outer()

    def count(name: str) -> None:
        nonlocal n_loose
        n_loose += looks_like_audio(name)

    for folder in sub_folders(root, found.skipped, count):
        label = None
        for name in audio_files(root, folder, found.skipped):
            label = label or _label(root, folder)
            outer.see(folder, name)
            yield member_clip(root, name, label)
        if label is None:
            empty.append(folder)
    if field := outer.field:
        raise DataError(
            f"{shown(root.path)}: its folders are called after {_CALLED[field]}, such as "
            f"{outer.example}; expected one for each class; if these lie within, read them with "
            f"--pattern '{{{field}}}/{{label}}/{{name}}'"
        )
    if empty:
        names = ", ".join(shown(folder) for folder in empty[:_MOST_NAMED])
        more = f" and {len(empty) - _MOST_NAMED} more" if len(empty) > _MOST_NAMED else ""
        found.notes.append(f"no audio in {names}{more}, so there is no such class")
    if n_loose:
        found.notes.append(
            f"ignored {n_loose} audio files that are in no class folder "
            "(--pattern reads labels from names)"
        )


class _Outer:
    """Whether folders are all called after parts or folds, and what lies in them is in folders."""

    def __init__(self) -> None:
        self.example = ""
        self._fields: set[str] = set()
        self._is_deep = True

    def see(self, folder: str, name: str) -> None:
        """A clip of one of the folders, its name relative to the root."""
        self._is_deep &= name.count("/") > 1
        self.example = self.example or name
        if not self._is_deep:
            return
        word = folder.lower()
        is_fold = _FOLD.fullmatch(word) is not None
        self._fields.add("split" if word in SPLIT_WORDS else "fold" if is_fold else "")

    @property
    def field(self) -> str:
        """What all folders are called after, as patterns call it; "" where they are classes."""
        known = len(self._fields) == 1 and self._is_deep
        return next(iter(self._fields)) if known else ""


def _label(root: Root, folder: str) -> str:
    try:
        return clean_label(folder)
    except DataError as error:
        raise DataError(f"{shown(root.path / folder)}: {error}; rename the folder") from None

"""Class folders: every sub-folder is a class, and all audio files in it are its clips."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.errors import DataError
from ..clips import Clip
from ..dataset import clean_label, shown
from .layout import Findings, member_clip
from .paths import Root
from .walk import audio_files, sub_folders


def read_class_folders(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of all sub-folders, however deep they lie.

    Raises:
        DataError: a folder with audio in it has a name that cannot be a label.
    """
    from ...core.audio import looks_like_audio

    n_loose = 0

    def count(name: str) -> None:
        nonlocal n_loose
        n_loose += looks_like_audio(name)

    for folder in sub_folders(root, found.skipped, count):
        label = None
        for name in audio_files(root, folder, found.skipped):
            label = label or _label(root, folder)
            yield member_clip(root, name, label)
    if n_loose:
        found.notes.append(
            f"ignored {n_loose} audio files that are in no class folder "
            "(--pattern reads labels from names)"
        )


def _label(root: Root, folder: str) -> str:
    try:
        return clean_label(folder)
    except DataError as error:
        raise DataError(f"{shown(root.path / folder)}: {error}; rename the folder") from None

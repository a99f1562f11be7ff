"""Large data sets out of small ones, for benchmarks: files as links, or as copies that differ."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = (".wav", ".ogg", ".flac", ".mp3")


def recordings(folders: Sequence[Path]) -> list[Path]:
    """All audio files below some folders, in order."""
    files = (file for folder in folders for file in folder.rglob("*"))
    return sorted(file for file in files if file.suffix.lower() in SUFFIXES)


def label_of(file: Path) -> str:
    """The class of a file of ESC-50 or FSDD, by its name."""
    stem = file.stem
    return f"esc{stem.rsplit('-', 1)[-1]}" if "-" in stem else f"digit{stem.split('_')[0]}"


def make_linked(files: Sequence[Path], n: int, root: Path) -> None:
    """Make class folders with `n` hard links to `files`, over and over again."""
    sources = _copies(files, root.with_name(f"{root.name}-originals"))
    for i in range(n):
        target = _target(root, files[i % len(files)], i)
        os.link(sources[i % len(files)], target)


def make_different(files: Sequence[Path], n: int, root: Path) -> None:
    """Make class folders with `n` copies of `files`, no two files equal.

    Eight bytes behind the sound make the difference: decoders pass over them.
    """
    for i in range(n):
        file = files[i % len(files)]
        _target(root, file, i).write_bytes(file.read_bytes() + i.to_bytes(8, "little"))


def _target(root: Path, file: Path, i: int) -> Path:
    folder = root / label_of(file)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{i:06d}_{file.name}"


def _copies(files: Sequence[Path], folder: Path) -> list[Path]:
    """Copies on the same disk, which links need."""
    folder.mkdir(parents=True)
    return [Path(shutil.copyfile(file, folder / file.name)) for file in files]

"""Small data sets made of short sines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.sound.decode import Decoder, open_audio
from wsnet_cli.data.copies.duplicates import Duplicate
from wsnet_cli.data.copies.leaks import Sides, leak_report
from wsnet_cli.data.packing import one_clip as packing

MakeSine = Callable[..., Path]
MakeFolders = Callable[[Mapping[str, int]], Path]


@pytest.fixture
def leaks() -> dict[str, Any]:
    """Of six clips: a copy across parts, one within a part but with another label, and a group."""
    pairs = [Duplicate(0, 1, "identical", 1.0, 0.0), Duplicate(2, 4, "near", 0.974, 0.5)]
    sides = Sides(
        name="{}.wav".format,
        parts=("train", "test"),
        part_of=[0, 0, 0, 0, 1, 1],
        labels=("cat", "dog"),
        label_of=[0, 1, 0, 0, 0, 1],
        groups=("anna", "ben"),
        group_of=[0, 0, 0, 1, 0, -1],
    )
    return leak_report(pairs, sides)


@pytest.fixture
def make_sine() -> MakeSine:
    """Write one sine as 16-bit PCM; the suffix says the format."""

    def make(
        path: Path, hz: float = 440.0, n: int = 800, rate: int = 8000, peak: float = 0.5
    ) -> Path:
        import soundfile

        path.parent.mkdir(parents=True, exist_ok=True)
        sine = peak * np.sin(2 * np.pi * hz * np.arange(n) / rate)
        soundfile.write(path, np.rint(32767 * sine).astype(np.int16), rate)
        return path

    return make


@pytest.fixture
def make_folders(tmp_path: Path, make_sine: MakeSine) -> MakeFolders:
    """Make `tmp_path/sounds` with so many clips per class, no two of them equal."""

    def make(n_clips: Mapping[str, int]) -> Path:
        root = tmp_path / "sounds"
        root.mkdir(exist_ok=True)
        for label, n in n_clips.items():
            for i in range(n):
                seed = sum(map(ord, label))
                make_sine(root / label / f"{i}.wav", hz=200 + 7 * i + seed % 97)
        return root

    return make


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded, in order."""
    names: list[str] = []

    def spy(path: Path) -> AbstractContextManager[Decoder]:
        names.append(path.name)
        return open_audio(path)

    monkeypatch.setattr(packing, "open_audio", spy)
    return names


@pytest.fixture
def sounds(make_folders: MakeFolders) -> Path:
    return make_folders({"dog": 2, "cat": 2})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"

"""Sounds to look among, and copies of them that are equal to the ear."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from wsnet_cli.data.copies.duplicates import Duplicate, find_duplicates
from wsnet_cli.data.copies.fingerprint import fingerprint
from wsnet_cli.data.synthetic import KINDS as SOUNDS
from wsnet_cli.data.synthetic import SAMPLE_RATE, synthesise

Signal = NDArray[np.float32]


def sounds(n: int, seed: int = 0) -> list[Signal]:
    rng = np.random.default_rng(seed)
    return [synthesise(SOUNDS[i % len(SOUNDS)], rng) for i in range(n)]


def gain(x: Signal, rng: np.random.Generator) -> Signal:
    return x * np.float32(-0.05)


def resample(x: Signal, rng: np.random.Generator) -> Signal:
    return soxr.resample(soxr.resample(x, 8000, 5510), 5510, 8000).astype(np.float32)


def mp3(x: Signal, rng: np.random.Generator) -> Signal:
    file = io.BytesIO()
    soundfile.write(file, x * (0.5 / np.abs(x).max()), SAMPLE_RATE, format="MP3")
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def shift(x: Signal, rng: np.random.Generator) -> Signal:
    by = int(rng.integers(1, len(x) // 3))
    return np.append(x[by:], np.zeros(by, np.float32)) if by % 2 else x[:-by]


def noise(x: Signal, rng: np.random.Generator) -> Signal:
    level = np.sqrt(np.square(x).mean() / 100)
    return x + level * rng.standard_normal(len(x)).astype(np.float32)


PLANTED: dict[str, Callable[[Signal, np.random.Generator], Signal]] = {
    "gain": gain,
    "resample": resample,
    "mp3": mp3,
    "shift": shift,
    "noise": noise,
}


def duplicates(clips: Sequence[Signal], rate: int = SAMPLE_RATE) -> list[Duplicate]:
    """What is found in clips that are in memory."""
    keys = [hashlib.sha256(x.tobytes()).hexdigest() for x in clips]
    words = [fingerprint(x, rate) for x in clips]
    return find_duplicates(keys, words.__getitem__, lambda i, a, b: clips[i][a:b], rate)

"""Ten kinds of sound made with numpy alone, for the demo and for tests.

No two clips are equal: pitch, pace, envelope, room, background noise, length and level are drawn
anew for each. Level and zero-crossing rate overlap so widely between the kinds that they name few
of them, while the course of each sound in time is its own: a network on the raw waveform can do
what two summary numbers cannot.
"""

from __future__ import annotations

import io
import wave
import zlib
from pathlib import Path

import numpy as np

from ..core.errors import ParameterError
from ..core.files import write_atomic
from .synthetic_sounds import SAMPLE_RATE, SOUNDS, Signal, convolve, shaped_noise

__all__ = ["KINDS", "SAMPLE_RATE", "synthesise", "write_sound_folder"]

KINDS: tuple[str, ...] = tuple(sorted(SOUNDS))
"""The names of the kinds, which are the classes of the folder that `write_sound_folder` makes."""

_N_SAMPLES = (8_000, 12_000)
_LEVEL_DBFS = (-42.0, -22.0)
_SNR_DB = (15.0, 40.0)
_PEAK_LIMIT = 0.99


def synthesise(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Make one clip of a kind, as a microphone in some room would hear it.

    The clip lasts 1.0 to 1.5 s. Its root mean square is -42 to -22 dB of full scale, or less where
    the peak would pass 0.99; the background lies 15 to 40 dB below the sound.

    Args:
        kind: one of `KINDS`.
        rng: where all of the clip's randomness comes from; it moves on by an unstated amount.

    Returns: mono samples at `SAMPLE_RATE`, [T] float32 in [-1, 1], finite, never silent.
    Raises: ParameterError: if there is no such kind.

    >>> clip = synthesise("bell", np.random.default_rng(0))
    >>> clip.dtype.name, 8_000 <= clip.size <= 12_000
    ('float32', True)
    """
    if kind not in SOUNDS:
        raise ParameterError(f"kind = {kind!r}; expected one of {', '.join(KINDS)}")
    n_samples = int(rng.integers(_N_SAMPLES[0], _N_SAMPLES[1], endpoint=True))
    sound = _at_unit_level(_in_a_room(rng, SOUNDS[kind](rng, n_samples)))
    noise = _at_unit_level(_background(rng, n_samples))
    clip = _at_unit_level(sound + noise * _ratio(-rng.uniform(*_SNR_DB)))
    clip *= _ratio(rng.uniform(*_LEVEL_DBFS))
    clip *= min(1.0, _PEAK_LIMIT / float(np.abs(clip).max()))
    return clip.astype(np.float32)


def write_sound_folder(root: Path, n_per_kind: int, seed: int) -> None:
    """Fill a data set folder: `root/<kind>/<kind>-000.wav` and on, for every kind of `KINDS`.

    The files are mono 16-bit PCM WAV at `SAMPLE_RATE`. A file depends on the seed, its kind and its
    number alone: the same seed gives the same bytes (with one numpy on one machine), and a larger
    `n_per_kind` adds files without changing the earlier ones. A file of the same name is replaced;
    others in the folder stay.

    Args:
        root: the folder; it is made where it is missing.
        n_per_kind: how many clips of each kind, >= 1.
        seed: >= 0.

    Raises:
        ParameterError: if `n_per_kind` or `seed` is out of range.
        FileError: the system refused to write.
    """
    if n_per_kind < 1:
        raise ParameterError(f"n_per_kind = {n_per_kind}; expected an integer >= 1")
    if seed < 0:
        raise ParameterError(f"seed = {seed}; expected an integer >= 0")
    for kind in KINDS:
        for index in range(n_per_kind):
            clip = synthesise(kind, _clip_rng(seed, kind, index))
            write_atomic(Path(root) / kind / f"{kind}-{index:03d}.wav", _wav_bytes(clip))


def _clip_rng(seed: int, kind: str, index: int) -> np.random.Generator:
    # The name's checksum, not its place among the names: a new kind leaves the old clips alone.
    key = (zlib.crc32(kind.encode()), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _in_a_room(rng: np.random.Generator, sound: Signal) -> Signal:
    """Add a tail of decaying noise, 10 to 25 dB under the direct sound, and soften both ends."""
    decay_s = rng.uniform(0.02, 0.08)
    seconds = np.arange(int(5 * decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(seconds.size) * np.exp(-seconds / decay_s)
    response = tail * _ratio(rng.uniform(-25.0, -10.0)) / np.sqrt(np.square(tail).sum())
    response[0] += 1.0
    fade = int(rng.uniform(0.005, 0.03) * SAMPLE_RATE)
    ends = np.minimum(np.arange(sound.size), np.arange(sound.size)[::-1])
    return convolve(sound, response) * np.minimum(1.0, (ends + 1) / fade)


def _background(rng: np.random.Generator, n_samples: int) -> Signal:
    """Noise whose power falls with frequency by a random slope, from white to f ** -2."""
    slope = rng.uniform(0.0, 1.0)
    # Level below 50 Hz, or the steepest slopes would be a rumble and little else.
    return shaped_noise(rng, n_samples, lambda hz: np.maximum(hz, 50.0) ** -slope)


def _at_unit_level(sound: Signal) -> Signal:
    level: Signal = sound / np.sqrt(np.square(sound).mean())
    return level


def _ratio(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))


def _wav_bytes(clip: np.ndarray) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(clip * 32_767.0).astype("<i2").tobytes())
    return stream.getvalue()

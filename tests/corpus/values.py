"""Odd numbers of channels, rates and samples, and samples that no recorder makes."""

from __future__ import annotations

import numpy as np

from .odd import N_SAMPLES, RATE, OddFile, Refused, Sound, chirp
from .riff import FLOAT, chunk, data, fmt, wave
from .wav import HALF, TONE, by_library


def channels() -> list[OddFile]:
    """1 to 64 channels, each with a level of its own, so that each one counts in the mean."""
    files = []
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64):
        levels = (1 + np.arange(n)) / n
        block = TONE[:HALF, None] * levels
        content = wave(fmt(channels=n), data(block))
        files.append(OddFile(f"channels-{n:02}.wav", content, Sound(block.mean(axis=1))))
    for n in (2, 8):
        levels = (1 + np.arange(n)) / n
        block = TONE[:, None] * levels
        content = by_library(block, "FLAC", "PCM_16")
        files.append(OddFile(f"channels-{n:02}.flac", content, Sound(block.mean(axis=1))))
    return files


def rates() -> list[OddFile]:
    """8 to 192 kHz, what lies between and beyond, and what is refused."""
    usual = (8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)
    odd = (176_400, 192_000, 1_000, 7_999, 12_345, 44_099, 384_000, 500_000, 1_000_000)
    files = [
        OddFile(f"rate-{rate}.wav", wave(fmt(rate=rate), data(TONE)), Sound(TONE, rate))
        for rate in (*usual, *odd)
    ]
    too_high = wave(fmt(rate=1_000_001), data(TONE))
    return [*files, OddFile("rate-1000001.wav", too_high, Refused("sample rate of 1000001 Hz"))]


def floats(samples: np.ndarray, channels: int = 1) -> bytes:
    """A WAV file of 32-bit floats."""
    body = chunk(b"data", samples.astype("<f4").tobytes())
    return wave(fmt(32, channels, tag=FLOAT), body)


def amounts() -> list[OddFile]:
    """One sample, two, none."""
    no = Refused("holds no samples; expected at least one")
    return [
        OddFile("one-sample.wav", wave(fmt(), data(TONE[9:10])), Sound(TONE[9:10])),
        OddFile("two-samples.wav", wave(fmt(), data(TONE[9:11])), Sound(TONE[9:11])),
        OddFile("one-sample.flac", by_library(TONE[9:10], "FLAC", "PCM_16"), Sound(TONE[9:10])),
        OddFile(
            "one-sample-192000.wav",
            wave(fmt(rate=192_000), data(TONE[9:10])),
            Sound(TONE[9:10], 192_000),
        ),
        OddFile("no-samples.wav", by_library(TONE[:0], "WAV", "PCM_16"), no),
        OddFile("no-samples.aiff", by_library(TONE[:0], "AIFF", "PCM_16"), no),
        OddFile("no-samples.au", by_library(TONE[:0], "AU", "PCM_16"), no),
        OddFile("no-samples.caf", by_library(TONE[:0], "CAF", "PCM_16"), no),
        OddFile("no-samples.w64", by_library(TONE[:0], "W64", "PCM_16"), no),
    ]


def samples() -> list[OddFile]:
    """Values that break a mean, a scale or a logarithm."""
    files = []
    for name, value, said in (
        ("nan", np.nan, "is nan; expected finite values"),
        ("inf", np.inf, "is inf; expected finite values"),
        ("minus-inf", -np.inf, "is -inf; expected finite values"),
        ("huge", 3e38, "is 3e+38; expected finite values"),
        ("beyond-32-bits", 5e9, "is 5e+09; expected finite values"),
    ):
        with_one = TONE.astype(np.float32)
        with_one[1_234] = value
        refused = Refused(f"sample 1234 (0.077 s, channel 1) {said}")
        files.append(OddFile(f"one-{name}.wav", floats(with_one), refused))
    nothing_else = Refused("sample 0 (0.000 s, channel 1) is nan")
    files.append(OddFile("all-nan.wav", floats(np.full(N_SAMPLES, np.nan)), nothing_else))
    clipped = np.clip(4 * TONE, -1, 32_767 / 32_768)
    tiny = np.full(N_SAMPLES, 1e-42)
    unscaled = np.rint(TONE * 2**31)
    left_right = np.stack([TONE, -TONE], axis=1)
    good = {
        "silence": np.zeros(N_SAMPLES),
        "constant": np.full(N_SAMPLES, 0.25),
        "full-scale-constant": np.full(N_SAMPLES, -1.0),
        "subnormal": tiny,
        "quiet": 1e-6 * TONE,
        "above-full-scale": 8 * TONE,
        "square-wave": np.sign(TONE),
        "one-click": np.eye(1, N_SAMPLES, HALF)[0],
        "smallest-bit": np.resize([0.0, 2.0**-15], N_SAMPLES),
    }
    files += [
        OddFile(f"{name}.wav", floats(values), Sound(values, max_error=1e-6))
        for name, values in good.items()
    ]
    cancel = Sound(np.zeros(N_SAMPLES), max_error=0.0)
    return [
        *files,
        OddFile("clipped.wav", wave(fmt(), data(clipped)), Sound(clipped)),
        OddFile("unscaled-integers.wav", floats(unscaled), Sound(unscaled, max_error=64.0)),
        OddFile("opposite-channels.wav", floats(left_right, 2), cancel),
        OddFile(
            "silence.flac",
            by_library(np.zeros(RATE), "FLAC", "PCM_16"),
            Sound(np.zeros(RATE), max_error=0.0),
        ),
    ]


def names() -> list[OddFile]:
    """A name says nothing about the content."""
    flac = by_library(TONE, "FLAC", "PCM_16")
    ogg = by_library(TONE, "OGG", "VORBIS")
    mp3 = by_library(TONE, "MP3", "MPEG_LAYER_III")
    wav = wave(fmt(), data(TONE))
    lossy = Sound(TONE, min_snr_db=15.0)
    files = [OddFile(f"really-flac.{s}", flac, Sound(TONE)) for s in ("wav", "mp3", "ogg", "aiff")]
    files += [OddFile(f"really-wav.{s}", wav, Sound(TONE)) for s in ("flac", "mp3", "opus", "caf")]
    files += [OddFile(f"really-ogg.{s}", ogg, lossy) for s in ("wav", "mp3", "flac")]
    files += [OddFile(f"really-mp3.{s}", mp3, lossy) for s in ("wav", "ogg", "flac")]
    files += [
        OddFile("UPPER.WAV", wav, Sound(TONE)),
        OddFile("Mixed.FlAc", flac, Sound(TONE)),
        OddFile("UPPER.MP3", mp3, lossy),
        OddFile("two.dots.wav", wav, Sound(TONE)),
        OddFile(
            "really-wav.raw", wav, Refused("is named .raw, as if it had no header, but has one")
        ),
    ]
    return files


__all__ = ["amounts", "channels", "chirp", "names", "rates", "samples"]

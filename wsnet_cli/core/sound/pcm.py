"""Samples without a container: how they are written, and as floats."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..checks import check
from .samples import MAX_CHANNELS, MAX_FILE_RATE, MIN_FILE_RATE, Samples

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PcmFormat:
    """What must be known of samples that come one after another, channels side by side.

    Args:
        sample_rate: Hz, MIN_FILE_RATE..MAX_FILE_RATE.
        encoding: one of ENCODINGS.
        n_channels: 1..MAX_CHANNELS.

    Raises:
        ParameterError: a value outside its range, named.

    >>> PcmFormat(16_000, "s16le", 2).frame_bytes
    4
    """

    sample_rate: int
    encoding: str = "s16le"
    n_channels: int = 1

    def __post_init__(self) -> None:
        rates = MIN_FILE_RATE <= self.sample_rate <= MAX_FILE_RATE
        expected = f"Hz, a whole number from {MIN_FILE_RATE} to {MAX_FILE_RATE}"
        check("sample_rate", self.sample_rate, rates, expected)
        check(
            "encoding", self.encoding, self.encoding in ENCODINGS, f"one of {', '.join(ENCODINGS)}"
        )
        channels = 1 <= self.n_channels <= MAX_CHANNELS
        check("n_channels", self.n_channels, channels, f"1 to {MAX_CHANNELS}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return ENCODINGS[self.encoding].n_bytes * self.n_channels

    def decode(self, data: bytes) -> Samples:
        """Whole frames as floats.

        Args:
            data: a multiple of `frame_bytes`.

        Returns: [n_frames, n_channels] float32, the numbers that libsndfile gives: full scale of
            whole numbers is 1.0, floats are as they stand, finite or not.
        """
        flat = ENCODINGS[self.encoding].decode(np.frombuffer(data, np.uint8))
        return flat.reshape(-1, self.n_channels)


@dataclass(frozen=True)
class _Encoding:
    n_bytes: int  # of one sample
    decode: Callable[[Bytes], Samples]


def _whole(kind: str, offset: int = 0) -> _Encoding:
    """Whole numbers of numpy's `kind`, less `offset`."""
    size = np.dtype(kind).itemsize
    step = np.float32(2.0 ** (1 - 8 * size))

    def decode(data: Bytes) -> Samples:
        values: Samples = data.view(kind).astype(np.float32)
        values -= np.float32(offset)
        values *= step
        return values

    return _Encoding(size, decode)


def _three_bytes(order: int) -> _Encoding:
    """24 bits: the upper three bytes of 32; `order` -1 where the highest comes first."""
    four = _whole("<i4")

    def decode(data: Bytes) -> Samples:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = data.reshape(-1, 3)[:, ::order]
        return four.decode(padded.reshape(-1))

    return _Encoding(3, decode)


def _real(kind: str) -> _Encoding:
    def decode(data: Bytes) -> Samples:
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            values: Samples = data.view(kind).astype(np.float32)
        return values

    return _Encoding(np.dtype(kind).itemsize, decode)


def _logarithmic(table: Callable[[], Samples]) -> _Encoding:
    return _Encoding(1, lambda data: table()[data])


@functools.cache
def _mu_law() -> Samples:
    """ITU-T G.711, mu-law: a byte to a sample."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code.astype(np.int32) >> 4) & 7, code.astype(np.int32) & 15
    size = (((mantissa << 3) + 132) << exponent) - 132
    return (np.where(code & 128, -size, size) / 32_768).astype(np.float32)


@functools.cache
def _a_law() -> Samples:
    """ITU-T G.711, A-law: a byte to a sample."""
    code = np.arange(256, dtype=np.uint8) ^ np.uint8(0x55)
    exponent, mantissa = (code.astype(np.int32) >> 4) & 7, code.astype(np.int32) & 15
    base = (mantissa << 4) + np.where(exponent == 0, 8, 264)
    size = base << np.maximum(exponent - 1, 0)
    samples: Samples = (np.where(code & 128, size, -size) / 32_768).astype(np.float32)
    return samples


ENCODINGS = {
    "u8": _whole("u1", offset=128),
    "s8": _whole("i1"),
    "s16le": _whole("<i2"),
    "s16be": _whole(">i2"),
    "s24le": _three_bytes(1),
    "s24be": _three_bytes(-1),
    "s32le": _whole("<i4"),
    "s32be": _whole(">i4"),
    "f32le": _real("<f4"),
    "f32be": _real(">f4"),
    "f64le": _real("<f8"),
    "f64be": _real(">f8"),
    "mulaw": _logarithmic(_mu_law),
    "alaw": _logarithmic(_a_law),
}
"""Ways to write a sample, named as ffmpeg and SoX's users know them: whole (s, u) or real (f)
numbers, their bits, and the order of their bytes; and the two of telephones."""

"""The arithmetic of training windows: compiled where there is a library, else in numpy.

Both round in their own way; numpy takes about three times as long.
"""

from __future__ import annotations

import ctypes
import math
import sys
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import EngineError
from ...core.quant import Array
from ...engine.library import Library, load_library


@dataclass(frozen=True)
class CropSource:
    """A clip without digital silence at its ends, of which only the parts asked for are read.

    Attributes:
        codes: its samples [n] int16, contiguous, perhaps mapped from a file; n >= 1.
        scale: what one code is worth.
        rms: the root mean square of the whole.
    """

    codes: NDArray[np.int16]
    scale: float
    rms: float


class Arithmetic(Protocol):
    """What windows are made by, each float32 and contiguous; not for several threads at once."""

    def crop(self, clip: CropSource, start: int, n_source: int, out: Array) -> float:
        """Write a part of a clip as a window, at another length by linear interpolation.

        Args:
            clip: where to cut from.
            start: the first sample of the part; what lies outside the clip is zeros.
            n_source: length of the part, 2 to the longest there is; its ends are kept.
            out: the window.

        Returns: the root mean square of `out`.
        """

    def add(self, first: Array, gain1: float, second: Array, gain2: float) -> float:
        """Write gain1 * first + gain2 * second into `first`; return its root mean square.

        `second` may be overwritten.
        """


def make_arithmetic(longest: int, n_samples: int) -> Arithmetic:
    """The arithmetic of windows of `n_samples` that are cut from parts of at most `longest`."""
    try:
        # Codes are little-endian, in memory too.
        if sys.byteorder == "little":
            return CompiledArithmetic(load_library())
    except EngineError:
        pass
    return NumpyArithmetic(longest, n_samples)


class CompiledArithmetic:
    """By the functions of kernels/crop.h. Raises: EngineError: the library has none of them."""

    def __init__(self, library: Library) -> None:
        address, n64, f32, f64 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_double
        crop = [address, n64, f32, n64, n64, address, n64]
        self._crop = library.function("wsnet_crop", crop, f64)
        self._add = library.function("wsnet_add", [address, f32, address, f32, n64], f64)

    def crop(self, clip: CropSource, start: int, n_source: int, out: Array) -> float:
        """See `Arithmetic`."""
        codes, n = clip.codes, len(out)
        squares: float = self._crop(
            codes.ctypes.data, len(codes), clip.scale, start, n_source, out.ctypes.data, n
        )
        return math.sqrt(squares / n)

    def add(self, first: Array, gain1: float, second: Array, gain2: float) -> float:
        """See `Arithmetic`."""
        n = len(first)
        squares: float = self._add(first.ctypes.data, gain1, second.ctypes.data, gain2, n)
        return math.sqrt(squares / n)


class NumpyArithmetic:
    """In memory that is used again: new memory for each window would take longer."""

    def __init__(self, longest: int, n_samples: int) -> None:
        self._piece, self._rise = np.empty((2, max(longest, n_samples)), np.float32)
        self._numbers = np.arange(n_samples, dtype=np.float64)
        self._places, self._whole = np.empty((2, n_samples), np.float64)
        self._below = np.empty(n_samples, np.intp)
        self._part, self._base = np.empty((2, n_samples), np.float32)

    def crop(self, clip: CropSource, start: int, n_source: int, out: Array) -> float:
        """See `Arithmetic`."""
        piece = out if n_source == len(out) else self._piece[:n_source]
        low = min(max(start, 0), len(clip.codes))
        high = max(low, min(start + n_source, len(clip.codes)))
        piece[: max(0, min(low - start, n_source))] = 0
        piece[max(0, high - start) :] = 0
        if high > low:
            inside = piece[low - start : high - start]
            np.multiply(clip.codes[low:high], np.float32(clip.scale), out=inside)
        if piece is not out:
            self._stretch(piece, out)
        return root_mean_square(out)

    def add(self, first: Array, gain1: float, second: Array, gain2: float) -> float:
        """See `Arithmetic`."""
        first *= np.float32(gain1)
        second *= np.float32(gain2)
        first += second
        return root_mean_square(first)

    def _stretch(self, samples: Array, out: Array) -> None:
        rise = self._rise[: len(samples)]
        np.subtract(samples[1:], samples[:-1], out=rise[:-1])
        rise[-1] = 0
        step = (len(samples) - 1) / max(1, len(out) - 1)
        np.multiply(self._numbers, step, out=self._places)
        np.floor(self._places, out=self._whole)
        np.subtract(self._places, self._whole, out=self._places)
        np.copyto(self._part, self._places, casting="same_kind")
        np.copyto(self._below, self._whole, casting="unsafe")
        # "clip" checks nothing, and so needs no copy of its own.
        rise.take(self._below, out=out, mode="clip")
        samples.take(self._below, out=self._base, mode="clip")
        out *= self._part
        out += self._base


def root_mean_square(samples: Array) -> float:
    """Root mean square of [n] float32; n >= 1."""
    # Not np.dot, whose sums depend on the number of threads.
    return math.sqrt(float(np.einsum("i,i->", samples, samples)) / len(samples))

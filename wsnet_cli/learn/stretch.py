"""Sound at another length by linear interpolation, which moves time and pitch together."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from ..core.errors import EngineError
from ..core.quant import Array
from ..engine.library import load_library

Stretch = Callable[[Array, Array], None]
"""Writes samples [2..longest], stretched, into `out` [n_samples]; both float32 and contiguous."""


def make_stretch(longest: int, n_samples: int) -> Stretch:
    """A way to stretch whatever has 2 to `longest` samples to `n_samples`; for one thread alone.

    The first and the last sample are kept. Compiled where there is a library: numpy takes two to
    three times as long, and rounds otherwise.
    """
    try:
        return _compiled()
    except EngineError:
        return NumpyStretch(longest, n_samples)


class NumpyStretch:
    """As `make_stretch` says, with memory that is used again: new memory would take longer."""

    def __init__(self, longest: int, n_samples: int) -> None:
        self._numbers = np.arange(n_samples, dtype=np.float64)
        self._places, self._whole = np.empty((2, n_samples), np.float64)
        self._below = np.empty(n_samples, np.intp)
        self._part, self._base = np.empty((2, n_samples), np.float32)
        self._rise = np.empty(longest, np.float32)

    def __call__(self, samples: Array, out: Array) -> None:
        """Write `samples`, stretched, into `out`."""
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


def _compiled() -> Stretch:
    """By `wsnet_stretch` of kernels/stretch.h. Raises: EngineError: it is not there."""
    address, n64 = ctypes.c_void_p, ctypes.c_int64
    native = load_library().function("wsnet_stretch", [address, n64, address, n64])

    def stretch(samples: Array, out: Array) -> None:
        native(samples.ctypes.data, len(samples), out.ctypes.data, len(out))

    return stretch

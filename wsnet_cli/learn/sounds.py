"""What crops are cut from: packed clips, of which only the parts asked for become floats."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.quant import Array
from ..core.windows import sound_bounds
from .augment import CropSource, root_mean_square


class Audio(Protocol):
    """Clips by their index, as a `PackedSet` has them."""

    def samples(self, i: int) -> NDArray[np.float32]:
        """All of a clip."""

    def read_into(self, i: int, start: int, out: NDArray[np.float32]) -> None:
        """Write the samples of a clip from `start` on into `out`."""


class Sounds:
    """Clips without the silence at their ends, each measured once: only then is all of it decoded.

    May be used by several threads: two that measure one clip at once come to the same.

    Args:
        audio: the clips.
        trim_below: as in `AudioSettings`.
    """

    def __init__(self, audio: Audio, trim_below: float) -> None:
        self._audio = audio
        self._trim_below = trim_below
        self._measured: dict[int, CropSource] = {}

    def source(self, i: int) -> CropSource:
        """What crops need of clip `i`."""
        source = self._measured.get(i)
        if source is None:
            source = self._measured[i] = self._measure(i)
        return source

    def _measure(self, i: int) -> CropSource:
        samples = self._audio.samples(i)
        first, end = sound_bounds(samples, self._trim_below)
        rms = root_mean_square(samples[first:end])
        return CropSource(end - first, rms, partial(_read_from, self._audio.read_into, i, first))


def _read_from(
    read_into: Callable[[int, int, Array], None], i: int, first: int, start: int, out: Array
) -> None:
    read_into(i, first + start, out)

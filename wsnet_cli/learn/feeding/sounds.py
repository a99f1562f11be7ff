"""What crops are cut from: packed clips, of which only the parts asked for become floats."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.sound.windows import sound_bounds
from .arithmetic import CropSource, root_mean_square


class Audio(Protocol):
    """Clips by their index, as a `PackedSet` has them."""

    def codes(self, i: int) -> tuple[NDArray[np.int16], float]:
        """The samples of a clip as codes, without a copy, and what one code is worth."""


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
        codes, scale = self._audio.codes(i)
        samples = codes * np.float32(scale)
        first, end = sound_bounds(samples, self._trim_below)
        return CropSource(codes[first:end], scale, root_mean_square(samples[first:end]))

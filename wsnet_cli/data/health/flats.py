"""Runs of samples that stay at the highest or the lowest value of a clip: what clipping leaves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FLAT_RUN = 3
"""Equal samples in a row that make a flat top: with fewer, crests of plain sound count too.
Audacity's "Find Clipping" starts at 3 as well. Unlike there, the level is the clip's own extreme
(as in the flat factor of ffmpeg's `astats`), not full scale: 8 bits end at 127/128, and what was
clipped may have been turned down since."""

_HELD = FLAT_RUN - 1  # frames whose run may go on


class Flats:
    """Counts samples in flat tops and bottoms while a clip is being read.

    Attributes:
        highest: the largest sample so far; -inf before the first.
        lowest: the least sample so far.
    """

    def __init__(self) -> None:
        self.highest, self.lowest = -math.inf, math.inf
        self._top, self._bottom = _Side(0), _Side(0)

    def add(self, frames: NDArray[np.float32], highest: float, lowest: float) -> None:
        """Take the next frames.

        Args:
            frames: float32 [n, n_channels], n >= 1.
            highest: the largest value among them.
            lowest: the least one.
        """
        if highest > self.highest:
            self.highest, self._top = highest, _Side(frames.shape[1])
        if lowest < self.lowest:
            self.lowest, self._bottom = lowest, _Side(frames.shape[1])
        for side, level, extreme in (
            (self._top, highest, self.highest),
            (self._bottom, lowest, self.lowest),
        ):
            if level == extreme:
                side.add(frames == np.float32(level))
            else:
                side.stop()

    def count(self) -> int:
        """Return how many samples lie in runs of at least FLAT_RUN; none in a constant clip."""
        return self._top.n_flat + self._bottom.n_flat if self.lowest < self.highest else 0


class _Side:
    """Runs at one level. Frames at the end of a part are looked at again with the next one."""

    def __init__(self, n_channels: int) -> None:
        self.n_flat = 0
        self._nothing = np.zeros((_HELD, n_channels), np.bool_)
        self._at_level = self._counted = self._nothing
        self._n_held = 0

    def add(self, at_level: NDArray[np.bool_]) -> None:
        if len(at_level) >= _HELD and np.count_nonzero(at_level) < FLAT_RUN and not self._n_held:
            self._hold(at_level)  # the usual case: an extreme is reached once
            return
        at_level = np.concatenate((self._at_level, at_level))
        n_starts = len(at_level) - _HELD
        shifted = [at_level[i : n_starts + i] for i in range(FLAT_RUN)]
        starts = np.logical_and.reduce(shifted)
        flat = np.zeros_like(at_level)
        flat[:_HELD] = self._counted
        for i in range(FLAT_RUN):
            flat[i : n_starts + i] |= starts
        self.n_flat += int(np.count_nonzero(flat)) - int(np.count_nonzero(self._counted))
        self._hold(at_level, flat)

    def stop(self) -> None:
        """Take a part that never reaches the level."""
        if self._n_held:
            self._hold(self._nothing)

    def _hold(self, at_level: NDArray[np.bool_], counted: NDArray[np.bool_] | None = None) -> None:
        self._at_level = at_level[-_HELD:].copy()
        self._n_held = int(np.count_nonzero(self._at_level))
        self._counted = self._nothing if counted is None else counted[-_HELD:].copy()

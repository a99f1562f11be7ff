"""A sound as a small drawing: its outline, from blocks of any length, and that outline in SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

N_STRETCHES = 240
"""Fewest stretches of a drawing, where the sound is long enough; at most twice as many."""

HEIGHT = 48
"""Of a drawing, in units of a stretch's width."""


class Outline:
    """The least and the largest sample of equal stretches of a sound; the last may be shorter.

    The memory it takes does not grow with the sound, nor does what it returns.
    """

    def __init__(self) -> None:
        self._lows, self._highs = np.zeros((2, 0), np.float32)
        self._width = 1
        self._n_open = 0  # samples of the stretch that is not full yet, and their extremes
        self._low, self._high = math.inf, -math.inf

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples [n], n >= 0."""
        n_taken = min(len(samples), (self._width - self._n_open) % self._width)
        self._open(samples[:n_taken])
        if self._n_open == self._width:
            self._close(*np.array([[self._low], [self._high]], np.float32))
            self._n_open, self._low, self._high = 0, math.inf, -math.inf
        samples = samples[n_taken:]
        n_whole = len(samples) // self._width * self._width
        if n_whole:
            stretches = samples[:n_whole].reshape(-1, self._width)
            self._close(stretches.min(axis=1), stretches.max(axis=1))
        self._open(samples[n_whole:])
        while len(self._lows) >= 2 * N_STRETCHES:
            self._halve()

    def stretches(self) -> NDArray[np.float32]:
        """Return the least and the largest sample of each stretch, float32 [n, 2]."""
        lows, highs = self._lows, self._highs
        if self._n_open:
            lows, highs = np.append(lows, self._low), np.append(highs, self._high)
        return np.stack([lows, highs], axis=1).astype(np.float32)

    def _open(self, samples: NDArray[np.float32]) -> None:
        if len(samples):
            self._n_open += len(samples)
            self._low = min(self._low, float(samples.min()))
            self._high = max(self._high, float(samples.max()))

    def _close(self, lows: NDArray[np.float32], highs: NDArray[np.float32]) -> None:
        self._lows = np.concatenate((self._lows, lows))
        self._highs = np.concatenate((self._highs, highs))

    def _halve(self) -> None:
        if len(self._lows) % 2:  # the odd one becomes the start of the open one
            self._n_open += self._width
            self._low = min(self._low, float(self._lows[-1]))
            self._high = max(self._high, float(self._highs[-1]))
        n = len(self._lows) // 2 * 2
        self._lows = self._lows[:n].reshape(-1, 2).min(axis=1)
        self._highs = self._highs[:n].reshape(-1, 2).max(axis=1)
        self._width *= 2


def draw(blocks: Iterable[NDArray[np.float32]], mark: tuple[float, float] | None = None) -> Markup:
    """Return a clip's waveform as an SVG element, as high as its largest sample.

    Args:
        blocks: the clip in order, each [n], finite.
        mark: a part to set off, from and to as shares of the clip's length; None: no part.
    """
    outline = Outline()
    for block in blocks:
        outline.add(block)
    stretches = outline.stretches()
    peak = float(np.abs(stretches).max(initial=0.0)) or 1.0
    y = (HEIGHT / 2 * (1 - stretches / peak)).round(1)
    y[:, 0] = np.maximum(y[:, 0], y[:, 1] + 0.5)  # silence is a line too
    points = [f"{i} {high:g}" for i, high in enumerate(y[:, 1].tolist())]
    points += [f"{i} {low:g}" for i, low in reversed(list(enumerate(y[:, 0].tolist())))]
    return Markup(
        '<svg class="wave" viewBox="-1 -1 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '{}<path d="M{}Z"/></svg>'
    ).format(len(y) + 2, HEIGHT + 2, _marked(mark, len(y)), "L".join(points))


def _marked(mark: tuple[float, float] | None, width: int) -> Markup:
    if mark is None:
        return Markup("")
    first, last = (round(share * width, 1) for share in mark)
    return Markup('<rect x="{:g}" y="-1" width="{:g}" height="{}"/>').format(
        first, last - first, HEIGHT + 2
    )

"""How fast a batch goes, for people."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Pace:
    """Counts what was done since it was made.

    Args:
        clock: seconds, from any start.

    Attributes:
        n_files: that were added.
        audio_s: seconds of sound in them.

    >>> seconds = iter([10.0, 12.0])
    >>> pace = Pace(lambda: next(seconds))
    >>> for _ in range(100):
    ...     pace.add(5.0)
    >>> str(pace)
    '50 files a second, 250x real time'
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.n_files = 0
        self.audio_s = 0.0
        self._clock = clock
        self._start_s = clock()

    def add(self, audio_s: float) -> None:
        """Count one more file with so many seconds of sound, 0 where it could not be read."""
        self.n_files += 1
        self.audio_s += audio_s

    def seconds_for(self, n_files: int) -> float:
        """How long so many more files will take, if they are like those before."""
        wall_s = self._clock() - self._start_s
        return wall_s * n_files / self.n_files if self.n_files else math.inf

    def __str__(self) -> str:
        wall_s = max(self._clock() - self._start_s, 1e-9)
        files, audio = _short(self.n_files / wall_s), _short(self.audio_s / wall_s)
        return f"{files} files a second, {audio}x real time"


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"

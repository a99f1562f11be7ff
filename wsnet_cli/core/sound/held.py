"""Samples that are held for the windows to come, and arrays that outlive a clip."""

from __future__ import annotations

import numpy as np

from .samples import Samples

_LEAST_ROOM = 2**18  # samples: 1 MiB
_MOST_KEPT = 2**22  # samples of a store that a scratch keeps: 16 MiB


class Scratch:
    """Arrays that serve clip after clip.

    Large arrays that come and go with each clip are pages that the system takes and gives again,
    which was seen to take as long as running a small network.
    """

    def __init__(self) -> None:
        self.store: Samples = np.empty(0, np.float32)
        self._windows: Samples = np.empty((0, 0), np.float32)

    def windows_of(self, n: int, size: int) -> Samples:
        """Room for `n` windows, [n, size] float32; what it holds is anybody's."""
        if self._windows.shape[0] < n or self._windows.shape[1] != size:
            self._windows = empty_windows(n, size)
        return self._windows[:n]


def empty_windows(n: int, size: int) -> Samples:
    """[n, size] float32, of which nothing is said."""
    return np.empty((n, size), np.float32)


class Held:
    """The latest samples of a clip, from `start` on: appended behind, dropped in front."""

    def __init__(self, scratch: Scratch | None = None) -> None:
        self.start = 0
        self._scratch = scratch
        self._store = scratch.store if scratch else np.empty(0, np.float32)
        self._offset = 0
        self._n = 0

    @property
    def samples(self) -> Samples:
        """A view, until the next `append`."""
        return self._store[self._offset : self._offset + self._n]

    def append(self, block: Samples) -> None:
        """Put [n] samples behind."""
        n = self._n + len(block)
        if self._offset + n > len(self._store):
            # Room, so that few appends move all, and none where a clip is short.
            store = np.empty(max(n + n // 2, _LEAST_ROOM), np.float32)
            store[: self._n] = self.samples
            self._store, self._offset = store, 0
            if self._scratch and len(store) <= _MOST_KEPT:
                self._scratch.store = store
        self._store[self._offset + self._n : self._offset + n] = block
        self._n = n

    def drop_before(self, place: int) -> None:
        """Forget what lies before `place`, counted from the start of the clip."""
        n_dropped = min(max(0, place - self.start), self._n)
        self.start += n_dropped
        self._offset += n_dropped
        self._n -= n_dropped

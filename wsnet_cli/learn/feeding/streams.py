"""Where the randomness of training comes from: streams that never meet."""

from __future__ import annotations

import numpy as np

ORDER, ROWS = 0, 1
"""Keep the streams of the order of clips and of the windows apart."""


class Streams:
    """The randomness of each window of a run.

    The counters of one key: windows lie 2**128 numbers apart (Philox 4x64: J. Salmon et al.,
    Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011).

    Args:
        seed: of the run, >= 0.
    """

    def __init__(self, seed: int) -> None:
        key = np.random.SeedSequence((seed, ROWS)).generate_state(2, np.uint64)
        self._philox = np.random.Philox(key=key)
        self._start = self._philox.state
        self._generator = np.random.Generator(self._philox)

    def at(self, epoch: int, place: int) -> np.random.Generator:
        """The generator of the window at a place of an epoch, good until the next is asked for."""
        # A seventh of the time that a new generator takes, which asks the system for randomness.
        self._start["state"]["counter"][:] = 0, 0, place, epoch
        self._philox.state = self._start
        return self._generator

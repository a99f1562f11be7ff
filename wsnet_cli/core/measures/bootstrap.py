"""Intervals by drawing recordings again: clips of one recording are drawn together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 2_000
SEED = 0
CELLS_AT_ONCE = 1 << 20
"""Numbers that are held in one piece, so that memory has a bound whatever the number of clips."""
KINDS_FOR_COUNTS = 16
"""Where there are so many recordings to a kind, how often each is drawn is drawn itself."""

Ints = NDArray[np.int64]
Drawn = NDArray[np.int32]
Interval = tuple[float, float]
"""Lower and upper end of a 95 % interval."""


def number_recordings(names: Iterable[Hashable]) -> Ints:
    """Number recordings in order of their first clip, [clips]; equal names are one recording.

    >>> number_recordings(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64)


@dataclass(frozen=True)
class Kinds:
    """Recordings in kinds that no measure tells apart, so that only the kinds need be drawn.

    Args:
        counts: recordings of each kind, [kinds].
        clips: one clip of each kind where every recording is one clip, [kinds]; else all clips.
        of_clips: the kind that each of `clips` belongs to.
    """

    counts: Ints
    clips: Ints
    of_clips: Ints

    @staticmethod
    def of(recordings: Ints, codes: Ints) -> Kinds:
        """From the recording of each clip and a number for all that is measured of it, [clips].

        Recordings of one clip each are of few kinds; others stay as they are.
        """
        if int(recordings.max()) + 1 == len(recordings):
            _, clips, counts = np.unique(codes, return_index=True, return_counts=True)
            return Kinds(counts, clips, np.arange(len(clips)))
        counts = np.ones(int(recordings.max()) + 1, np.int64)
        return Kinds(counts, np.arange(len(recordings)), recordings)

    def draw(self, n_wide: int) -> Iterator[Drawn]:
        """How often each kind is drawn in each resample, block by block, [resamples, kinds].

        As many recordings are drawn as there are, with replacement, `N_RESAMPLES` times in all,
        from a fixed seed. Memory has a bound, as no block has more than `CELLS_AT_ONCE` cells.

        Args:
            n_wide: what the caller makes of one row, in cells.

        Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993); drawing clusters
        whole is the cluster bootstrap of A. C. Davison, D. V. Hinkley, Bootstrap Methods (1997),
        section 3.8.
        """
        rng = np.random.default_rng(SEED)
        n, n_kinds = int(self.counts.sum()), len(self.counts)
        n_rows = max(1, CELLS_AT_ONCE // max(n_wide, n))
        kinds = np.repeat(np.arange(n_kinds, dtype=np.int32), self.counts)
        for start in range(0, N_RESAMPLES, n_rows):
            n_here = min(n_rows, N_RESAMPLES - start)
            if n_kinds * KINDS_FOR_COUNTS <= n:
                drawn = rng.multinomial(n, self.counts / n, size=n_here)
            else:
                found = kinds[rng.integers(0, n, (n_here, n), np.int32)].astype(np.int64)
                found += np.arange(n_here)[:, None] * n_kinds
                drawn = np.bincount(found.ravel(), minlength=n_here * n_kinds)
            yield drawn.reshape(n_here, n_kinds).astype(np.int32)


class ClassSums:
    """Sums what is drawn class by class.

    Args:
        rows: of pairs of a kind and a class, the kinds, [n].
        classes: the classes, 0-based, [n].
        n_classes: how many there are.
    """

    def __init__(self, rows: Ints, classes: Ints, n_classes: int) -> None:
        order = np.argsort(classes, kind="stable")
        self._rows = rows[order]
        self._present, self._starts = np.unique(classes[order], return_index=True)
        self._n_classes = n_classes

    def of(self, drawn: Drawn) -> Ints:
        """For [resamples, kinds], the sums [resamples, n_classes]."""
        sums = np.zeros((len(drawn), self._n_classes), np.int64)
        if len(self._rows):
            sums[:, self._present] = np.add.reduceat(drawn[:, self._rows], self._starts, axis=1)
        return sums


def percentile_interval(samples: NDArray[np.float64]) -> Interval:
    """The middle 95 % of what the resamples gave, [resamples]."""
    low, high = np.quantile(samples, (0.025, 0.975))
    return float(low), float(high)

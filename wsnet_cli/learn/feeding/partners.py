"""Which clip a clip is mixed with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .balance import ClassTable


class Partners:
    """Draws the second clip of a mix.

    Args:
        classes: the class of each training clip.
        balanced: draw a class first, each alike, and then one of its clips; else each clip alike.
    """

    def __init__(self, classes: Sequence[int], *, balanced: bool) -> None:
        self._table = ClassTable(classes)
        self._balanced = balanced

    def of_another_class(self, position: int, rng: np.random.Generator) -> int | None:
        """The position of a clip of another class than that of the clip at `position`.

        None where there is no other class.
        """
        table = self._table
        rank = int(table.ranks[position])
        if len(table.counts) == 1:
            return None
        if self._balanced:
            other = int(rng.integers(len(table.counts) - 1))
            return self._of_class(other + (other >= rank), rng)
        start, count = int(table.starts[rank]), int(table.counts[rank])
        place = int(rng.integers(len(table.order) - count))
        return int(table.order[place if place < start else place + count])

    def any(self, rng: np.random.Generator) -> int:
        """The position of any clip."""
        if self._balanced:
            return self._of_class(int(rng.integers(len(self._table.counts))), rng)
        return int(rng.integers(len(self._table.order)))

    def _of_class(self, rank: int, rng: np.random.Generator) -> int:
        place = int(self._table.starts[rank]) + int(rng.integers(self._table.counts[rank]))
        return int(self._table.order[place])

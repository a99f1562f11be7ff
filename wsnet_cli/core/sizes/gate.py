"""How much worse a model may become before it is not handed over."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MAX_DROP = 2.0
"""Points, where no limit was given."""
FEWEST_CLIPS = 3
"""Clips that must be lost on balance for the limit that nobody asked for to be one: of few clips
one or two are many points, and chance."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gate:
    """A limit on the fall of a measure.

    Args:
        max_drop: points (hundredths), 0 to 100; 100 lets everything pass.
        asked: whether it was asked for, so that a single clip counts.
    """

    max_drop: float = DEFAULT_MAX_DROP
    asked: bool = False

    @property
    def limits(self) -> bool:
        """Whether there is a fall that it refuses."""
        return self.max_drop < 100

    def refuses(self, difference: float, n_clips: int) -> bool:
        """Whether a measure has fallen by more.

        Args:
            difference: of the measure after and before, in [-1, 1].
            n_clips: that it was measured on, >= 1.
        """
        if 100 * -difference <= self.max_drop + _ROUNDING:
            return False
        return self.asked or -difference * n_clips >= FEWEST_CLIPS - _ROUNDING

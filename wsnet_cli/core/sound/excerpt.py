"""A short piece of a clip, around the moment that matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from .samples import Samples
from .stream import OpenBlocks


@dataclass(frozen=True)
class Excerpt:
    """Some seconds of a clip.

    Args:
        samples: mono float32 [n].
        sample_rate: Hz.
        start_s: where the piece begins in the clip, in seconds.
        duration_s: of the whole clip.
        moment: start and end, in seconds of the clip, of what the piece was cut around.
    """

    samples: Samples
    sample_rate: int
    start_s: float
    duration_s: float
    moment: tuple[float, float]

    @property
    def end_s(self) -> float:
        """Where the piece ends in the clip, in seconds."""
        return self.start_s + len(self.samples) / self.sample_rate

    @property
    def is_whole(self) -> bool:
        """Whether the piece is the whole clip."""
        return self.start_s == 0 and self.end_s >= self.duration_s - 1 / self.sample_rate


def cut_excerpt(
    open_blocks: OpenBlocks,
    sample_rate: int,
    moment: tuple[float, float],
    duration_s: float,
    most_s: float,
) -> Excerpt:
    """Cut a piece of at most `most_s` seconds, with the moment in its middle where there is room.

    A clip that is no longer is taken whole. Reads no further than to the end of the piece, and
    keeps the piece alone.

    Args:
        open_blocks: begins to read the clip at `sample_rate`.
        sample_rate: Hz.
        moment: seconds from and to, within the clip.
        duration_s: of the clip, > 0.
        most_s: > 0.

    Raises: ParameterError: most_s <= 0. What open_blocks raises.
    """
    if most_s <= 0:
        raise ParameterError(f"most_s = {most_s}; expected seconds > 0")
    middle = sum(moment) / 2
    first_s = min(max(0.0, middle - most_s / 2), max(0.0, duration_s - most_s))
    first = round(first_s * sample_rate)
    last = first + round(most_s * sample_rate)
    pieces: list[Samples] = []
    at = 0
    for block in open_blocks():
        pieces.append(block[max(0, first - at) : max(0, last - at)].copy())
        at += len(block)
        if at >= last:
            break
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return Excerpt(samples, sample_rate, first / sample_rate, duration_s, moment)

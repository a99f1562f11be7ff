"""What the headers of recordings say: their rates and lengths, with nothing decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..core.configuration.config import AudioConfig
from ..core.errors import AudioError
from ..core.sound.decode import open_audio
from .clips import Clip

LOOKED_AT = 200
"""Clips whose headers are read, spread over the data set."""
HIGHEST_RATE = AudioConfig().sample_rate
"""Recordings of a higher rate are brought down to it: what everyday sounds need (ACDNet)."""


def places_to_look(n_clips: int) -> range:
    """Indices of the clips that stand for all: LOOKED_AT to twice as many, or all of fewer."""
    return range(0, n_clips, max(1, n_clips // LOOKED_AT))


def rates_and_lengths(clips: Sequence[Clip]) -> tuple[Counter[int], list[float]]:
    """Sample rates in Hz, and lengths in seconds where they are told, of some of the clips."""
    pairs = list(_headers(clips[i] for i in places_to_look(len(clips))))
    return Counter(rate for rate, _ in pairs), [s for _, s in pairs if s is not None]


def usual_rate(rates: Counter[int]) -> int | None:
    """The most common rate, at most HIGHEST_RATE; None where there is none."""
    return min(rates.most_common(1)[0][0], HIGHEST_RATE) if rates else None


def _headers(clips: Iterator[Clip]) -> Iterator[tuple[int, float | None]]:
    """Of each clip; a file that cannot be opened says nothing."""
    for clip in clips:
        try:
            with open_audio(clip.path) as decoder:
                rate, n_frames = decoder.sample_rate, decoder.n_frames
        except AudioError:
            continue
        end_s = clip.end_s if clip.end_s is not None else n_frames and n_frames / rate
        yield rate, None if end_s is None else end_s - (clip.start_s or 0.0)

"""What a network hears: the settings that a model holds, and reading a file to them.

Training, evaluation and prediction all call these functions and those of `windows.py` beside it
and nothing else, so that a clip gives the same input wherever it goes. The order is fixed: channels
are averaged (or one is picked), the mono signal is resampled, digital silence at both ends is cut
off, windows are cut, windows are normalised.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from ..checks import check, is_real, is_whole
from .decode import open_audio
from .resampling import resample_blocks
from .samples import Samples

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 192_000
"""Sample rates in Hz that a network may work at."""

MAX_WINDOW_S = 3_600.0
"""Longest window: a shorter clip is padded to it, so a model file must not ask for years."""

NORMALISATIONS = ("rms", "none")

AUDIO_SUFFIXES: frozenset[str] = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "bwf", "rf64", "w64", "flac", "ogg", "oga", "opus", "mp3"),
        *("aiff", "aif", "aifc", "au", "snd", "caf", "sph", "voc"),
    )
)
"""Suffixes, in lower case, of the file formats with a header that libsndfile decodes."""

CLIP_SUFFIXES: frozenset[str] = AUDIO_SUFFIXES | frozenset(
    f".{name}" for name in ("m4a", "m4b", "aac", "wma", "amr", "ac3", "ape", "wv", "mka", "weba")
)
"""Those, and suffixes of sound that libsndfile does not decode: such a file is told as a clip that
cannot be read, and not passed over."""


@dataclass(frozen=True)
class AudioSettings:
    """How a clip becomes a network's input; part of every model file.

    Attributes:
        sample_rate: Hz, MIN_SAMPLE_RATE..MAX_SAMPLE_RATE.
        window_s: seconds in one window, 0 < window_s <= MAX_WINDOW_S.
        hop_s: seconds from the start of one window to the next, 0 < hop_s <= window_s.
        normalise: "rms" scales each window to a root mean square of 1, "none" leaves it.
        trim_below: leading and trailing samples with |x| below this fraction of full scale are
            digital silence and are cut off before windows are cut; 0 <= trim_below < 1, 0 = keep.

    Raises:
        ParameterError: a value outside its range, named.

    >>> AudioSettings(16_000, window_s=1.0, hop_s=0.5).hop_samples
    8000
    """

    sample_rate: int
    window_s: float
    hop_s: float
    normalise: str = "rms"
    trim_below: float = 1e-4

    def __post_init__(self) -> None:
        _check_rate("sample_rate", self.sample_rate)
        check(
            "window_s",
            self.window_s,
            is_real(self.window_s) and 0 < self.window_s <= MAX_WINDOW_S,
            f"seconds > 0 and <= {MAX_WINDOW_S:g}",
        )
        check(
            "hop_s",
            self.hop_s,
            is_real(self.hop_s) and 0 < self.hop_s <= self.window_s,
            f"seconds > 0 and <= window_s = {self.window_s}",
        )
        check_normalise(self.normalise)
        check_trim(self.trim_below)

    @property
    def window_samples(self) -> int:
        """Samples in one window, >= 1; halves are rounded up."""
        return _to_samples(self.window_s, self.sample_rate)

    @property
    def hop_samples(self) -> int:
        """Samples from one window to the next, 1..window_samples; halves are rounded up."""
        return _to_samples(self.hop_s, self.sample_rate)


def looks_like_audio(path: AnyPath) -> bool:
    """Say by its suffix, in any case, whether a file is meant to hold audio, read or not.

    >>> looks_like_audio("a/CLIP.WAV"), looks_like_audio("a/b.m4a"), looks_like_audio("a/notes.txt")
    (True, True, False)
    """
    return PurePath(os.fsdecode(path)).suffix.lower() in CLIP_SUFFIXES


def read_audio(
    path: AnyPath,
    *,
    sample_rate: int | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: int | None = None,
) -> tuple[Samples, int]:
    """Read an audio file, or a part of it, as one channel.

    The part is cut out at the file's own rate, channels are averaged, and the result is resampled
    as if the part were a file of its own. Memory: the result plus an eighth, and some MB.

    Args:
        path: a regular file in any format that libsndfile knows; its name may be any bytes.
        sample_rate: Hz to resample to, MIN_SAMPLE_RATE..MAX_SAMPLE_RATE; None = the file's own.
        start_s: where to begin, seconds >= 0; None = at the start.
        end_s: where to end, seconds > start_s; None = at the end. May lie up to
            decode.RANGE_SLACK_S past the end of the file, and then means its end.
        channel: the one to take, counted from 1; None = the average of all.

    Returns: samples [n] float32, finite, n >= 1, full scale 1.0; and their sample rate in Hz.

    Raises:
        AudioError: the file cannot be read, is not audio, is damaged, holds samples that are not
            finite, does not reach the part asked for, or lacks the channel; one line that says
            which.
        ParameterError: sample_rate, start_s, end_s or channel outside its range.
    """
    if sample_rate is not None:
        _check_rate("sample_rate", sample_rate)
    with open_audio(path) as decoder:
        rate = decoder.sample_rate if sample_rate is None else sample_rate
        pieces = resample_blocks(decoder.blocks(start_s, end_s, channel), decoder.sample_rate, rate)
        collected = bytearray()  # grows in place, where joining a list would hold all twice
        for piece in pieces:
            collected += piece.tobytes()
    return np.frombuffer(collected, dtype=np.float32), rate


def read_blocks(
    path: AnyPath,
    *,
    sample_rate: int,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: int | None = None,
    name: str | None = None,
) -> Iterator[Samples]:
    """Yield what `read_audio` returns, piece by piece, in a few MB however long the file is.

    Args: as `read_audio`; and name: what messages call the file, None = its path.

    Raises: as `read_audio`, some of it only when the damaged place is reached.
    """
    _check_rate("sample_rate", sample_rate)
    with open_audio(path, name) as decoder:
        blocks = decoder.blocks(start_s, end_s, channel)
        yield from resample_blocks(blocks, decoder.sample_rate, sample_rate)


def _to_samples(seconds: float, sample_rate: int) -> int:
    return max(1, math.floor(seconds * sample_rate + 0.5))


def _check_rate(field: str, value: int) -> None:
    good = is_whole(value) and MIN_SAMPLE_RATE <= value <= MAX_SAMPLE_RATE
    check(field, value, good, f"Hz, a whole number from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}")


def check_normalise(value: str) -> None:
    """Refuse what is none of NORMALISATIONS. Raises: ParameterError."""
    check("normalise", value, value in NORMALISATIONS, f"one of {', '.join(NORMALISATIONS)}")


def check_trim(value: float) -> None:
    """Refuse what is no `trim_below`. Raises: ParameterError."""
    good = is_real(value) and 0 <= value < 1
    check("trim_below", value, good, "a fraction of full scale, 0 <= trim_below < 1")

"""The one definition of what a network hears: reading, resampling, cutting and normalising audio.

Training, evaluation and prediction all call these functions and nothing else, so that a clip
gives the same input wherever it goes. The order is fixed: channels are averaged, the mono signal
is resampled, digital silence at both ends is cut off, windows are cut, windows are normalised.

Silence inside a clip is not treated specially: a window without sound stays a window, and its
zeros stay zeros. So does a file that is silent throughout, or whose two channels cancel.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from .decode import BLOCK_SAMPLES, open_audio, resample_blocks
from .errors import ParameterError

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Samples = npt.NDArray[np.float32]

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 192_000
"""Sample rates in Hz that a network may work at."""

MAX_WINDOW_S = 3_600.0
"""Longest window: a shorter clip is padded to it, so a model file must not ask for years."""

RMS_FLOOR = 1e-4
"""Windows quieter than this (-80 dB of full scale, 3 steps of 16 bits) are not made louder than
1 / RMS_FLOOR would: dither and digital silence stay near zero instead of filling the scale."""

NORMALISATIONS = ("rms", "none")

AUDIO_SUFFIXES: frozenset[str] = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "bwf", "rf64", "w64", "flac", "ogg", "oga", "opus", "mp3"),
        *("aiff", "aif", "aifc", "au", "snd", "caf", "sph", "voc"),
    )
)
"""Suffixes, in lower case, of the file formats with a header that libsndfile decodes."""

_SCAN_SAMPLES = 2**16


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
        _check(
            "window_s",
            self.window_s,
            _is_real(self.window_s) and 0 < self.window_s <= MAX_WINDOW_S,
            f"seconds > 0 and <= {MAX_WINDOW_S:g}",
        )
        _check(
            "hop_s",
            self.hop_s,
            _is_real(self.hop_s) and 0 < self.hop_s <= self.window_s,
            f"seconds > 0 and <= window_s = {self.window_s}",
        )
        _check_normalise(self.normalise)
        _check_trim(self.trim_below)

    @property
    def window_samples(self) -> int:
        """Samples in one window, >= 1; halves are rounded up."""
        return _to_samples(self.window_s, self.sample_rate)

    @property
    def hop_samples(self) -> int:
        """Samples from one window to the next, 1..window_samples; halves are rounded up."""
        return _to_samples(self.hop_s, self.sample_rate)


def looks_like_audio(path: AnyPath) -> bool:
    """Say by its suffix, in any case, whether a file is meant to hold audio.

    >>> looks_like_audio("a/CLIP.WAV"), looks_like_audio("a/notes.txt")
    (True, False)
    """
    return PurePath(os.fsdecode(path)).suffix.lower() in AUDIO_SUFFIXES


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
) -> Iterator[Samples]:
    """Yield what `read_audio` returns, piece by piece, in a few MB however long the file is.

    Raises: as `read_audio`, some of it only when the damaged place is reached.
    """
    _check_rate("sample_rate", sample_rate)
    with open_audio(path) as decoder:
        blocks = decoder.blocks(start_s, end_s, channel)
        yield from resample_blocks(blocks, decoder.sample_rate, sample_rate)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate with soxr's HQ filter (linear phase, stop band below -100 dB).

    Args:
        samples: [n] float32, n >= 1, finite.
        from_rate: Hz, > 0.
        to_rate: Hz, > 0.

    Returns: about n * to_rate / from_rate samples, at least one, float32; `samples` itself if the
        rates are equal.

    Raises:
        ParameterError: samples is not one row of at least one sample, or a rate is not positive.
    """
    _check_row(samples)
    for field, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        _check(field, rate, _is_whole(rate) and rate > 0, "Hz, a whole number > 0")
    if from_rate == to_rate:
        return samples.astype(np.float32, copy=False)
    steady = np.ascontiguousarray(samples, dtype=np.float32)
    blocks = (steady[i : i + BLOCK_SAMPLES] for i in range(0, len(steady), BLOCK_SAMPLES))
    return np.concatenate(list(resample_blocks(blocks, from_rate, to_rate)))


def trim_silence(samples: Samples, below: float) -> Samples:
    """Cut off leading and trailing samples with |x| < below.

    Args:
        samples: [n] float32.
        below: fraction of full scale, 0 <= below < 1; 0 keeps all.

    Returns: a view; all of `samples` if no sample reaches `below` (there is nothing to keep then,
        and a silent clip still has to be answered for).

    Raises:
        ParameterError: below is outside its range.

    >>> trim_silence(np.float32([0, 0, 0.5, 0, -0.5, 0]), 1e-4).tolist()
    [0.5, 0.0, -0.5]
    """
    first, end = sound_bounds(samples, below)
    return samples[first:end]


def sound_bounds(samples: Samples, below: float) -> tuple[int, int]:
    """First index that `trim_silence` keeps, and the one after its last. Raises: as it does."""
    _check_trim(below)
    n_leading = _count_quiet(samples, below)
    if n_leading == len(samples):
        return 0, len(samples)
    return n_leading, len(samples) - _count_quiet(samples[::-1], below)


def cut_windows(samples: Samples, window_samples: int, hop_samples: int) -> Samples:
    """Cut a clip into windows of equal length that together hold every sample of it.

    Windows begin at 0, hop, 2 hop, ...; where they leave a tail, one more window ends with the
    clip. A clip shorter than one window gets zeros on both sides, the odd one at the end.

    Args:
        samples: [n] float32, n >= 1.
        window_samples: length of a window, >= 1.
        hop_samples: 1..window_samples.

    Returns: [n_windows, window_samples] float32; where no tail is left over, a read-only view.

    Raises:
        ParameterError: an argument outside its range.

    >>> cut_windows(np.float32([1, 2, 3, 4, 5, 6]), 4, 3).tolist()
    [[1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]]
    >>> cut_windows(np.float32([7]), 4, 2).tolist()
    [[0.0, 7.0, 0.0, 0.0]]
    """
    _check_row(samples)
    whole = _is_whole(window_samples) and window_samples >= 1
    _check("window_samples", window_samples, whole, "a whole number >= 1")
    inside = _is_whole(hop_samples) and 1 <= hop_samples <= window_samples
    _check("hop_samples", hop_samples, inside, f"1 to window_samples = {window_samples}")
    every = _every_window(samples, window_samples)
    regular = every[::hop_samples]
    if (len(every) - 1) % hop_samples == 0:
        return regular
    return np.concatenate([regular, every[-1:]])


def normalise_windows(windows: Samples, how: str, out: Samples | None = None) -> Samples:
    """Bring windows to one loudness, each by itself: w / max(rms(w), RMS_FLOOR).

    Nothing is subtracted, so zeros stay zeros. Each window's result depends on that window alone,
    bit for bit, whatever it is batched with.

    Args:
        windows: [n_windows, window_samples] float32, finite.
        how: "rms", or "none" to leave them.
        out: where to put the result, of the same shape, float32; None: a new array.

    Returns: same shape, float32; `out`, or a new array for "rms", `windows` itself for "none".

    Raises:
        ParameterError: `how` is neither, or windows is not two-dimensional.
    """
    _check_normalise(how)
    _check("windows.ndim", windows.ndim, windows.ndim == 2, "2 (n_windows, window_samples)")
    if how == "none":
        if out is None:
            return windows.astype(np.float32, copy=False)
        out[:] = windows
        return out
    result = np.empty(windows.shape, np.float32) if out is None else out
    squares = np.empty(windows.shape[1], np.float64)  # one for all windows: new memory costs more
    for window, scaled in zip(windows, result, strict=True):
        squares[:] = window
        rms = math.sqrt(np.square(squares, out=squares).mean())
        np.divide(window, max(rms, RMS_FLOOR), out=scaled)
    return result


def clip_windows(samples: Samples, settings: AudioSettings) -> Samples:
    """Turn a clip at `settings.sample_rate` into what the network sees: trim, cut, normalise.

    Args:
        samples: [n] float32, n >= 1, finite, at settings.sample_rate.
        settings: of the model.

    Returns: [n_windows, settings.window_samples] float32, n_windows >= 1, finite.

    Raises:
        ParameterError: samples is not one row of at least one sample.
    """
    _check_row(samples)
    trimmed = trim_silence(samples, settings.trim_below)
    windows = cut_windows(trimmed, settings.window_samples, settings.hop_samples)
    return normalise_windows(windows, settings.normalise)


def window_blocks(samples: Samples, settings: AudioSettings, n_at_once: int) -> Iterator[Samples]:
    """Yield the rows of `clip_windows`, bit for bit, at most `n_at_once` >= 1 in each block.

    Only one block is in memory at a time, however long the clip.

    Raises: as `clip_windows`, when the first block is asked for.
    """
    _check_row(samples)
    _check("n_at_once", n_at_once, _is_whole(n_at_once) and n_at_once >= 1, "a whole number >= 1")
    every = _every_window(trim_silence(samples, settings.trim_below), settings.window_samples)
    last = len(every) - 1
    n_windows = 1 + math.ceil(last / settings.hop_samples)
    for first in range(0, n_windows, n_at_once):
        numbers = np.arange(first, min(first + n_at_once, n_windows))
        starts = np.minimum(numbers * settings.hop_samples, last)
        yield normalise_windows(every[starts], settings.normalise)


def _every_window(samples: Samples, window_samples: int) -> Samples:
    """Return the windows that begin at each sample, as a view; short clips are padded to one."""
    n_missing = window_samples - len(samples)
    if n_missing > 0:
        samples = np.pad(samples, (n_missing // 2, n_missing - n_missing // 2))
    return np.lib.stride_tricks.sliding_window_view(samples, window_samples)


def _count_quiet(samples: Samples, below: float) -> int:
    """Count the samples before the first with |x| >= below, without a copy of the whole clip."""
    for start in range(0, len(samples), _SCAN_SAMPLES):
        loud = np.abs(samples[start : start + _SCAN_SAMPLES]) >= below
        if loud.any():
            return start + int(np.argmax(loud))
    return len(samples)


def _to_samples(seconds: float, sample_rate: int) -> int:
    return max(1, math.floor(seconds * sample_rate + 0.5))


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _check(field: str, value: object, good: bool, expected: str) -> None:
    if not good:
        raise ParameterError(f"{field} = {value!r}; expected {expected}")


def _check_rate(field: str, value: int) -> None:
    good = _is_whole(value) and MIN_SAMPLE_RATE <= value <= MAX_SAMPLE_RATE
    _check(field, value, good, f"Hz, a whole number from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}")


def _check_normalise(value: str) -> None:
    _check("normalise", value, value in NORMALISATIONS, f"one of {', '.join(NORMALISATIONS)}")


def _check_trim(value: float) -> None:
    good = _is_real(value) and 0 <= value < 1
    _check("trim_below", value, good, "a fraction of full scale, 0 <= trim_below < 1")


def _check_row(samples: Samples) -> None:
    good = samples.ndim == 1 and len(samples) >= 1
    _check("samples.shape", samples.shape, good, "one row of at least one sample")

"""From a clip to the windows that a network is given: trim, cut, normalise.

Silence inside a clip is not treated specially: a window without sound stays a window, and its
zeros stay zeros. So does a file that is silent throughout, or whose two channels cancel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..checks import check, check_row, is_whole
from .audio import AudioSettings, check_normalise, check_trim
from .samples import Samples

RMS_FLOOR = 1e-4
"""Windows quieter than this (-80 dB of full scale, 3 steps of 16 bits) are not made louder than
1 / RMS_FLOOR would: dither and digital silence stay near zero instead of filling the scale."""

_SCAN_SAMPLES = 2**16


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
    check_trim(below)
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
    check_row(samples)
    whole = is_whole(window_samples) and window_samples >= 1
    check("window_samples", window_samples, whole, "a whole number >= 1")
    inside = is_whole(hop_samples) and 1 <= hop_samples <= window_samples
    check("hop_samples", hop_samples, inside, f"1 to window_samples = {window_samples}")
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
    check_normalise(how)
    check("windows.ndim", windows.ndim, windows.ndim == 2, "2 (n_windows, window_samples)")
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
    check_row(samples)
    trimmed = trim_silence(samples, settings.trim_below)
    windows = cut_windows(trimmed, settings.window_samples, settings.hop_samples)
    return normalise_windows(windows, settings.normalise)


def window_blocks(samples: Samples, settings: AudioSettings, n_at_once: int) -> Iterator[Samples]:
    """Yield the rows of `clip_windows`, bit for bit, at most `n_at_once` >= 1 in each block.

    Only one block is in memory at a time, however long the clip.

    Raises: as `clip_windows`, when the first block is asked for.
    """
    check_row(samples)
    check("n_at_once", n_at_once, is_whole(n_at_once) and n_at_once >= 1, "a whole number >= 1")
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

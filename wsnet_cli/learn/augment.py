"""How a clip is varied while training. All randomness comes from the generator that is passed in.

Sources: between-class mixing, its gain-aware ratio and the division by the root of the energies:
Y. Tokozume, Y. Ushiku, T. Harada, Learning from Between-class Examples for Deep Sound Recognition,
ICLR 2018 (arXiv:1711.10282), section 3.2; here the gain is the root mean square instead of an
A-weighted spectrum, which would cost more than a small network. Padding by half a window, rescaling
by 1.25**U(-1, 1) and a gain of up to 6 dB: the same paper's standard and strong augmentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.config import AugmentConfig
from ..core.quant import Array
from ..core.windows import normalise_windows

CROP_TRIES = 5
"""Positions tried before a nearly silent crop is taken as it is."""
QUIET_CROP = 1e-2
"""A crop quieter than this fraction of its clip's root mean square holds no event."""


@dataclass(frozen=True)
class CropSource:
    """A clip without digital silence at its ends, of which only the parts asked for are read.

    Attributes:
        n_samples: its length.
        rms: its root mean square, float32.
        read: gives samples start..stop - 1, float32, for 0 <= start < stop <= n_samples.
    """

    n_samples: int
    rms: Array
    read: Callable[[int, int], Array]


def random_crop(
    clip: CropSource, window_samples: int, config: AugmentConfig, rng: np.random.Generator
) -> Array:
    """A window from a random place of a clip, stretched by a random factor.

    Args:
        clip: where to cut from.
        window_samples: samples to return.
        config: `shift` and `rescale` are used.
        rng: the source of randomness.

    Returns: [window_samples] float32; zeros where the window reaches beyond the clip.
    """
    factor = config.rescale ** rng.uniform(-1.0, 1.0) if config.rescale > 1 else 1.0
    n_source = max(2, round(window_samples * factor))
    margin = round(config.shift * n_source)
    first, last = -margin, clip.n_samples + margin - n_source
    if last < first:
        first, last = last, first
    floor = QUIET_CROP * clip.rms
    for _ in range(CROP_TRIES):
        crop = _cut(clip, int(rng.integers(first, last + 1)), n_source)
        if root_mean_square(crop) > floor:
            break
    return crop if n_source == window_samples else stretch(crop, window_samples)


def stretch(samples: Array, n_samples: int) -> Array:
    """Linear interpolation of [n] to [n_samples], first and last sample kept."""
    positions = np.linspace(0, len(samples) - 1, n_samples)
    below = np.minimum(positions.astype(np.int64), len(samples) - 2)
    part = (positions - below).astype(np.float32)
    out: Array = samples[below] * (1 - part) + samples[below + 1] * part
    return out


def mix_between_classes(first: Array, second: Array, ratio: Array) -> Array:
    """Mix rows so that `ratio` is the share of the first as it is heard.

    Args:
        first: [n, samples] float32.
        second: [n, samples] float32.
        ratio: [n] in [0, 1], the first row's share; a row at 0 or 1 is one part, unchanged.

    Returns: [n, samples] float32, of about the energy of its parts; the louder part is turned
        down so that `ratio` holds in loudness: p = 1 / (1 + g1/g2 * (1 - r)/r).
    """
    r = np.asarray(ratio, np.float64)
    gain = (root_mean_square(first) + 1e-9) / (root_mean_square(second) + 1e-9)
    # The same fraction without a division by r, so that both ends are exact.
    p = (r / (r + gain * (1 - r))).astype(np.float32)[:, np.newaxis]
    out: Array = (p * first + (1 - p) * second) / np.sqrt(p**2 + (1 - p) ** 2)
    return out


def finish_windows(
    windows: Array, normalise: str, config: AugmentConfig, rng: np.random.Generator
) -> Array:
    """Normalise as the model will, then vary level and polarity. Shape [n, samples] kept."""
    out = normalise_windows(windows, normalise)
    n = len(out)
    decibels = rng.uniform(-config.gain_db, config.gain_db, n)
    gain = 10 ** (decibels / 20)
    if config.polarity:
        gain *= rng.choice((-1.0, 1.0), n)
    varied: Array = out * gain.astype(np.float32)[:, np.newaxis]
    return varied


def root_mean_square(samples: Array) -> Array:
    """Root mean square of the last axis."""
    out: Array = np.sqrt(np.mean(np.square(samples), axis=-1))
    return out


def _cut(clip: CropSource, start: int, n: int) -> Array:
    out = np.zeros(n, np.float32)
    low, high = max(start, 0), min(start + n, clip.n_samples)
    if high > low:
        out[low - start : high - start] = clip.read(low, high)
    return out

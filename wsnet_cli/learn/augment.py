"""How a clip is varied while training. All randomness comes from the generator that is passed in.

Sources: between-class mixing, its gain-aware ratio and the division by the root of the energies:
Y. Tokozume, Y. Ushiku, T. Harada, Learning from Between-class Examples for Deep Sound Recognition,
ICLR 2018 (arXiv:1711.10282), section 3.2; here the gain is the root mean square instead of an
A-weighted spectrum, which would cost more than a small network. Padding by half a window, rescaling
by 1.25**U(-1, 1) and a gain of up to 6 dB: the same paper's standard and strong augmentation.
mixup: H. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018 (arXiv:1710.09412).

Windows are changed in place: new memory for each step would take longer than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.config import AugmentConfig
from ..core.quant import Array
from ..core.windows import RMS_FLOOR
from .stretch import make_stretch

CROP_TRIES = 5
"""Positions tried before a nearly silent crop is taken as it is."""
QUIET_CROP = 1e-2
"""A crop quieter than this fraction of its clip's root mean square holds no event."""


@dataclass(frozen=True)
class CropSource:
    """A clip without digital silence at its ends, of which only the parts asked for are read.

    Attributes:
        n_samples: its length.
        rms: its root mean square.
        read: writes samples start..start + len(out) - 1 into `out`, float32, all within the clip.
    """

    n_samples: int
    rms: float
    read: Callable[[int, Array], None]


class Cropper:
    """Cuts windows from random places of clips, each stretched by a random factor.

    Not for several threads at once: its memory is used again for every window.

    Args:
        window_samples: length of a window.
        config: `shift` and `rescale` are used.
    """

    def __init__(self, window_samples: int, config: AugmentConfig) -> None:
        self._config = config
        longest = max(2, round(window_samples * config.rescale))
        self._piece = np.empty(longest, np.float32)
        self._stretch = make_stretch(longest, window_samples)

    def crop(self, clip: CropSource, rng: np.random.Generator, out: Array) -> None:
        """Write a window [window_samples] into `out`; zeros where it reaches beyond the clip."""
        rescale = self._config.rescale
        factor = rescale ** rng.uniform(-1.0, 1.0) if rescale > 1 else 1.0
        n_source = max(2, round(len(out) * factor))
        piece = out if n_source == len(out) else self._piece[:n_source]
        margin = round(self._config.shift * n_source)
        first, last = sorted((-margin, clip.n_samples + margin - n_source))
        floor = QUIET_CROP * clip.rms
        for _ in range(CROP_TRIES):
            _cut(clip, int(rng.integers(first, last + 1)), piece)
            if root_mean_square(piece) > floor:
                break
        if piece is not out:
            self._stretch(piece, out)


def mix_between_classes(first: Array, second: Array, ratio: float) -> None:
    """Mix a window into the first so that `ratio` is the share of the first as it is heard.

    The result has about the energy of its parts; the louder part is turned down so that `ratio`
    holds in loudness: p = 1 / (1 + g1/g2 * (1 - r)/r).

    Args:
        first: [samples] float32; becomes the mix.
        second: [samples] float32; is overwritten.
        ratio: the first one's share, in [0, 1]; at 0 and 1 the mix is one part, unchanged.
    """
    gain = (root_mean_square(first) + 1e-9) / (root_mean_square(second) + 1e-9)
    # The same fraction without a division by r, so that both ends are exact.
    p = ratio / (ratio + gain * (1 - ratio))
    energy = math.sqrt(p**2 + (1 - p) ** 2)
    _add(first, second, p / energy, (1 - p) / energy)


def mix_up(first: Array, second: Array, ratio: float) -> None:
    """Mix a window into the first: ratio * first + (1 - ratio) * second. Arguments as above."""
    _add(first, second, ratio, 1 - ratio)


def add_noise(window: Array, noise: Array, snr_db: float) -> None:
    """Add noise that is `snr_db` below the window, both measured by root mean square.

    Args:
        window: [samples] float32; becomes the sum. A silent one stays silent.
        noise: [samples] float32; is overwritten. A silent one adds nothing.
        snr_db: level of the window over that of the noise as it is added, in dB.
    """
    level = root_mean_square(noise)
    if level > 0:
        _add(window, noise, 1.0, root_mean_square(window) / level * 10 ** (-snr_db / 20))


def finish_window(
    window: Array, normalise: str, config: AugmentConfig, rng: np.random.Generator
) -> None:
    """Normalise as the model will, then vary level and polarity.

    Args:
        window: [samples] float32; becomes the result.
        normalise: "rms" or "none", as in `core.windows.normalise_windows`.
        config: `gain_db` and `polarity` are used.
        rng: the source of randomness.
    """
    gain = 10 ** (rng.uniform(-config.gain_db, config.gain_db) / 20) if config.gain_db else 1.0
    if config.polarity and rng.random() < 0.5:
        gain = -gain
    if normalise == "rms":
        gain /= max(root_mean_square(window), RMS_FLOOR)
    if gain != 1:
        window *= np.float32(gain)


def root_mean_square(samples: Array) -> float:
    """Root mean square of [n] float32; n >= 1."""
    # Not np.dot, whose sums depend on the number of threads.
    return math.sqrt(float(np.einsum("i,i->", samples, samples)) / len(samples))


def _add(first: Array, second: Array, gain1: float, gain2: float) -> None:
    if gain1 != 1:
        first *= np.float32(gain1)
    second *= np.float32(gain2)
    first += second


def _cut(clip: CropSource, start: int, out: Array) -> None:
    low, high = max(start, 0), min(start + len(out), clip.n_samples)
    if high <= low:
        out[:] = 0
        return
    out[: low - start] = 0
    out[high - start :] = 0
    clip.read(low, out[low - start : high - start])

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

import numpy as np

from ...core.configuration.config import AugmentConfig
from ...core.quant import Array
from ...core.sound.windows import RMS_FLOOR
from .arithmetic import Arithmetic, CropSource, make_arithmetic, root_mean_square
from .random_filter import RandomFilter

CROP_TRIES = 5
"""Positions tried before a nearly silent crop is taken as it is."""
QUIET_CROP = 1e-2
"""A crop quieter than this fraction of its clip's root mean square holds no event."""


class Augmenter:
    """Cuts windows, mixes them, and varies them; not for several threads at once.

    A window is [window_samples] float32, and goes with its level: the root mean square.

    Args:
        window_samples: length of a window.
        config: how clips are varied.
        arithmetic: by which; None: the best there is.
    """

    def __init__(
        self, window_samples: int, config: AugmentConfig, arithmetic: Arithmetic | None = None
    ) -> None:
        self._config = config
        longest = max(2, round(window_samples * config.rescale))
        self._arithmetic = arithmetic or make_arithmetic(longest, window_samples)
        decibels = config.filter_db
        self._filter = RandomFilter(window_samples, decibels) if decibels else None

    def crop(self, clip: CropSource, rng: np.random.Generator, out: Array) -> float:
        """Write a window from a random place of a clip, stretched and filtered at random.

        Args:
            clip: where to cut from.
            rng: the source of randomness.
            out: becomes the window; zeros where it reaches beyond the clip.

        Returns: its level.
        """
        rescale = self._config.rescale
        factor = rescale ** rng.uniform(-1.0, 1.0) if rescale > 1 else 1.0
        n_source = max(2, round(len(out) * factor))
        margin = round(self._config.shift * n_source)
        first, last = sorted((-margin, len(clip.codes) + margin - n_source))
        level = 0.0
        for _ in range(CROP_TRIES):
            start = int(rng.integers(first, last + 1))
            level = self._arithmetic.crop(clip, start, n_source, out)
            if level > QUIET_CROP * clip.rms:
                break
        return self._filter.apply(out, rng) if self._filter else level

    def mix_between_classes(
        self, first: Array, level1: float, second: Array, level2: float, ratio: float
    ) -> float:
        """Mix a window into the first so that `ratio` is the share of the first as it is heard.

        The result has about the energy of its parts; the louder part is turned down so that `ratio`
        holds in loudness: p = 1 / (1 + g1/g2 * (1 - r)/r).

        Args:
            first: becomes the mix.
            level1: of the first.
            second: may be overwritten.
            level2: of the second.
            ratio: the first one's share, in [0, 1]; at 0 and 1 the mix is one part, unchanged.

        Returns: the mix's level.
        """
        gain = (level1 + 1e-9) / (level2 + 1e-9)
        # The same fraction without a division by r, so that both ends are exact.
        p = ratio / (ratio + gain * (1 - ratio))
        energy = math.sqrt(p**2 + (1 - p) ** 2)
        return self._arithmetic.add(first, p / energy, second, (1 - p) / energy)

    def mix_up(self, first: Array, second: Array, ratio: float) -> float:
        """Mix a window into the first: ratio * first + (1 - ratio) * second; return its level."""
        return self._arithmetic.add(first, ratio, second, 1 - ratio)

    def add_noise(self, window: Array, level: float, noise: Array, snr_db: float) -> float:
        """Add noise that is `snr_db` below the window, both measured by root mean square.

        Args:
            window: becomes the sum. A silent one stays silent.
            level: of the window.
            noise: may be overwritten. A silent one adds nothing.
            snr_db: level of the window over that of the noise as it is added, in dB.

        Returns: the sum's level.
        """
        noise_level = root_mean_square(noise)
        if noise_level == 0:
            return level
        gain = level / noise_level * 10 ** (-snr_db / 20)
        return self._arithmetic.add(window, 1.0, noise, gain)

    def finish(self, window: Array, level: float, normalise: str, rng: np.random.Generator) -> None:
        """Normalise a window as the model will, then vary level and polarity.

        Args:
            window: becomes the result.
            level: of the window.
            normalise: "rms" or "none", as in `core.sound.windows.normalise_windows`.
            rng: the source of randomness.
        """
        decibels = self._config.gain_db
        gain = 10 ** (rng.uniform(-decibels, decibels) / 20) if decibels else 1.0
        if self._config.polarity and rng.random() < 0.5:
            gain = -gain
        if normalise == "rms":
            gain /= max(level, RMS_FLOOR)
        if gain != 1:
            window *= np.float32(gain)

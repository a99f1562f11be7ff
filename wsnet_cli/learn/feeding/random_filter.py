"""Random frequency responses: what other rooms and microphones would have made of a clip.

Source: H. Nam, S.-H. Kim, Y.-H. Park, FilterAugment: An Acoustic Environmental Data Augmentation
Method, ICASSP 2022 (arXiv:2110.03282), its linear type: 3 to 5 bands between random frequencies, a
random gain in dB at each of their bounds, and straight lines between. Here it holds of samples
instead of spectrograms, and its frequencies are drawn in octaves instead of mel.
"""

from __future__ import annotations

import numpy as np

from ...core.quant import Array
from .arithmetic import root_mean_square

LEAST_BANDS, MOST_BANDS = 3, 5
OCTAVES = 7.0
"""Below half the sample rate; frequencies lower still have the gain of the lowest of these."""
_BLOCK = 1_024
"""Transforms of a multiple of it are fast whatever the length of the window."""


class RandomFilter:
    """Filters windows of one length, without delay.

    Args:
        n_samples: length of a window.
        decibels: gains are drawn from -decibels to decibels; >= 0.
    """

    def __init__(self, n_samples: int, decibels: float) -> None:
        self._n_padded = -(-n_samples // _BLOCK) * _BLOCK
        self._decibels = decibels
        shares = np.arange(1, self._n_padded // 2 + 1) / (self._n_padded // 2)
        self._octaves = np.concatenate([[-OCTAVES], np.log2(shares)])

    def apply(self, window: Array, rng: np.random.Generator) -> float:
        """Filter a window [n_samples] float32 in place; return its root mean square."""
        spectrum = np.fft.rfft(window, self._n_padded)
        spectrum *= self._gains(rng)
        window[:] = np.fft.irfft(spectrum, self._n_padded)[: len(window)]
        return root_mean_square(window)

    def _gains(self, rng: np.random.Generator) -> Array:
        """A gain for each frequency of the transform."""
        n_bands = int(rng.integers(LEAST_BANDS, MOST_BANDS + 1))
        inner = np.sort(rng.uniform(-OCTAVES, 0.0, n_bands - 1))
        bounds = np.concatenate([[-OCTAVES], inner, [0.0]])
        decibels = rng.uniform(-self._decibels, self._decibels, n_bands + 1)
        gains: Array = 10 ** (np.interp(self._octaves, bounds, decibels) / 20)
        return gains.astype(np.float32)

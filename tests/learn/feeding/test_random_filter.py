from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import AugmentConfig
from wsnet_cli.learn.feeding.arithmetic import CropSource
from wsnet_cli.learn.feeding.augment import Augmenter
from wsnet_cli.learn.feeding.random_filter import LEAST_BANDS, MOST_BANDS, OCTAVES, RandomFilter


def response_db(filter_: RandomFilter, n_samples: int, rng: Any) -> np.ndarray:
    """By an impulse in the middle of a window, whose level is that of all frequencies."""
    window = np.zeros(n_samples, np.float32)
    window[n_samples // 2] = 1
    filter_.apply(window, rng)
    return 20 * np.log10(np.abs(np.fft.rfft(window)))


class Dice:
    """A generator that draws what it is told."""

    def __init__(self, n_bands: int, inner: list[float], decibels: list[float]) -> None:
        self._n_bands, self._drawn = n_bands, [inner, decibels]

    def integers(self, low: int, high: int) -> int:
        assert (low, high) == (LEAST_BANDS, MOST_BANDS + 1)
        return self._n_bands

    def uniform(self, low: float, high: float, n: int) -> np.ndarray:
        drawn = self._drawn.pop(0)
        assert len(drawn) == n
        assert all(low <= value <= high for value in drawn)
        return np.array(drawn)


def test_response_by_hand() -> None:
    """Bounds 7, 4, 2 and 0 octaves below half the rate, of -6, 0, 6 and 2 dB."""
    n = 8_192
    found = response_db(RandomFilter(n, 6.0), n, Dice(3, [-2.0, -4.0], [-6.0, 0.0, 6.0, 2.0]))
    octaves = {-9: -6, -8: -6, -7: -6, -5.5: -3, -4: 0, -3: 3, -2: 6, -1: 4, 0: 2}
    for octave, decibels in octaves.items():
        assert found[round(2.0**octave * n / 2)] == pytest.approx(decibels, abs=0.05)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([1_024, 4_000, 30_225]), st.sampled_from([3.0, 12.0]))
def test_gains_stay_in_their_range_and_reach_into_it(seed: int, n: int, decibels: float) -> None:
    gains = RandomFilter(n, decibels)._gains(np.random.default_rng(seed))
    told = 20 * np.log10(gains)
    assert told.min() >= -decibels - 1e-3
    assert told.max() <= decibels + 1e-3
    assert np.ptp(told) > 0.1 * decibels


def test_filters_differ_and_are_made_again_by_the_same_seed() -> None:
    noise = np.random.default_rng(0).normal(size=3_000).astype(np.float32)
    filter_ = RandomFilter(3_000, 9.0)

    def filtered(seed: int) -> np.ndarray:
        window = noise.copy()
        level = filter_.apply(window, np.random.default_rng(seed))
        assert level == pytest.approx(np.sqrt(np.mean(window.astype(np.float64) ** 2)), rel=1e-5)
        return window

    np.testing.assert_array_equal(filtered(1), filtered(1))
    assert np.abs(filtered(1) - filtered(2)).max() > 0.1


def test_no_gain_changes_nothing_and_silence_stays_silent() -> None:
    window = np.random.default_rng(0).normal(size=1_500).astype(np.float32)
    kept = window.copy()
    RandomFilter(1_500, 0.0).apply(window, np.random.default_rng(0))
    np.testing.assert_allclose(window, kept, atol=1e-5)
    silent = np.zeros(1_500, np.float32)
    assert RandomFilter(1_500, 20.0).apply(silent, np.random.default_rng(0)) == 0
    assert not silent.any()


def test_sounds_stay_where_they_are() -> None:
    """Half of a clip that is digital silence gets hardly anything: there is no delay."""
    window = np.zeros(8_000, np.float32)
    window[:4_000] = np.random.default_rng(0).normal(size=4_000)
    RandomFilter(8_000, 6.0).apply(window, np.random.default_rng(3))
    assert np.square(window[4_200:7_800]).sum() < 1e-3 * np.square(window[:4_000]).sum()


@pytest.mark.parametrize("decibels", [0.0, 12.0])
def test_crops_are_filtered_where_it_is_asked_for(decibels: float) -> None:
    """White noise keeps a flat spectrum, or does not."""
    codes = np.random.default_rng(0).normal(0, 3_000, 40_000).astype(np.int16)
    source = CropSource(codes, 1 / 32_768, 3_000 / 32_768)
    config = AugmentConfig(rescale=1.0, shift=0.0, gain_db=0.0, polarity=False, filter_db=decibels)
    out = np.empty(32_000, np.float32)
    level = Augmenter(32_000, config).crop(source, np.random.default_rng(1), out)
    assert level == pytest.approx(np.sqrt(np.mean(out.astype(np.float64) ** 2)), rel=1e-5)
    power = np.abs(np.fft.rfft(out)) ** 2
    octaves = [power[16_000 >> o + 1 : 16_000 >> o].mean() for o in range(int(OCTAVES) - 1)]
    spread = 10 * np.log10(max(octaves) / min(octaves))
    assert spread < 1.5 if decibels == 0 else spread > 5

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soxr

from wsnet_cli.data.copies.correlate import (
    LEAST_DETAIL_IF_SURE,
    NOTHING,
    SAME_SOUND,
    agreement,
    agreement_anywhere,
)
from wsnet_cli.data.copies.fingerprint import RATE

from .planting import sounds

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal(3 * RATE).astype(np.float32)


@pytest.mark.parametrize("lag", [-700, -3, 0, 5, 1000])
def test_a_cut_clip_is_the_same_sound_at_its_lag(lag):
    first, second = NOISE[max(-lag, 0) :], NOISE[max(lag, 0) :]
    found = agreement(first, second, lag + 50)
    assert found.correlation == pytest.approx(1.0, abs=1e-3)
    assert found.lag == pytest.approx(lag, abs=0.01)
    assert found.is_same_sound


def test_a_lag_between_samples_is_found():
    finer = soxr.resample(NOISE[:RATE], RATE, 4 * RATE).astype(np.float32)
    smooth = soxr.resample(finer, 4 * RATE, 2 * RATE).astype(np.float32)
    found = agreement(smooth[0::2], smooth[1::2], 0)
    assert found.correlation > 0.97
    assert found.lag == pytest.approx(0.5, abs=0.13)


def test_noise_at_20_db_of_a_flat_spectrum_costs_what_it_must():
    other = np.random.default_rng(1).standard_normal(len(NOISE)).astype(np.float32)
    found = agreement(NOISE, NOISE + other / 10, 0)
    assert found.correlation == pytest.approx(1 / np.sqrt(1.01), abs=1e-3)


def test_strangers_do_not_agree():
    clips = sounds(20)
    for one, other in pairwise(clips):
        assert agreement_anywhere(one, other).correlation < SAME_SOUND


def test_tones_agree_but_say_nothing():
    times = np.arange(2 * RATE) / RATE
    hum = [np.sin(2 * np.pi * 50 * times + phase).astype(np.float32) for phase in (0.0, 1.0)]
    found = agreement(*hum, 0)
    assert found.correlation > 0.99
    assert found.detail < LEAST_DETAIL_IF_SURE
    assert not found.is_same_sound


def test_anywhere_finds_a_far_lag():
    assert agreement_anywhere(NOISE, NOISE[7000:]).lag == pytest.approx(7000, abs=0.01)


@pytest.mark.parametrize(
    ("first", "second", "lag"),
    [
        (NOISE, np.zeros(RATE, np.float32), 0),
        (NOISE, np.full(RATE, 0.5, np.float32)[:0], 0),
        (NOISE[:500], NOISE[:500], 0),
        (NOISE[:RATE], NOISE[:RATE], RATE * 2 // 3),
    ],
    ids=["silent", "empty", "too short", "overlap below half"],
)
def test_nothing_is_said_where_there_is_too_little(first, second, lag):
    assert agreement(first, second, lag) == NOTHING


def test_a_band_that_one_lacks_is_left_out():
    faded = (NOISE * np.hanning(len(NOISE))).astype(np.float32)
    spectrum = np.fft.rfft(faded)
    spectrum[len(spectrum) // 2 :] = 0
    low = np.fft.irfft(spectrum, len(faded)).astype(np.float32)
    assert agreement(faded, low, 0).correlation > 0.95
    assert np.corrcoef(faded, low)[0, 1] < 0.75

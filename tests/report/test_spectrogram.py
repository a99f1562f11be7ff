from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from wsnet_cli.report.spectrogram import (
    FLOOR_DB,
    N_BANDS,
    N_COLUMNS,
    mel_levels,
    spectrogram_png,
)

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> Any:
    return np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE).astype(np.float32)


def band_of(hertz: float) -> int:
    """By the definition of mel."""
    share = np.log10(1 + hertz / 700) / np.log10(1 + RATE / 2 / 700)
    return int(share * N_BANDS)


@pytest.mark.parametrize("hertz", [300.0, 1_000.0, 5_000.0])
def test_a_tone_is_a_line_in_its_band(hertz: float) -> None:
    levels = mel_levels(tone(hertz), RATE)
    assert abs(int(levels.mean(axis=1).argmax()) - band_of(hertz)) <= 1
    assert levels.max() == 0
    assert np.median(levels) < -30


def test_bands_hold_the_power_of_noise_evenly() -> None:
    noise = np.random.default_rng(0).normal(size=20 * RATE).astype(np.float32)
    mean = (10 ** (mel_levels(noise, RATE) / 10)).mean(axis=1)
    inner = mean[2:-2]  # a detrended spectrum has less at 0 Hz; the last band less at the end
    assert inner.max() / inner.min() < 1.3


def test_a_sound_begins_at_the_left() -> None:
    sound = np.concatenate((np.zeros(RATE, np.float32), tone(1_000)))
    columns = mel_levels(sound, RATE).max(axis=0)
    n = len(columns)
    assert (columns[: n // 2 - 10] == FLOOR_DB).all()
    assert (columns[n // 2 + 10 :] > -20).all()


@pytest.mark.parametrize("n", [1, 100, 1_024, 1_025, 5_000, 200_000])
def test_any_length_makes_a_picture_of_bounded_size(n: int) -> None:
    levels = mel_levels(np.random.default_rng(n).normal(size=n).astype(np.float32), RATE)
    assert levels.shape[0] == N_BANDS
    assert 1 <= levels.shape[1] <= 2 * N_COLUMNS
    assert np.isfinite(levels).all()
    assert levels.min() >= FLOOR_DB


def test_silence_is_dark() -> None:
    assert (mel_levels(np.zeros(5_000, np.float32), RATE) == FLOOR_DB).all()


def test_the_picture_shows_low_sounds_below_and_is_the_same_each_time() -> None:
    content = spectrogram_png(tone(300), RATE)
    picture = image.imread(io.BytesIO(content), format="png")
    brightness = picture[..., :3].sum(axis=(1, 2))
    assert brightness.argmax() > 0.6 * N_BANDS  # rows of a picture are counted from above
    assert content == spectrogram_png(tone(300), RATE)

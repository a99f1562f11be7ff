from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import AugmentConfig
from wsnet_cli.core.sound.windows import normalise_windows
from wsnet_cli.learn.feeding.arithmetic import CropSource
from wsnet_cli.learn.feeding.augment import Augmenter

PLAIN = AugmentConfig(rescale=1.0, shift=0.0, gain_db=0.0, polarity=False)


def rms(samples: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(np.square(samples, dtype=np.float64), axis=-1))


def random_crop(
    clip: np.ndarray, window_samples: int, config: AugmentConfig, rng: np.random.Generator
) -> np.ndarray:
    """The crop of a clip of floats, which need not be whole numbers."""
    scale = 1.0 if np.array_equal(clip, np.rint(clip)) else 2.0**-14
    out = np.full(window_samples, np.nan, np.float32)
    source = CropSource(np.rint(clip / scale).astype(np.int16), scale, float(rms(clip)))
    level = Augmenter(window_samples, config).crop(source, rng, out)
    assert level == pytest.approx(rms(out), rel=1e-5)
    return out


def mix_between_classes(first: np.ndarray, second: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Rows mixed each by itself, the arguments left alone."""
    mixed = first.copy()
    augmenter = Augmenter(first.shape[1], PLAIN)
    for row, other, share in zip(mixed, second.copy(), ratio.tolist(), strict=True):
        levels = float(rms(row)), float(rms(other))
        level = augmenter.mix_between_classes(row, levels[0], other, levels[1], share)
        assert level == pytest.approx(rms(row), rel=1e-5)
    return mixed


def finish_windows(
    windows: np.ndarray, normalise: str, config: AugmentConfig, rng: np.random.Generator
) -> np.ndarray:
    out = windows.copy()
    augmenter = Augmenter(windows.shape[1], config)
    for window in out:
        augmenter.finish(window, float(rms(window)), normalise, rng)
    return out


def tone(hz: float, n_samples: int, rate: float = 8_000) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n_samples) / rate).astype(np.float32)


# ---------------------------------------------------------------------- between-class mixing


def test_ratio_by_hand() -> None:
    """g1 = 1, g2 = 2, r = 1/2: p = 1 / (1 + 1/2) = 2/3; (2/3 + 2/3) / sqrt(5/9) = 4 / sqrt 5."""
    first, second = np.ones((1, 8), np.float32), np.full((1, 8), 2, np.float32)
    mixed = mix_between_classes(first, second, np.float32([0.5]))
    assert mixed == pytest.approx(np.full((1, 8), 4 / 5**0.5), rel=1e-6)
    # r = 1/4: p = 1 / (1 + 1/2 * 3) = 0.4; (0.4 + 1.2) / sqrt(0.16 + 0.36).
    mixed = mix_between_classes(first, second, np.float32([0.25]))
    assert mixed == pytest.approx(np.full((1, 8), 1.6 / 0.52**0.5), rel=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.01, 0.99), st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_mix_has_the_ratio_in_loudness_and_the_energy_of_its_parts(
    ratio: float, level1: float, level2: float
) -> None:
    """Parts that do not overlap in time can be told apart in the mix."""
    first, second = np.zeros((1, 400), np.float32), np.zeros((1, 400), np.float32)
    first[:, :200] = level1 * tone(400, 200)
    second[:, 200:] = level2 * tone(400, 200)
    mixed = mix_between_classes(first, second, np.float32([ratio]))
    loud1, loud2 = rms(mixed[0, :200]), rms(mixed[0, 200:])
    assert loud1 / (loud1 + loud2) == pytest.approx(ratio, rel=1e-3)
    quiet, loud = sorted((float(rms(first)[0]), float(rms(second)[0])))
    assert quiet * 0.999 <= float(rms(mixed)[0]) <= loud * 1.001


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_ratio_at_its_ends_leaves_one_part(ratio: float) -> None:
    first, second = tone(300, 64)[np.newaxis], tone(900, 64)[np.newaxis]
    mixed = mix_between_classes(first, second, np.float32([ratio]))
    assert np.array_equal(mixed, first if ratio else second)


@pytest.mark.parametrize("levels", [(0, 0), (0, 0.5), (0.5, 0), (1e4, 1e-3), (1e-3, 1e4)])
def test_silent_and_loud_parts_give_finite_windows(levels: tuple[float, float]) -> None:
    first, second = (np.full((1, 100), level, np.float32) for level in levels)
    mixed = mix_between_classes(first, second, np.float32([0.4]))
    finished = finish_windows(mixed, "rms", PLAIN, np.random.default_rng(0))
    assert np.isfinite(finished).all()
    assert mixed.dtype == finished.dtype == np.float32
    if min(levels) > 0:
        assert finished == pytest.approx(np.ones((1, 100)), rel=1e-5)


# ------------------------------------------------------------------------- mixup and noise


def test_mixup_adds_samples_by_hand() -> None:
    """0.25 * 4 + 0.75 * 8 = 7, whatever their levels."""
    first = np.float32([4, 0])
    level = Augmenter(2, PLAIN).mix_up(first, np.float32([8, -4]), 0.25)
    assert first.tolist() == [7, -3]
    assert level == pytest.approx(29**0.5)


@settings(deadline=None, max_examples=50)
@given(st.floats(-30, 60), st.floats(1e-4, 1), st.floats(1e-4, 1))
def test_noise_is_as_far_below_the_window_as_asked(
    snr_db: float, level1: float, level2: float
) -> None:
    """Measured against the sum: what was added is the sum less the window."""
    rng = np.random.default_rng(0)
    window = (level1 * rng.standard_normal(500)).astype(np.float32)
    noise = (level2 * rng.uniform(-1, 1, 500)).astype(np.float32)
    noisy = window.copy()
    level = Augmenter(500, PLAIN).add_noise(noisy, float(rms(window)), noise.copy(), snr_db)
    assert level == pytest.approx(rms(noisy), rel=1e-5)
    added = noisy.astype(np.float64) - window
    assert 20 * np.log10(rms(window) / rms(added)) == pytest.approx(snr_db, abs=0.2)
    assert np.corrcoef(added, noise)[0, 1] > 0.99


def test_silent_windows_get_no_noise_and_silent_noise_adds_nothing() -> None:
    silent, sound = np.zeros(50, np.float32), tone(400, 50)
    augmenter = Augmenter(50, PLAIN)
    window = silent.copy()
    assert augmenter.add_noise(window, 0.0, sound.copy(), 0.0) == 0
    assert not window.any()
    window = sound.copy()
    assert augmenter.add_noise(window, 0.7, silent.copy(), 0.0) == 0.7
    assert np.array_equal(window, sound)


# -------------------------------------------------------------------------------- random_crop


def test_crop_of_a_long_clip_is_a_part_of_it_from_anywhere() -> None:
    clip = np.arange(1, 101, dtype=np.float32)
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(1_000):
        crop = random_crop(clip, 80, PLAIN, rng)
        assert np.array_equal(crop, clip[int(crop[0]) - 1 :][:80])
        starts.add(int(crop[0]))
    assert starts == set(range(1, 22))


def test_crop_of_a_short_clip_holds_all_of_it_between_zeros() -> None:
    clip = np.arange(1, 11, dtype=np.float32)
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(300):
        crop = random_crop(clip, 16, PLAIN, rng)
        start = int(np.argmax(crop == 1))
        assert np.array_equal(crop, np.pad(clip, (start, 6 - start)))
        starts.add(start)
    assert starts == set(range(7))


@pytest.mark.parametrize("n_clip", [100, 20])
def test_shift_puts_silence_of_its_share_of_the_window_at_either_end(n_clip: int) -> None:
    clip = np.ones(n_clip, np.float32)
    config = AugmentConfig(rescale=1.0, shift=0.25)
    rng = np.random.default_rng(0)
    crops = np.stack([random_crop(clip, 20, config, rng) for _ in range(1_000)])
    leading = np.argmax(crops != 0, axis=1)
    trailing = np.argmax(crops[:, ::-1] != 0, axis=1)
    assert (leading.max(), trailing.max()) == (5, 5)
    assert set(np.unique(crops)) == {0.0, 1.0}


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 200),
    st.integers(1, 100),
    st.floats(1, 4),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_crop_has_the_length_of_the_window_whatever_the_clip(
    n_clip: int, n_window: int, rescale: float, shift: float, seed: int
) -> None:
    clip = np.random.default_rng(seed).uniform(0.5, 1, n_clip).astype(np.float32)
    config = AugmentConfig(rescale=rescale, shift=shift)
    crop = random_crop(clip, n_window, config, np.random.default_rng(seed))
    assert (crop.shape, crop.dtype) == ((n_window,), np.float32)
    assert np.isfinite(crop).all()
    assert crop.min() >= 0
    assert crop.max() <= 1 + 1e-6


def test_rescale_covers_its_range_evenly_in_logarithm() -> None:
    """A tone's period tells the factor: factors of 2 ** U(-1, 1) have the median 1."""
    clip = tone(200, 8_000)
    config = AugmentConfig(rescale=2.0, shift=0.0)
    rng = np.random.default_rng(0)
    factors = []
    for _ in range(300):
        crop = random_crop(clip, 2_000, config, rng)
        crossings = np.flatnonzero(np.diff(np.signbit(crop)))
        factors.append(np.mean(np.diff(crossings)))
    factors = 20 / np.array(factors)
    assert (factors.min(), factors.max()) == pytest.approx((0.5, 2.0), rel=0.03)
    assert np.median(factors) == pytest.approx(1.0, rel=0.15)
    assert np.mean(np.abs(np.log2(factors)) < 0.5) == pytest.approx(0.5, abs=0.1)


def test_nearly_silent_crops_are_tried_again() -> None:
    """The event is met by 1 crop in 6; by five tries in 60 of 100."""
    clip = np.full(1_000, 1e-6, np.float32)
    clip[500:550] = 1.0
    rng = np.random.default_rng(0)
    hits = [random_crop(clip, 100, PLAIN, rng).max() == 1 for _ in range(500)]
    assert 0.5 < np.mean(hits) < 0.7


def test_silent_clip_gives_silence() -> None:
    config = AugmentConfig()
    crop = random_crop(np.zeros(50, np.float32), 80, config, np.random.default_rng(0))
    assert crop.tolist() == [0.0] * 80
    windows = finish_windows(crop[np.newaxis], "rms", config, np.random.default_rng(0))
    assert np.array_equal(np.abs(windows), np.zeros((1, 80), np.float32))


# ----------------------------------------------------------------------------- finish_windows


def test_finished_windows_vary_in_level_and_polarity_alone() -> None:
    windows = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32) * 0.01
    config = AugmentConfig(gain_db=6.0, polarity=True)
    out = finish_windows(windows, "rms", config, np.random.default_rng(1))
    unit = windows / rms(windows)[:, np.newaxis]
    gain = out[:, 0] / unit[:, 0]
    assert out == pytest.approx(unit * gain[:, np.newaxis], rel=1e-4)
    decibels = 20 * np.log10(np.abs(gain))
    assert (decibels.min(), decibels.max()) == pytest.approx((-6, 6), abs=0.1)
    assert np.mean(gain < 0) == pytest.approx(0.5, abs=0.1)
    assert abs(np.mean(decibels)) < 0.5
    assert (out.shape, out.dtype) == (windows.shape, np.float32)


def test_windows_are_left_alone_where_all_is_off() -> None:
    windows = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32)
    out = finish_windows(windows, "none", PLAIN, np.random.default_rng(1))
    assert np.array_equal(out, windows)
    upright = AugmentConfig(gain_db=6.0, polarity=False)
    assert np.all(finish_windows(windows, "none", upright, np.random.default_rng(1)) * windows >= 0)


def test_windows_are_normalised_as_the_model_does() -> None:
    rng = np.random.default_rng(0)
    levels = np.float32([[1e-6], [1e-4], [0.1], [3.0]])
    windows = levels * rng.standard_normal((4, 3_000)).astype(np.float32)
    out = finish_windows(windows, "rms", PLAIN, rng)
    assert out == pytest.approx(normalise_windows(windows, "rms"), rel=1e-5)

"""Trimming, cutting and normalising, alone and together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.core.sound.windows import (
    RMS_FLOOR,
    clip_windows,
    cut_windows,
    normalise_windows,
    trim_silence,
    window_blocks,
)

# --------------------------------------------------------------------------------- trimming


def test_only_silence_at_the_ends_is_trimmed() -> None:
    samples = np.float32([0, 9e-5, -1e-4, 0, 0, 0.5, 5e-5, 0])
    trimmed = trim_silence(samples, np.float32(1e-4))
    assert trimmed.tolist() == samples[2:6].tolist()
    assert np.shares_memory(trimmed, samples)
    assert trim_silence(samples, 0.0).tolist() == samples.tolist()
    assert trim_silence(samples, 0.9).tolist() == samples.tolist()
    with pytest.raises(ParameterError, match="trim_below = 2; expected a fraction"):
        trim_silence(samples, 2)


@given(
    st.integers(0, 200_000), st.integers(0, 200_000), st.integers(1, 10), st.sampled_from([1, -1])
)
@settings(deadline=None, max_examples=25)
def test_trimming_finds_the_ends_however_long_the_silence(
    n_before: int, n_after: int, n_sound: int, sign: int
) -> None:
    sound = np.full(n_sound, 0.1 * sign, np.float32)
    trimmed = trim_silence(np.pad(sound, (n_before, n_after)), 1e-4)
    assert np.array_equal(trimmed, sound)


# ---------------------------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("n_samples", "window", "hop", "expected"),
    [
        (4, 4, 2, [[1, 2, 3, 4]]),
        (6, 4, 2, [[1, 2, 3, 4], [3, 4, 5, 6]]),
        (7, 4, 2, [[1, 2, 3, 4], [3, 4, 5, 6], [4, 5, 6, 7]]),
        (5, 4, 4, [[1, 2, 3, 4], [2, 3, 4, 5]]),
        (3, 4, 1, [[1, 2, 3, 0]]),
        (2, 4, 1, [[0, 1, 2, 0]]),
        (1, 4, 4, [[0, 1, 0, 0]]),
        (2, 7, 3, [[0, 0, 1, 2, 0, 0, 0]]),
        (3, 1, 1, [[1], [2], [3]]),
    ],
)
def test_windows_by_hand(n_samples: int, window: int, hop: int, expected: list[list[int]]) -> None:
    samples = np.arange(1, n_samples + 1, dtype=np.float32)
    assert cut_windows(samples, window, hop).tolist() == expected


@given(st.integers(1, 300), st.integers(1, 80), st.data())
@settings(deadline=None, max_examples=200)
def test_windows_hold_every_sample_and_no_others(
    n_samples: int, window: int, data: st.DataObject
) -> None:
    hop = data.draw(st.integers(1, window))
    samples = np.arange(1, n_samples + 1, dtype=np.float32)
    windows = cut_windows(samples, window, hop)
    assert windows.shape[1] == window
    assert windows.dtype == np.float32
    if n_samples < window:
        assert len(windows) == 1
        before, after = np.flatnonzero(windows[0])[[0, -1]]
        assert before == (window - n_samples) // 2
        assert window - 1 - after - before in (0, 1)
        assert windows[0][before : after + 1].tolist() == samples.tolist()
        return
    assert np.array_equal(np.unique(windows), samples)
    starts = windows[:, 0].astype(int) - 1
    assert np.array_equal(windows, samples[starts[:, None] + np.arange(window)])
    assert starts[:-1].tolist() == [i * hop for i in range(len(starts) - 1)]
    assert starts[-1] == n_samples - window
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= hop).all()


def test_windows_are_a_view_where_no_tail_is_left() -> None:
    samples = np.zeros(1_000, np.float32)
    assert np.shares_memory(cut_windows(samples, 100, 50), samples)


@pytest.mark.parametrize(
    ("shape", "window", "hop", "said"),
    [
        ((0,), 4, 2, r"samples.shape = \(0,\); expected one row of at least one sample"),
        ((2, 9), 4, 2, r"samples.shape = \(2, 9\); expected one row"),
        ((9,), 0, 1, "window_samples = 0; expected a whole number >= 1"),
        ((9,), 4, 5, "hop_samples = 5; expected 1 to window_samples = 4"),
        ((9,), 4, 0, "hop_samples = 0; expected 1 to window_samples = 4"),
    ],
)
def test_impossible_windows_are_refused(
    shape: tuple[int, ...], window: int, hop: int, said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        cut_windows(np.zeros(shape, np.float32), window, hop)


# ------------------------------------------------------------------------------ normalisation


def test_windows_get_an_rms_of_one_each_by_itself() -> None:
    windows = np.float32([[3, -4, 0, 0], [0.003, -0.004, 0, 0], [0, 0, 0, 0]])
    result = normalise_windows(windows, "rms")
    assert result.dtype == np.float32
    assert np.allclose(result[0], [1.2, -1.6, 0, 0], rtol=1e-6)  # rms = 5 / 2
    assert np.allclose(result[1], result[0], rtol=1e-5)
    assert result[2].tolist() == [0, 0, 0, 0]


def test_windows_under_the_floor_are_not_blown_up() -> None:
    quiet = np.full((1, 100), RMS_FLOOR / 10, np.float32)
    assert np.allclose(normalise_windows(quiet, "rms"), 0.1)
    exact = np.full((1, 100), RMS_FLOOR, np.float32)
    assert np.allclose(normalise_windows(exact, "rms"), 1.0)


@given(st.integers(1, 400), st.floats(1e-3, 3e38), st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_loudness_does_not_matter_and_neighbours_neither(
    n_samples: int, level: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    windows = (rng.choice([-1, 1], (5, n_samples)) * level).astype(np.float32)
    together = normalise_windows(windows, "rms")
    assert np.allclose(np.sqrt(np.mean(np.square(together, dtype=np.float64), axis=1)), 1)
    for index in range(5):
        alone = normalise_windows(windows[index : index + 1], "rms")
        assert np.array_equal(alone[0], together[index])


@pytest.mark.parametrize("n", [1, 7, 128, 129, 8_191, 8_193, 30_225])
def test_the_root_mean_square_is_that_of_float64(n: int) -> None:
    """Bit for bit what the definition gives, for overlapping windows of any loudness."""
    samples = np.random.default_rng(n).standard_normal(3 * n).astype(np.float32) * np.float32(7e-5)
    windows = np.lib.stride_tricks.sliding_window_view(samples, n)[:: max(1, n // 2)]
    for window, found in zip(windows, normalise_windows(windows, "rms"), strict=True):
        rms = np.sqrt(np.mean(window.astype(np.float64) ** 2))
        assert np.array_equal(found, window / np.float32(max(rms, RMS_FLOOR)))


def test_none_leaves_windows_alone() -> None:
    windows = np.ones((2, 3), np.float32)
    assert normalise_windows(windows, "none") is windows
    with pytest.raises(ParameterError, match="normalise = 'max'; expected one of rms, none"):
        normalise_windows(windows, "max")
    with pytest.raises(ParameterError, match=r"windows\.ndim = 1; expected 2"):
        normalise_windows(windows[0], "rms")


# -------------------------------------------------------------------------------- whole clips


def test_a_clip_is_trimmed_then_cut_then_normalised() -> None:
    settings = AudioSettings(1_000, window_s=0.004, hop_s=0.002)
    clip = np.float32([0, 0, 3, 4, 3, 4, 3, 4, 0])
    rms = np.sqrt(12.5)
    expected = np.array([[3, 4, 3, 4], [3, 4, 3, 4]]) / rms
    assert np.allclose(clip_windows(clip, settings), expected)
    kept = AudioSettings(1_000, 0.004, 0.002, normalise="none", trim_below=0.0)
    assert clip_windows(clip, kept).tolist() == [
        [0, 0, 3, 4], [3, 4, 3, 4], [3, 4, 3, 4], [4, 3, 4, 0],
    ]  # fmt: skip


def test_silence_inside_a_clip_stays_a_window_of_zeros() -> None:
    settings = AudioSettings(1_000, window_s=0.1, hop_s=0.1)
    clip = np.concatenate([np.ones(100), np.zeros(100), np.ones(100)]).astype(np.float32)
    windows = clip_windows(clip, settings)
    assert windows.mean(axis=1).tolist() == [1, 0, 1]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 400),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 9),
    st.sampled_from(["rms", "none"]),
)
def test_blocks_hold_the_windows_of_the_clip(
    n_samples: int, window: int, hop: int, n_at_once: int, normalise: str
) -> None:
    audio = AudioSettings(1_000, window / 1_000, min(hop, window) / 1_000, normalise)
    clip = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    clip[: n_samples // 5] = 0
    blocks = list(window_blocks(clip, audio, n_at_once))
    assert np.array_equal(np.concatenate(blocks), clip_windows(clip, audio))
    assert {len(block) for block in blocks[:-1]} <= {n_at_once}
    assert 1 <= len(blocks[-1]) <= n_at_once
    assert {block.dtype for block in blocks} == {np.dtype(np.float32)}


@pytest.mark.parametrize("n_at_once", [0, 1.5])
def test_blocks_of_no_windows_and_empty_clips_are_refused(n_at_once: float) -> None:
    audio = AudioSettings(1_000, 0.004, 0.002)
    with pytest.raises(ParameterError, match=r"n_at_once = .*; expected a whole number >= 1"):
        next(window_blocks(np.ones(9, np.float32), audio, n_at_once))
    with pytest.raises(ParameterError, match="expected one row of at least one sample"):
        next(window_blocks(np.zeros(0, np.float32), audio, 1))

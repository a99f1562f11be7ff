from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core import audio
from wsnet_cli.core.audio import (
    AUDIO_SUFFIXES,
    RMS_FLOOR,
    AudioSettings,
    clip_windows,
    cut_windows,
    looks_like_audio,
    normalise_windows,
    read_audio,
    read_blocks,
    resample,
    trim_silence,
    window_blocks,
)
from wsnet_cli.core.errors import AudioError, ParameterError

TARGET = 16_000


def tone(
    frequency_hz: float, rate: int, seconds: float = 1.0, amplitude: float = 0.5
) -> np.ndarray:
    time_s = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


# ---------------------------------------------------------------------------------- settings


def test_settings_count_samples_with_halves_rounded_up() -> None:
    settings = AudioSettings(44_100, window_s=1.5, hop_s=0.25)
    assert (settings.window_samples, settings.hop_samples) == (66_150, 11_025)
    assert AudioSettings(1_000, window_s=0.0025, hop_s=0.0015).window_samples == 3
    assert AudioSettings(1_000, window_s=0.0025, hop_s=0.0015).hop_samples == 2
    assert AudioSettings(1_000, window_s=1e-9, hop_s=1e-9).hop_samples == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sample_rate", 999, "sample_rate = 999; expected Hz, a whole number from 1000 to 192000"),
        ("sample_rate", 192_001, "sample_rate = 192001; expected Hz"),
        ("sample_rate", 16e3, "sample_rate = 16000.0; expected Hz, a whole number"),
        ("sample_rate", True, "sample_rate = True; expected Hz"),
        ("window_s", 0.0, "window_s = 0.0; expected seconds > 0 and <= 3600"),
        ("window_s", float("nan"), "window_s = nan; expected seconds > 0"),
        ("window_s", 3_601, "window_s = 3601; expected seconds > 0 and <= 3600"),
        ("window_s", "1", "window_s = '1'; expected seconds"),
        ("hop_s", 0, "hop_s = 0; expected seconds > 0 and <= window_s = 1.0"),
        ("hop_s", 1.1, "hop_s = 1.1; expected seconds > 0 and <= window_s = 1.0"),
        ("normalise", "peak", "normalise = 'peak'; expected one of rms, none"),
        ("trim_below", -1e-9, "trim_below = -1e-09; expected a fraction of full scale"),
        ("trim_below", 1.0, "trim_below = 1.0; expected a fraction of full scale"),
        ("trim_below", float("nan"), "trim_below = nan; expected a fraction of full scale"),
    ],
)
def test_settings_out_of_range_are_refused(field: str, value: object, said: str) -> None:
    good = {"sample_rate": 16_000, "window_s": 1.0, "hop_s": 0.5}
    with pytest.raises(ParameterError, match=said):
        AudioSettings(**{**good, field: value})  # type: ignore[arg-type]


def test_suffixes_are_matched_in_any_case() -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO_SUFFIXES)
    assert {".wav", ".flac", ".ogg", ".mp3", ".aiff"} <= AUDIO_SUFFIXES
    assert looks_like_audio("a/b.WaV")
    assert looks_like_audio(b"caf\xe9.Flac")
    assert looks_like_audio(Path("a.tar.mp3"))
    assert not looks_like_audio("wav")
    assert not looks_like_audio("a.wav/notes.txt")
    assert not looks_like_audio("a.wav.part")


# -------------------------------------------------------------------------- reading, resampling


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_tone_keeps_pitch_phase_and_energy_from_every_rate(
    rate: int, name: str, tmp_path: Path
) -> None:
    sf.write(tmp_path / name, tone(1_000, rate), rate, subtype="PCM_16")
    samples, got = read_audio(tmp_path / name, sample_rate=TARGET)
    assert got == TARGET
    assert len(samples) == TARGET
    spectrum = np.abs(np.fft.rfft(samples))  # bins of 1 Hz
    assert abs(int(spectrum.argmax()) - 1_000) <= 1
    middle = slice(1_000, -1_000)  # away from the onset, which rings
    # -70 dB of full scale: the filter's pass band plus 16-bit rounding
    assert np.abs(samples - tone(1_000, TARGET))[middle].max() < 3e-4
    assert np.mean(samples[middle] ** 2) == pytest.approx(0.5**2 / 2, rel=1e-3)


@pytest.mark.parametrize("frequency_hz", [8_800, 12_000, 15_000, 20_000])
def test_what_lies_above_the_new_band_is_gone(frequency_hz: int) -> None:
    samples = resample(tone(frequency_hz, 48_000, amplitude=1.0), 48_000, TARGET)
    rms = np.sqrt(np.mean(samples[1_000:-1_000] ** 2))
    assert 20 * np.log10(rms / np.sqrt(0.5)) < -60


@pytest.mark.parametrize("to_rate", [8_000, 44_100])
@pytest.mark.parametrize("block_samples", [64, 1_000, 2**18])
def test_resampling_in_blocks_equals_resampling_at_once(
    to_rate: int, block_samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soxr

    noise = np.random.default_rng(0).standard_normal(10_007).astype(np.float32)
    sf.write(tmp_path / "a.wav", noise, TARGET, subtype="FLOAT")
    expected = soxr.resample(noise, TARGET, to_rate, quality="HQ")
    monkeypatch.setattr(audio, "BLOCK_SAMPLES", block_samples)
    monkeypatch.setattr("wsnet_cli.core.decode.BLOCK_SAMPLES", block_samples)
    assert np.array_equal(resample(noise, TARGET, to_rate), expected)
    assert np.array_equal(read_audio(tmp_path / "a.wav", sample_rate=to_rate)[0], expected)
    pieces = list(read_blocks(tmp_path / "a.wav", sample_rate=to_rate))
    assert np.array_equal(np.concatenate(pieces), expected)
    assert resample(noise, TARGET, TARGET) is noise


@pytest.mark.parametrize("n_samples", [1, 2, 3, 10])
def test_the_shortest_clip_still_gives_a_sample(n_samples: int, tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.full(n_samples, 0.5), 192_000)
    samples, _ = read_audio(tmp_path / "a.wav", sample_rate=1_000)
    assert len(samples) == 1
    assert np.isfinite(samples).all()


def test_what_was_read_can_be_written_to(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(440, TARGET), TARGET)
    samples, _ = read_audio(tmp_path / "a.wav")
    samples[0] = 1.0
    assert samples.dtype == np.float32


def test_wrong_rates_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="sample_rate = 0; expected Hz"):
        read_audio(tmp_path / "not opened.wav", sample_rate=0)
    with pytest.raises(ParameterError, match="sample_rate = 200000; expected Hz"):
        next(read_blocks(tmp_path / "not opened.wav", sample_rate=200_000))
    with pytest.raises(AudioError, match=r"none\.wav: does not exist"):
        next(read_blocks(tmp_path / "none.wav", sample_rate=TARGET))
    with pytest.raises(ParameterError, match="to_rate = -1; expected Hz, a whole number > 0"):
        resample(np.zeros(4, np.float32), 8_000, -1)
    with pytest.raises(ParameterError, match=r"samples.shape = \(0,\); expected one row"):
        resample(np.zeros(0, np.float32), 8_000, 16_000)


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


@pytest.mark.parametrize("kind", ["silence", "opposite channels", "constant", "one sample", "huge"])
@pytest.mark.parametrize("normalise", ["rms", "none"])
def test_odd_clips_give_finite_windows(kind: str, normalise: str, tmp_path: Path) -> None:
    left = {"constant": np.full(9_000, 0.25), "huge": np.full(9_000, 2.0**31)}.get(
        kind, tone(9, 9_000)
    )
    if kind == "silence":
        left = np.zeros(9_000)
    right = -left if kind == "opposite channels" else left
    n_kept = 1 if kind == "one sample" else None
    clip = np.stack([left, right], axis=1)[:n_kept]
    sf.write(tmp_path / "a.wav", clip, 44_100, subtype="FLOAT")
    settings = AudioSettings(TARGET, window_s=1.0, hop_s=0.5, normalise=normalise)
    samples, _ = read_audio(tmp_path / "a.wav", sample_rate=TARGET)
    windows = clip_windows(samples, settings)
    assert windows.shape == (1, TARGET)
    assert np.isfinite(windows).all()
    if kind in ("silence", "opposite channels", "one sample"):
        assert not windows.any()
    else:
        assert windows.any()


def test_importing_costs_numpy_only() -> None:
    code = (
        "import sys, wsnet_cli.core.audio\n"
        "assert 'numpy' in sys.modules\n"
        "print([m for m in ('soundfile', 'soxr', 'cffi', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

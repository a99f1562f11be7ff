from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.errors import AudioError, ParameterError
from wsnet_cli.core.sound.audio import (
    AUDIO_SUFFIXES,
    AudioSettings,
    looks_like_audio,
    read_audio,
    read_blocks,
)
from wsnet_cli.core.sound.resampling import resample
from wsnet_cli.core.sound.windows import (
    clip_windows,
)

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
        "import sys, wsnet_cli.core.sound.audio\n"
        "assert 'numpy' in sys.modules\n"
        "print([m for m in ('soundfile', 'soxr', 'cffi', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

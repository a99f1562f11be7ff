from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.sound import resampling
from wsnet_cli.core.sound.audio import read_audio, read_blocks
from wsnet_cli.core.sound.resampling import resample, resample_blocks

TARGET = 16_000


@pytest.mark.parametrize("frequency_hz", [8_800, 12_000, 15_000, 20_000])
def test_what_lies_above_the_new_band_is_gone(frequency_hz: int) -> None:
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(48_000) / 48_000).astype(np.float32)
    samples = resample(tone, 48_000, TARGET)
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
    monkeypatch.setattr(resampling, "_BLOCK_SAMPLES", block_samples)
    monkeypatch.setattr("wsnet_cli.core.sound.decode.BLOCK_SAMPLES", block_samples)
    assert np.array_equal(resample(noise, TARGET, to_rate), expected)
    assert np.array_equal(read_audio(tmp_path / "a.wav", sample_rate=to_rate)[0], expected)
    pieces = list(read_blocks(tmp_path / "a.wav", sample_rate=to_rate))
    assert np.array_equal(np.concatenate(pieces), expected)
    assert resample(noise, TARGET, TARGET) is noise


@pytest.mark.parametrize("to_rate", [8_000, 16_000, 20_000])
@pytest.mark.parametrize("from_rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_samples_come_out_soon_after_they_went_in(from_rate: int, to_rate: int) -> None:
    """Within 0.2 s, as the pages say of streams that are still being recorded."""
    came = 0

    def blocks() -> Iterator[np.ndarray]:
        for number in range(300):
            if number > 100:
                assert number / 100 - came / to_rate < 0.2
            yield np.zeros(from_rate // 100, np.float32)

    for block in resample_blocks(blocks(), from_rate, to_rate):
        came += len(block)

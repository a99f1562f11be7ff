from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile

from wsnet_cli.report.embed import MP3_RATES, encode_sound


def decoded(uri: str) -> tuple[np.ndarray, int]:
    content = base64.b64decode(uri.partition(",")[2], validate=True)
    return soundfile.read(io.BytesIO(content), dtype="float32")


def tone(rate: int, seconds: float = 1.0) -> np.ndarray:
    times = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


def pitch(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * rate / len(samples))


@pytest.mark.skipif(
    "MP3" not in soundfile.available_formats(), reason="this libsndfile writes no MP3"
)
@pytest.mark.parametrize("rate", [4_000, 16_000, 20_000, 44_100])
def test_a_sound_is_mp3_at_a_rate_that_it_knows(rate: int) -> None:
    sound = encode_sound(tone(rate), rate)
    samples, rate_then = decoded(sound.uri)
    assert sound.format == "MP3"
    assert sound.uri.startswith("data:audio/mpeg;base64,")
    assert rate_then == min(known for known in MP3_RATES if known >= rate)
    assert pitch(samples, rate_then) == pytest.approx(440, abs=2)
    assert len(samples) / rate_then == pytest.approx(1, abs=0.2)
    loud, _ = decoded(encode_sound(4 * tone(rate), rate).uri)
    assert 0.9 < np.abs(loud).max() < 1.4  # clipped, not twice as loud as it may be


@pytest.mark.parametrize("without_mp3", [False, True])
def test_other_sounds_are_flac_to_the_sample(
    without_mp3: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = 96_000
    if without_mp3:
        monkeypatch.setattr(soundfile, "available_formats", lambda: {"FLAC": "FLAC"})
        rate = 20_000
    loud = 4 * tone(rate)
    sound = encode_sound(loud, rate)
    samples, rate_then = decoded(sound.uri)
    assert (sound.format, rate_then) == ("FLAC", rate)
    assert np.abs(samples - np.clip(loud, -1, 1)).max() < 1e-4


def test_equal_sounds_are_equal_bytes() -> None:
    assert encode_sound(tone(20_000), 20_000) == encode_sound(tone(20_000), 20_000)


@pytest.mark.parametrize("n", [1, 2, 100])
def test_very_short_sounds_can_be_heard(n: int) -> None:
    samples, _ = decoded(encode_sound(np.full(n, 0.1, np.float32), 16_000).uri)
    assert len(samples) >= n

"""One sound is one sound: the shipped model's scores whatever it is written as.

Made sounds, which hold nothing above 4 kHz, so that every rate can carry them; resampled by
scipy, which shares no code with the decoder's soxr.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import resample_poly

from wsnet_cli.data.synthetic import KINDS, SAMPLE_RATE, synthesise
from wsnet_cli.engine.session import Classifier

RATE = 48_000
LOSSLESS = {
    "16 bits": (RATE, "WAV", "PCM_16", 1),
    "24 bits": (RATE, "WAV", "PCM_24", 1),
    "32 bits": (RATE, "WAV", "PCM_32", 1),
    "double": (RATE, "WAV", "DOUBLE", 1),
    "equal channels": (RATE, "WAV", "PCM_16", 2),
    "five equal channels": (RATE, "WAV", "PCM_24", 5),
    "FLAC": (RATE, "FLAC", "PCM_16", 1),
    "FLAC of 24 bits": (RATE, "FLAC", "PCM_24", 2),
    "AIFF": (RATE, "AIFF", "PCM_24", 1),
    **{
        f"{rate} Hz": (rate, "WAV", "FLOAT", 1)
        for rate in (16_000, 20_000, 22_050, 24_000, 32_000, 44_100, 96_000, 192_000)
    },
}
LOSSY = {
    "8 bits": (RATE, "WAV", "PCM_U8", 1),
    "mu-law": (RATE, "WAV", "ULAW", 1),
    "Vorbis": (RATE, "OGG", "VORBIS", 1),
    "Opus": (RATE, "OGG", "OPUS", 1),
    "MP3": (RATE, "MP3", "MPEG_LAYER_III", 1),
    "8000 Hz": (8_000, "WAV", "FLOAT", 1),
    "11025 Hz": (11_025, "WAV", "FLOAT", 1),
}
Hear = Callable[[np.ndarray, int, str, str, int], np.ndarray]


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    return [synthesise(kind, np.random.default_rng(0)) for kind in KINDS]


def at(sound: np.ndarray, rate: int) -> np.ndarray:
    """The sound at another rate, half of full scale."""
    common = gcd(rate, SAMPLE_RATE)
    up, down = rate // common, SAMPLE_RATE // common
    return resample_poly(0.5 * sound / np.abs(sound).max(), up, down, window=("kaiser", 12.0))


@pytest.fixture(scope="module")
def hear(tmp_path_factory: pytest.TempPathFactory) -> Hear:
    classifier = Classifier.load("esc10")
    path = tmp_path_factory.mktemp("same") / "clip"

    def classify(
        sound: np.ndarray, rate: int, format_: str, subtype: str, channels: int
    ) -> np.ndarray:
        block = np.repeat(at(sound, rate)[:, None], channels, axis=1)
        sf.write(path, block, rate, format=format_, subtype=subtype)
        return classifier.classify_file(path)

    return classify


@pytest.fixture(scope="module")
def expected(hear: Hear, sounds: list[np.ndarray]) -> list[np.ndarray]:
    scores = [hear(sound, RATE, "WAV", "FLOAT", 1) for sound in sounds]
    assert len({int(np.argmax(s)) for s in scores}) >= 3, "a model that always says the same"
    return scores


@pytest.mark.parametrize("how", LOSSLESS.values(), ids=LOSSLESS)
def test_what_loses_nothing_changes_nothing(
    hear: Hear, sounds: list[np.ndarray], expected: list[np.ndarray], how: tuple
):
    for sound, before in zip(sounds, expected, strict=True):
        after = hear(sound, *how)
        assert np.argmax(after) == np.argmax(before)
        assert np.abs(after - before).max() <= 0.02


@pytest.mark.parametrize("how", LOSSY.values(), ids=LOSSY)
def test_what_loses_something_changes_little(
    hear: Hear, sounds: list[np.ndarray], expected: list[np.ndarray], how: tuple
):
    """For half of the sounds hardly anything, and at most two in ten get another label."""
    after = [hear(sound, *how) for sound in sounds]
    changes = [np.abs(a - b).max() for a, b in zip(after, expected, strict=True)]
    assert np.median(changes) <= 0.03
    equal = [np.argmax(a) == np.argmax(b) for a, b in zip(after, expected, strict=True)]
    assert sum(equal) >= len(sounds) - 2

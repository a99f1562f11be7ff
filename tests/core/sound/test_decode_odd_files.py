"""What odd and broken files hold or are refused for, each by itself, and that lies cost nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from corpus.compressed import flac, mp3
from corpus.every import corpus, every_file
from corpus.odd import OddFile, Sound
from corpus.riff import data, fmt, wave
from corpus.wav import TONE

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound.audio import read_audio

MIB = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


def test_there_are_many_files_of_every_kind() -> None:
    files = every_file()
    assert len(files) > 320
    assert sum(file.readable for file in files) > 200
    assert min(len(of_kind) for of_kind in corpus().values()) >= 6


@pytest.mark.parametrize("file", every_file(), ids=lambda file: file.name)
def test_a_file_holds_what_was_put_in_or_is_refused(file: OddFile, folder: Path) -> None:
    path = file.write(folder)
    if isinstance(file.expected, Sound):
        assert file.expected.fault(*read_audio(path)) == ""
    else:
        with pytest.raises(AudioError) as caught:
            read_audio(path)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert message.startswith(f"{path}: ")
        assert file.expected.phrase in message
        assert "Internal" not in message


def test_the_expectations_can_fail() -> None:
    exact = Sound(TONE)
    assert exact.fault(TONE, 16_000) == ""
    assert exact.fault(TONE, 16_001) == "rate 16001, not 16000"
    assert "off by" in exact.fault(TONE + 2 / 2**15, 16_000)
    assert "3999 samples, not 4000" in exact.fault(TONE[:-1], 16_000)
    assert "off by" in exact.fault(np.roll(TONE, 1), 16_000)
    lossy = Sound(TONE, min_snr_db=20.0)
    assert lossy.fault(0.95 * TONE, 16_000) == ""
    assert "dB, not 20.0" in lossy.fault(0.8 * TONE, 16_000)
    assert "dB, not 20.0" in lossy.fault(np.roll(TONE, 1), 16_000)
    assert Sound(TONE, min_snr_db=20.0, lag=9).fault(np.roll(TONE, 7), 16_000) == ""


# ------------------------------------------------------------------------------ memory

PEAK = """
import resource, sys
from wsnet_cli.core.sound.audio import read_blocks
from wsnet_cli.core.errors import AudioError

def hear(path):
    try:
        for _ in read_blocks(path, sample_rate=16_000):
            pass
    except AudioError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

first = hear(sys.argv[1])
print(hear(sys.argv[2]) - first)
"""


def growth_mib(good: Path, path: Path) -> float:
    """Peak memory that a child takes for `path` beyond what it took for a good file of a second."""
    command = [sys.executable, "-c", PEAK, str(good), str(path)]
    result = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert result.stderr == b""
    return int(result.stdout) / (MIB if sys.platform == "darwin" else 2**10)


def lies() -> dict[str, bytes]:
    """Headers that promise up to 2**63 samples, over a second of sound."""
    second = np.resize(TONE, 16_000)
    info = mp3(n=16_000)
    where = max(info.find(b"Xing"), info.find(b"Info"))
    return {
        "2-to-36.flac": flac(2**36 - 1, 16_000),
        "open.flac": flac(0, 16_000),
        "4-gib.wav": wave(fmt(), data(second, size=2**32 - 2)),
        "64-channels.wav": wave(fmt(channels=64), data(second, size=2**32 - 2)),
        "4-giga.mp3": info[: where + 8] + b"\xff" * 4 + info[where + 12 :],
        "119-mega.mp3": info[: where + 8] + (206_597).to_bytes(4, "big") + info[where + 12 :],
    }


@pytest.mark.parametrize("name", lies())
def test_a_header_that_lies_costs_no_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / "good.wav").write_bytes(wave(fmt(), data(np.resize(TONE, 16_000))))
    (tmp_path / name).write_bytes(lies()[name])
    assert growth_mib(tmp_path / "good.wav", tmp_path / name) < 64


def test_an_hour_of_silence_in_a_small_file_costs_little(tmp_path: Path) -> None:
    (tmp_path / "good.wav").write_bytes(wave(fmt(), data(np.resize(TONE, 16_000))))
    with sf.SoundFile(tmp_path / "hour.flac", "w", 44_100, 1, "PCM_16") as out:
        for _ in range(60):
            out.write(np.zeros(60 * 44_100, np.int16))
    assert (tmp_path / "hour.flac").stat().st_size < MIB
    assert growth_mib(tmp_path / "good.wav", tmp_path / "hour.flac") < 100


# ------------------------------------------------------------------------------ resampling

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)


def spectrum_db(samples: np.ndarray) -> np.ndarray:
    """Level in each bin of 1 Hz of the middle second, relative to a sine of full scale."""
    n = len(samples) // 2
    window = np.blackman(n)
    middle = samples[n // 2 : n // 2 + n].astype(np.float64)
    return 20 * np.log10(np.abs(np.fft.rfft(middle * window)) / window.sum() * 2 + 1e-12)


@pytest.mark.parametrize("to_rate", [8_000, 16_000, 20_000, 32_000])
@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_where_it_is(rate: int, to_rate: int, tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(2 * rate) / rate)
    (tmp_path / "a.wav").write_bytes(wave(fmt(24, rate=rate), data(0.5 * tone, 24)))
    samples, found = read_audio(tmp_path / "a.wav", sample_rate=to_rate)
    assert (found, len(samples)) == (to_rate, 2 * to_rate)
    level_db = spectrum_db(samples)
    peak = int(np.argmax(level_db))
    assert abs(peak - 1_000) <= 1
    assert level_db[peak] == pytest.approx(-6.02, abs=0.05)
    level_db[peak - 5 : peak + 6] = -200
    assert level_db.max() < -6 - 60


@pytest.mark.parametrize("share", [0.55, 0.6, 0.75, 0.9])
@pytest.mark.parametrize(
    ("rate", "to_rate"), [(44_100, 16_000), (48_000, 20_000), (192_000, 8_000)]
)
def test_what_the_lower_rate_cannot_hold_vanishes(
    rate: int, to_rate: int, share: float, tmp_path: Path
) -> None:
    """A tone above half the new rate, at a share of it, must not come back as another tone."""
    hz = share * to_rate if share * to_rate < rate / 2 else 0.45 * rate
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(2 * rate) / rate)
    (tmp_path / "a.wav").write_bytes(wave(fmt(24, rate=rate), data(tone, 24)))
    samples, _ = read_audio(tmp_path / "a.wav", sample_rate=to_rate)
    assert spectrum_db(samples).max() < -6 - 60

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.errors import AUDIO_FAULTS, AudioError
from wsnet_cli.core.sound.audio import read_audio

Make = Callable[[Path], object]


def _sound(path: Path, **more: object) -> None:
    soundfile.write(path, np.full(800, 0.25, np.float32), 8000, **more)


def _cut(path: Path) -> None:
    _sound(path, format="FLAC")
    path.write_bytes(path.read_bytes()[:60])


def _not_a_number(path: Path) -> None:
    samples = np.zeros(80, np.float32)
    samples[7] = np.nan
    soundfile.write(path, samples, 8000, subtype="FLOAT")


CASES: list[tuple[str, Make]] = [
    ("unreadable", lambda path: None),
    ("unreadable", Path.mkdir),
    ("not-audio", lambda path: path.write_text("to do: record")),
    ("not-audio", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(60))),
    ("not-audio", lambda path: path.write_bytes(b"\x01\x80\x02\x90" * 40)),
    ("damaged", lambda path: path.write_bytes(b"RIFF" + bytes(100))),
    ("damaged", _cut),
    ("empty", Path.touch),
    ("empty", lambda path: soundfile.write(path, np.zeros(0, np.float32), 8000)),
    ("not-finite", _not_a_number),
]


@pytest.mark.parametrize(
    ("kind", "make"), CASES, ids=[f"{k}-{i}" for i, (k, _) in enumerate(CASES)]
)
def test_a_refused_file_says_its_kind(tmp_path: Path, kind: str, make: Make):
    path = tmp_path / "x.wav"
    make(path)
    with pytest.raises(AudioError) as caught:
        read_audio(path, sample_rate=8000)
    assert (caught.value.kind, kind in AUDIO_FAULTS) == (kind, True), caught.value


def test_a_segment_outside_the_file_has_a_kind_of_its_own(tmp_path: Path):
    _sound(tmp_path / "x.wav")
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "x.wav", sample_rate=8000, start_s=5.0)
    assert caught.value.kind == "out-of-range"


def test_the_kind_survives_the_way_between_processes():
    error = AudioError("a.wav: is empty", "empty")
    again = copy.copy(error)
    assert (str(again), again.kind) == (str(error), "empty")

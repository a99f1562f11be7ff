"""What is said before a long job, against what it then takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.sound.decode import open_audio
from wsnet_cli.data import estimate as estimate_module
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.estimate import TRIAL_AUDIO_S, TRIAL_FILES, TRIAL_S, estimate
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing.packed import pack

MakeSine = Callable[..., Path]
RATE = 8000


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded on trial."""
    names: list[str] = []

    def spy(path: Path) -> object:
        names.append(path.name)
        return open_audio(path)

    monkeypatch.setattr(estimate_module, "open_audio", spy)
    return names


def ticks(step_s: float) -> Callable[[], float]:
    """A clock that goes on by so much each time it is read."""
    steps: Iterator[int] = count()
    return lambda: next(steps) * step_s


def packed_bytes(dataset: DataSet, cache: Path) -> int:
    packed = pack(dataset, RATE, cache)
    return 2 * sum(packed.n_samples(i) for i in range(len(packed)) if packed.has(i))


def test_space_is_that_of_the_set(tmp_path: Path, make_sine: MakeSine, cache: Path) -> None:
    for i in range(20):
        make_sine(tmp_path / "set" / "a" / f"{i}.wav", n=2_000, rate=16_000)
        make_sine(tmp_path / "set" / "b" / f"{i}.flac", n=1_000 + 200 * i, peak=0.4)
    dataset = load_dataset(tmp_path / "set")
    expected = estimate(dataset.clips, RATE, 1)
    assert expected.n_files == 40
    assert expected.source_bytes == sum(clip.path.stat().st_size for clip in dataset.clips)
    assert expected.packed_bytes == pytest.approx(packed_bytes(dataset, cache), rel=0.25)
    assert expected.seconds > 0


def test_time_goes_by_trials_and_workers(
    tmp_path: Path, make_sine: MakeSine, tried: list[str]
) -> None:
    for i in range(100):
        make_sine(tmp_path / "set" / "ab"[i % 2] / f"{i:03d}.wav")
    clips = load_dataset(tmp_path / "set").clips
    step_s = 0.9 * TRIAL_S / TRIAL_FILES
    assert estimate(clips, RATE, 1, ticks(step_s)).seconds == pytest.approx(100 * step_s)
    assert len(tried) == TRIAL_FILES
    assert {"000.wav", "096.wav"} <= set(tried)  # from everywhere
    assert estimate(clips, RATE, 4, ticks(step_s)).seconds == pytest.approx(25 * step_s)


def test_a_slow_trial_ends(tmp_path: Path, make_sine: MakeSine, tried: list[str]) -> None:
    for i in range(20):
        make_sine(tmp_path / "set" / "ab"[i % 2] / f"{i:03d}.wav")
    clips = load_dataset(tmp_path / "set").clips
    assert estimate(clips, RATE, 1, ticks(TRIAL_S + 1)).seconds == pytest.approx(20 * (TRIAL_S + 1))
    assert len(tried) == 1


def test_kinds_have_trials_of_their_own_and_what_fails_counts_nothing(
    tmp_path: Path, make_sine: MakeSine, tried: list[str], cache: Path
) -> None:
    for i in range(3):
        make_sine(tmp_path / "set" / "a" / f"{i}.wav", n=8_000)
        make_sine(tmp_path / "set" / "b" / f"{i}.OGG", n=8_000)
        (tmp_path / "set" / "b" / f"{i}.mp3").write_text("no sound " * 10_000)
    (tmp_path / "set" / "a" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    dataset = load_dataset(tmp_path / "set")
    gone = Clip(tmp_path / "set" / "gone2.wav", "gone2.wav", "a")
    dataset = DataSet(dataset.root, "manifest", (*dataset.clips, gone))
    expected = estimate(dataset.clips, RATE, 1)
    assert sorted(tried) == sorted(
        f"{i}.{kind}" for i in range(3) for kind in ("wav", "OGG", "mp3")
    )
    assert expected.n_files == 9
    assert expected.packed_bytes == pytest.approx(packed_bytes(dataset, cache), rel=0.05)


def test_of_a_long_file_a_part_is_decoded(tmp_path: Path, tried: list[str]) -> None:
    import soundfile

    heard: list[int] = []
    n = round(20 * TRIAL_AUDIO_S * RATE)
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(n, np.int16), RATE)
    clips = DataSet(tmp_path, "manifest", [Clip(path, "long.wav", "a")]).clips

    class Meter(estimate_module.HealthMeter):
        def add(self, block: np.ndarray) -> None:
            heard.append(len(block))
            super().add(block)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate_module, "HealthMeter", Meter)
        expected = estimate(clips, RATE, 1, ticks(1.0))
    assert sum(heard) == TRIAL_AUDIO_S * RATE
    assert expected.packed_bytes == pytest.approx(2 * n, rel=0.01)
    assert expected.seconds == pytest.approx(20.0, rel=0.01)


def test_segments_count_for_what_they_are(tmp_path: Path, make_sine: MakeSine) -> None:
    path = make_sine(tmp_path / "a.wav", n=10 * RATE)
    bounds = [(0.0, 1.0), (2.0, 4.5), (None, 0.5), (8.0, None)]
    clips = [
        Clip(path, "a.wav", "ab"[i % 2], start_s=s, end_s=e) for i, (s, e) in enumerate(bounds)
    ]
    expected = estimate(DataSet(tmp_path, "manifest", clips).clips, RATE, 1)
    assert expected.n_files == 1
    assert expected.packed_bytes == pytest.approx(2 * RATE * (1 + 2.5 + 0.5 + 2), rel=0.01)


def test_nothing_is_written(tmp_path: Path, make_sine: MakeSine) -> None:
    make_sine(tmp_path / "set" / "a.wav")
    before = sorted(tmp_path.rglob("*"))
    estimate(
        DataSet(tmp_path, "x", [Clip(tmp_path / "set" / "a.wav", "a.wav", "a")]).clips, RATE, 1
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_no_clip_takes_nothing() -> None:
    expected = estimate(DataSet(Path(), "manifest", []).clips, RATE, 1)
    assert (expected.n_files, expected.packed_bytes, expected.seconds) == (0, 0, 0.0)

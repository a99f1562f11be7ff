from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.learn.run.from_data import settle
from wsnet_cli.learn.run.prepared import Found, find_data

ALL = "from_data: [rate, window, crops, pooling, epochs]\n"
WHOLE = "whole clips, shifted and stretched by up to a tenth, "


def folder(root: Path, clips: list[tuple[int, float]]) -> Found:
    for i, (rate, seconds) in enumerate(clips):
        path = root / "ab"[i % 2] / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).uniform(-0.5, 0.5, round(rate * seconds))
        soundfile.write(path, noise, rate)
    return find_data(root)


@pytest.mark.parametrize(
    ("clips", "rate", "window_s", "pooling"),
    [
        ([(8_000, 0.4)] * 9 + [(8_000, 0.9)], 8_000, 1.0, "every-layer"),
        ([(8_000, 0.5)] * 10, 8_000, 0.5, "every-layer"),
        ([(44_100, 5.0)] * 3 + [(16_000, 5.0)] * 2, 20_000, 1.51125, "released"),
        ([(16_000, 5.0)] * 4, 16_000, 1.51125, "released"),
    ],
)
def test_rate_window_and_pools_follow_from_the_recordings(
    tmp_path: Path, clips: list[tuple[int, float]], rate: int, window_s: float, pooling: str
) -> None:
    settled = settle(parse_config(ALL, "x"), folder(tmp_path / "set", clips))
    assert settled.config.audio.sample_rate == rate
    assert settled.config.audio.window_s == window_s
    assert settled.config.network.pooling == pooling
    assert settled.config.from_data == ()
    assert settled.config.train.epochs == 300
    whole = window_s < 1.5
    augment = settled.config.augment
    assert (augment.rescale, augment.shift) == ((1.1, 0.1) if whole else (1.25, 0.5))
    said = f"{rate:,} Hz, windows of {window_s:g} s, {WHOLE if whole else ''}"
    said += f"{pooling} pools, 300 epochs"
    assert ", ".join(settled.chosen) == said


def test_what_is_set_stays(tmp_path: Path) -> None:
    found = folder(tmp_path / "set", [(8_000, 0.4)] * 4)
    config = parse_config(ALL, "x", ["audio.window_s=2.0", "train.epochs=7"])
    settled = settle(config, found)
    assert settled.config.audio.window_s == 2.0
    assert settled.config.train.epochs == 7
    assert settled.config.audio.sample_rate == 8_000
    assert settle(parse_config("", "x"), found).chosen == ()


@pytest.mark.parametrize(("window_s", "whole"), [(1.0, False), (0.55, True), (1.6, False)])
def test_a_window_that_is_set_holds_clips_whole_or_not(
    tmp_path: Path, window_s: float, whole: bool
) -> None:
    seconds = 0.55 if whole or window_s > 1.5 else 1.2
    found = folder(tmp_path / "set", [(8_000, seconds)] * 4)
    config = parse_config("from_data: [crops]\n", "x", [f"audio.window_s={window_s}"])
    augment = settle(config, found).config.augment
    assert (augment.rescale, augment.shift) == ((1.1, 0.1) if whole else (1.25, 0.5))


def test_large_sets_get_fewer_epochs(tmp_path: Path) -> None:
    """Five clips of 60,000 segments: 120,000 windows are two epochs, but twenty are the least."""
    manifest = tmp_path / "set" / "clips.csv"
    folder(tmp_path / "set", [(8_000, 0.4)] * 2)
    lines = ["path,label,start,end"]
    lines += [f"a/0.wav,a,{i / 1e5},0.3" for i in range(1_500)]
    lines += [f"b/1.wav,b,{i / 1e5},0.3" for i in range(1_500)]
    manifest.write_text("\n".join(lines) + "\n")
    settled = settle(parse_config(ALL, "x"), find_data(manifest))
    assert settled.config.train.epochs == 40
    assert settled.config.audio.window_s == 0.5


def test_files_that_cannot_be_opened_say_nothing(tmp_path: Path) -> None:
    found = folder(tmp_path / "set", [(8_000, 0.4)] * 4)
    (tmp_path / "set" / "a" / "broken.wav").write_bytes(b"no sound at all")
    settled = settle(parse_config(ALL, "x"), find_data(tmp_path / "set"))
    assert settled.config.audio.sample_rate == 8_000
    assert found.dataset.labels == ("a", "b")

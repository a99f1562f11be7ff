from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.errors import ConfigError, DataError
from wsnet_cli.learn.feeding.backgrounds import Backgrounds, find_backgrounds, load_backgrounds

RATE = 8_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ramp of 2,000 samples, and deeper one of 50; positive, so that pieces tell their place."""
    root = tmp_path / "noises"
    (root / "deep" / "er").mkdir(parents=True)
    for name, n in (("long.wav", 2_000), ("deep/er/short.wav", 50)):
        ramp = np.arange(1, n + 1) / n
        soundfile.write(root / name, ramp, RATE, subtype="FLOAT")
    return root


def load(folder: Path, held_out: tuple[str, ...] = ()) -> Backgrounds:
    return load_backgrounds(find_backgrounds(str(folder)), RATE, held_out)


def test_recordings_are_found_however_deep_they_lie(folder: Path) -> None:
    (folder / "notes.txt").write_text("no audio")
    found = load(folder)
    assert len(found.recordings) == 2
    assert found.left_out == ()
    assert found.line == f"background: 2 recordings, 0.0 minutes, from {folder}"


def test_pieces_come_from_anywhere_and_short_recordings_are_repeated(folder: Path) -> None:
    found = load(folder)
    rng = np.random.default_rng(0)
    long_starts, short_starts = [], []
    for _ in range(600):
        piece = np.full(120, np.nan, np.float32)
        found.cut(rng, piece)
        if (np.diff(piece) > 0).all():
            place = round(float(piece[0]) * 2_000) - 1
            expected = np.arange(place + 1, place + 121) / 2_000
            long_starts.append(place)
        else:
            place = round(float(piece[0]) * 50) - 1
            expected = (1 + (place + np.arange(120)) % 50) / 50
            short_starts.append(place)
        assert piece == pytest.approx(expected, abs=1e-4)
    assert len(long_starts) == pytest.approx(300, rel=0.2)
    assert (min(long_starts), max(long_starts)) == pytest.approx((0, 1_880), abs=40)
    assert set(short_starts) == set(range(50))


def test_a_recording_of_just_one_window_is_taken_whole(folder: Path) -> None:
    (folder / "long.wav").unlink()
    piece = np.empty(50, np.float32)
    load(folder).cut(np.random.default_rng(0), piece)
    assert piece == pytest.approx(np.arange(1, 51) / 50, abs=1e-4)


@pytest.mark.parametrize("what", ["missing", "a file", "empty", "no audio"])
def test_a_folder_without_recordings_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "none\nhere"
    if what == "a file":
        folder.write_text("")
    elif what != "missing":
        folder.mkdir()
    if what == "no audio":
        (folder / "notes.txt").write_text("")
    with pytest.raises(ConfigError) as caught:
        find_backgrounds(str(folder))
    text = str(caught.value)
    assert text.startswith("augment.background = ")
    assert "\n" not in text
    assert ("no audio found" if what in ("empty", "no audio") else "no such folder") in text


def test_links_out_of_the_folder_are_left_out(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "outside.wav", np.ones(9), RATE)
    (folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    found = load(folder)
    (failure,) = found.left_out
    assert failure.name == f"{folder}/link.wav"
    assert "leaves the data set" in failure.reason


def test_what_cannot_be_read_is_left_out_and_said(folder: Path) -> None:
    (folder / "bad.wav").write_text("<html>")
    found = load(folder)
    assert len(found.recordings) == 2
    assert [failure.name for failure in found.left_out] == [f"{folder}/bad.wav"]
    for path in folder.rglob("*.wav"):
        path.write_text("<html>")
    with pytest.raises(DataError, match="no recording can be used; the first"):
        load(folder)


def test_what_is_measured_on_is_never_heard_in_training(folder: Path) -> None:
    digest = hashlib.sha256((folder / "long.wav").read_bytes()).hexdigest()
    found = load(folder, (digest,))
    assert len(found.recordings) == 1
    (failure,) = found.left_out
    assert failure.reason == "is a clip that is measured on"
    piece = np.empty(2_000, np.float32)
    found.cut(np.random.default_rng(0), piece)
    assert not (np.diff(piece) > 0).all()


def test_the_fingerprint_changes_with_content_alone(folder: Path) -> None:
    before = load(folder).fingerprint
    assert load(folder).fingerprint == before
    (folder / "long.wav").rename(folder / "longer.wav")
    assert load(folder).fingerprint == before
    soundfile.write(folder / "more.wav", np.ones(9), RATE)
    after = load(folder).fingerprint
    assert after != before
    soundfile.write(folder / "more.wav", np.ones(10), RATE)
    assert load(folder).fingerprint not in (before, after)

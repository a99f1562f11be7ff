"""The audio of labelled clips: files and prepared folders give the same answers."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.clips.clip_audio import FileAudio, PackedAudio, audio_of
from wsnet_cli.core.errors import DataError
from wsnet_cli.core.model import Model
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.prepare import prepare
from wsnet_cli.engine.session import Classifier


@pytest.fixture
def folder(tones: Path, tmp_path: Path) -> Path:
    prepare(load_dataset(tones), tmp_path / "out", 8_000)
    return tmp_path / "out"


@pytest.fixture
def classifier(tone_model: Model) -> Classifier:
    return Classifier(tone_model)


def heard(blocks) -> np.ndarray:
    return np.concatenate(list(blocks()))


def test_a_source_says_what_it_is(tones: Path, folder: Path) -> None:
    assert isinstance(audio_of(tones), FileAudio)
    assert isinstance(audio_of(tones / "manifest.csv"), FileAudio)
    assert isinstance(audio_of(folder), PackedAudio)


def test_packed_audio_is_that_of_the_files(
    tones: Path, folder: Path, classifier: Classifier
) -> None:
    files, packed = FileAudio(), audio_of(folder)
    clips = load_dataset(tones).clips
    for clip in clips:
        ours = heard(packed.open(classifier, clip))
        theirs = heard(files.open(classifier, clip))
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert packed.digests(clips) == files.digests(clips)


def test_nothing_but_the_folder_is_read(tones: Path, folder: Path, classifier: Classifier) -> None:
    clips = load_dataset(folder).clips
    digests = FileAudio().digests(load_dataset(tones).clips)
    shutil.rmtree(tones)
    packed = audio_of(folder)
    assert packed.digests(clips) == digests
    assert all(len(heard(packed.open(classifier, clip))) >= 2_600 for clip in clips)


def test_another_rate_is_resampled(tones: Path, tmp_path: Path, classifier: Classifier) -> None:
    prepare(load_dataset(tones), tmp_path / "fast", 16_000)
    clip = load_dataset(tones).clips[0]
    ours = heard(audio_of(tmp_path / "fast").open(classifier, clip))
    theirs = heard(FileAudio().open(classifier, clip))
    assert abs(len(ours) - len(theirs)) <= 1
    inner = slice(200, min(len(ours), len(theirs)) - 200)
    np.testing.assert_allclose(ours[inner], theirs[inner], atol=0.02)


def test_segments_are_told_apart(tones: Path, tmp_path: Path, classifier: Classifier) -> None:
    rows = ["low/0.wav,low,0.0,0.1", "low/0.wav,low,0.1,", "high/0.wav,high,,0.2"]
    (tones / "manifest.csv").write_text("\n".join(("path,label,start,end", *rows)) + "\n")
    source = load_dataset(tones / "manifest.csv")
    prepare(source, tmp_path / "out", 8_000)
    packed, files = audio_of(tmp_path / "out"), FileAudio()
    lengths = [len(heard(packed.open(classifier, clip))) for clip in source.clips]
    assert sorted(lengths) == [800, 1_600, 1_800]
    digests = packed.digests(source.clips)
    assert digests == files.digests(source.clips)
    assert digests[1] == hashlib.sha256((tones / "low/0.wav").read_bytes()).hexdigest()
    for clip in source.clips:
        ours, theirs = (heard(audio.open(classifier, clip)) for audio in (packed, files))
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_files_are_hashed_once_and_the_missing_have_no_digest(tones: Path) -> None:
    clip = Clip(tones / "low" / "0.wav", "low/0.wav", "low")
    gone = Clip(tones / "gone.wav", "gone.wav", "low")
    folder = Clip(tones / "low", "low", "low")
    digest = hashlib.sha256(clip.path.read_bytes()).hexdigest()
    assert FileAudio().digests([clip, gone, folder, clip]) == [digest, "", "", digest]


def test_a_damaged_folder_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "packed")
    with pytest.raises(DataError, match="its audio is damaged or gone; run wsnet prepare again"):
        audio_of(folder)

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.dataset import DataSet
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.speech_commands import COMMANDS, NOISE_FOLDER

MakeSine = Callable[..., Path]

N_SPEAKERS = 20
VALIDATED, TESTED = range(14, 17), range(17, 20)


@pytest.fixture
def words(tmp_path: Path, make_sine: MakeSine) -> Path:
    """Ten commands and three other words by 20 speakers, with lists and two noises."""
    root = tmp_path / "speech"
    for word in (*COMMANDS, "bed", "cat", "tree"):
        (root / word).mkdir(parents=True)
        for speaker in range(N_SPEAKERS):
            (root / word / f"{speaker:08x}_nohash_0.wav").touch()
    for name, speakers in (("validation_list", VALIDATED), ("testing_list", TESTED)):
        lines = [
            f"{word}/{speaker:08x}_nohash_0.wav\n"
            for word in (*COMMANDS, "bed", "cat", "tree")
            for speaker in speakers
        ]
        (root / f"{name}.txt").write_text("".join(lines))
    make_sine(root / NOISE_FOLDER / "pink.wav", n=8000 * 40)
    make_sine(root / NOISE_FOLDER / "tap.wav", n=8000 * 60)
    (root / NOISE_FOLDER / "README.md").touch()
    return root


def test_all_words_are_read_with_their_parts_and_speakers(words: Path) -> None:
    dataset = load_dataset(words)
    assert dataset.layout == "Speech Commands"
    assert len(dataset.labels) == 13
    assert Counter(clip.split for clip in dataset.clips) == {
        "train": 13 * 14,
        "validation": 13 * 3,
        "test": 13 * 3,
    }
    for clip in dataset.clips:
        speaker = int(clip.group or "", 16)
        part = "validation" if speaker in VALIDATED else "test" if speaker in TESTED else "train"
        assert clip.split == part
    assert any("--layout speech-commands-12" in note for note in dataset.notes)


def test_a_name_without_a_speaker_has_no_group(words: Path) -> None:
    (words / "bed" / "loose.wav").touch()
    clip = next(c for c in load_dataset(words).clips if c.name == "bed/loose.wav")
    assert (clip.group, clip.split) == (None, "train")


def test_what_the_lists_name_and_is_not_there_is_said(words: Path) -> None:
    (words / "bed" / f"{15:08x}_nohash_0.wav").unlink()
    notes = load_dataset(words).notes
    assert "1 clips of the lists are not there, such as 'bed/0000000f_nohash_0.wav'" in notes


def test_a_clip_in_both_lists_is_refused(words: Path) -> None:
    with (words / "testing_list.txt").open("a") as stream:
        stream.write(f"bed/{15:08x}_nohash_0.wav\n")
    with pytest.raises(DataError, match=r"testing_list\.txt: line 40: 'bed/.* in the other list"):
        load_dataset(words)


def _seconds(dataset: DataSet, part: str) -> list[tuple[str, float, float]]:
    return [
        (clip.name, clip.start_s or 0.0, clip.end_s or math.inf)
        for clip in dataset.clips
        if clip.label == "silence" and clip.split == part
    ]


def test_the_twelve_classes_have_a_tenth_of_unknown_and_of_silence(words: Path) -> None:
    dataset = load_dataset(words, "speech-commands-12")
    assert dataset.layout == "Speech Commands 12"
    assert set(dataset.labels) == {*COMMANDS, "unknown", "silence"}
    for part, n_speakers in (("train", 14), ("validation", 3), ("test", 3)):
        counts = Counter(clip.label for clip in dataset.clips if clip.split == part)
        assert counts == dict.fromkeys(COMMANDS, n_speakers) | {
            "unknown": math.ceil(0.1 * 10 * n_speakers),
            "silence": math.ceil(0.1 * 10 * n_speakers),
        }
    unknown = [clip for clip in dataset.clips if clip.label == "unknown"]
    assert {clip.name.split("/")[0] for clip in unknown} <= {"bed", "cat", "tree"}
    assert all(clip.group for clip in unknown)
    assert any(note.startswith("unknown: 20 of 60 clips of other words") for note in dataset.notes)


def test_silence_is_seconds_of_noise_in_spans_of_their_own(words: Path) -> None:
    dataset = load_dataset(words, "speech-commands-12")
    length = {f"{NOISE_FOLDER}/pink.wav": 40.0, f"{NOISE_FOLDER}/tap.wav": 60.0}
    for part, low, high in (("train", 0, 0.8), ("validation", 0.8, 0.9), ("test", 0.9, 1.0)):
        segments = _seconds(dataset, part)
        assert {name for name, _, _ in segments} == set(length)
        assert len(set(segments)) == len(segments)
        for name, start_s, end_s in segments:
            assert end_s - start_s == pytest.approx(1.0)
            assert low * length[name] <= start_s
            assert end_s <= high * length[name] + 1e-9


def test_the_choice_is_the_same_each_time_and_wherever_it_lies(words: Path) -> None:
    first = load_dataset(words, "speech-commands-12").clips
    moved = words.rename(words.parent / "moved")
    second = load_dataset(moved, "speech-commands-12").clips
    assert [(c.name, c.label, c.start_s) for c in first] == [
        (c.name, c.label, c.start_s) for c in second
    ]


def test_more_silence_than_noise_overlaps(words: Path) -> None:
    for word in COMMANDS:
        for speaker in range(100, 300):
            (words / word / f"{speaker:08x}_nohash_0.wav").touch()
    segments = _seconds(load_dataset(words, "speech-commands-12"), "train")
    assert len(set(segments)) == math.ceil(0.1 * 10 * (14 + 200))


def test_a_noise_that_is_no_audio_is_skipped(words: Path) -> None:
    (words / NOISE_FOLDER / "broken.wav").write_bytes(b"RIFF")
    dataset = load_dataset(words, "speech-commands-12")
    (skipped,) = dataset.skipped
    assert skipped.name == f"{NOISE_FOLDER}/broken.wav"


def test_the_twelve_classes_need_all_commands_and_noise(words: Path) -> None:
    (words / "yes").rename(words / "oui")
    with pytest.raises(DataError, match=r"no folder yes; expected yes, no, .*_background_noise_"):
        load_dataset(words, "speech-commands-12")
    (words / "oui").rename(words / "yes")
    (words / NOISE_FOLDER).rename(words.parent / "noise")
    (words / NOISE_FOLDER).symlink_to(words.parent / "noise")
    with pytest.raises(DataError, match="no folder _background_noise_"):
        load_dataset(words, "speech-commands-12")

from __future__ import annotations

import os
import random
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.known import load_dataset

MakeFolders = Callable[[dict[str, int]], Path]

needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_each_sub_folder_is_a_class(make_folders: MakeFolders) -> None:
    root = make_folders({"dog": 2, "cat": 1})
    dataset = load_dataset(root)
    assert dataset.layout == "class folders"
    assert dataset.labels == ("cat", "dog")
    assert [clip.name for clip in dataset.clips] == ["cat/0.wav", "dog/0.wav", "dog/1.wav"]
    assert all(clip.path.is_file() and clip.path.is_absolute() for clip in dataset.clips)
    assert (dataset.folds, dataset.skipped) == ((), ())


def test_what_is_no_clip_is_ignored(tmp_path: Path) -> None:
    touch(tmp_path, "dog/a.WAV", "dog/deep/er/b.Flac", "cat/c.wav", "loose.wav", "dog/notes.txt")
    touch(
        tmp_path,
        "dog/.hidden.wav",
        "dog/.cache/d.wav",
        ".git/e.wav",
        "empty/readme.md",
        "dog/._a.wav",
    )
    dataset = load_dataset(tmp_path)
    names = [clip.name for clip in dataset.clips]
    assert names == ["cat/c.wav", "dog/a.WAV", "dog/deep/er/b.Flac"]
    assert dataset.labels == ("cat", "dog")
    assert dataset.skipped == ()
    assert dataset.notes == (
        "no audio in empty, so there is no such class",
        "ignored 1 audio files that are in no class folder (--pattern reads labels from names)",
    )


def test_sound_that_is_not_decoded_is_a_clip_that_will_be_told(tmp_path: Path) -> None:
    touch(tmp_path, "dog/a.wav", "cat/b.M4A")
    dataset = load_dataset(tmp_path)
    assert [clip.name for clip in dataset.clips] == ["cat/b.M4A", "dog/a.wav"]


def test_of_many_empty_folders_some_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "dog/a.wav", "cat/b.wav", *(f"x{i}/readme.md" for i in range(7)))
    (note,) = load_dataset(tmp_path).notes
    assert note == "no audio in x0, x1, x2, x3, x4 and 2 more, so there is no such class"


@pytest.mark.parametrize(
    ("folders", "field"),
    [(("train", "Test"), "split"), (("fold1", "fold2", "fold10"), "fold")],
)
def test_parts_are_not_taken_for_classes(
    tmp_path: Path, folders: tuple[str, ...], field: str
) -> None:
    touch(tmp_path, *(f"{folder}/{label}/a.wav" for folder in folders for label in ("cat", "dog")))
    with pytest.raises(DataError, match=r"called after .*s, such as .*/a.wav; expected") as found:
        load_dataset(tmp_path)
    pattern = f"{{{field}}}/{{label}}/{{name}}"
    assert str(found.value).endswith(f"--pattern '{pattern}'")
    assert load_dataset(tmp_path, pattern=pattern).labels == ("cat", "dog")


def test_folders_called_after_parts_may_be_classes(tmp_path: Path) -> None:
    touch(tmp_path, "train/a.wav", "test/b.wav")
    assert load_dataset(tmp_path).labels == ("test", "train")
    touch(tmp_path, "one/train/deep/a.wav", "one/plane/deep/b.wav")
    assert load_dataset(tmp_path / "one").labels == ("plane", "train")


def test_a_deep_tree_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "dog/" + "d/" * 60 + "b.wav")
    assert len(load_dataset(tmp_path).clips) == 2


def test_the_order_of_classes_does_not_depend_on_the_file_system(tmp_path: Path) -> None:
    names = ["10", "2", "é", "É", "no", ".git"]
    for seed in range(20):
        random.Random(seed).shuffle(names)
        root = tmp_path / str(seed)
        for name in names:
            touch(root, f"{name}/x.wav")
        touch(root, "README")
        assert load_dataset(root).labels == ("10", "2", "no", "É", "é")


def test_one_spelling_of_an_accent_is_one_class(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        touch(tmp_path, f"{unicodedata.normalize(form, 'é')}/{form}.wav")
    touch(tmp_path, "b/x.wav")
    assert load_dataset(tmp_path).labels == ("b", "é")


@needs_links
def test_links_that_leave_the_root_are_reported_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "out/secret.wav")
    root = touch(tmp_path / "set", "cat/a.wav", "dog/b.wav", "dog/more/c.wav")
    (root / "dog" / "in.wav").symlink_to("../cat/a.wav")
    (root / "dog" / "out.wav").symlink_to(tmp_path / "out" / "secret.wav")
    (root / "dog" / "up").symlink_to(tmp_path / "out")
    (root / "dog" / "circle.wav").symlink_to("circle.wav")
    (root / "cow").symlink_to(tmp_path / "out")
    (root / "again").symlink_to("dog")
    dataset = load_dataset(root)
    names = [clip.name for clip in dataset.clips]
    assert names == ["cat/a.wav", "dog/b.wav", "dog/circle.wav", "dog/in.wav", "dog/more/c.wav"]
    reasons = {failure.name: failure.reason for failure in dataset.skipped}
    assert list(reasons) == ["again", "cow", "dog/out.wav", "dog/up"]
    assert reasons["dog/out.wav"] == "a link that leaves the data set"
    assert "link to a folder" in reasons["cow"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_reported_and_not_opened(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "dog/b.wav")
    os.mkfifo(tmp_path / "dog" / "pipe.wav")
    (skipped,) = load_dataset(tmp_path).skipped
    assert (skipped.name, skipped.reason) == ("dog/pipe.wav", "not a regular file")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as Unicode")
def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "dog/b.wav", os.fsdecode(b"dog/\xff.wav"))
    (skipped,) = load_dataset(tmp_path).skipped
    assert skipped.name.isprintable()
    assert skipped.reason == "its name is not UTF-8"
    touch(tmp_path, os.fsdecode(b"\xffcow/a.wav"), "emu/a.wav")
    assert load_dataset(tmp_path).labels == ("cat", "dog", "emu")


def test_a_class_folder_without_a_printable_name_is_refused(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("this system has no such names")
    with pytest.raises(DataError, match=r"'a\\nb' holds characters that cannot be printed; rename"):
        load_dataset(touch(tmp_path, "a\nb/x.wav", "c/y.wav"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as Unicode")
def test_a_folder_whose_name_is_not_utf8_is_reported_once(tmp_path: Path) -> None:
    odd = [os.fsdecode(f"dog/\xfe/{i}.wav".encode("latin-1")) for i in range(3)]
    touch(tmp_path, "cat/a.wav", "dog/b.wav", *odd)
    (skipped,) = load_dataset(tmp_path).skipped
    assert (skipped.name, skipped.reason) == (r"dog/\xfe", "its name is not UTF-8")


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "cat/a.wav", "dog/b.wav", "dog/closed/c.wav", "emu/d.wav")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name in ("closed", "emu"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    dataset = load_dataset(tmp_path)
    assert [clip.name for clip in dataset.clips] == ["cat/a.wav", "dog/b.wav"]
    assert [(failure.name, failure.reason) for failure in dataset.skipped] == [
        ("dog/closed", "cannot be listed: Permission denied"),
        ("emu", "cannot be listed: Permission denied"),
    ]


def test_a_folder_named_like_audio_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "dog/x.wav/b.wav", "cow.wav/c.wav")
    dataset = load_dataset(tmp_path)
    assert [clip.name for clip in dataset.clips] == [
        "cat/a.wav",
        "cow.wav/c.wav",
        "dog/x.wav/b.wav",
    ]
    assert (dataset.labels, dataset.notes) == (("cat", "cow.wav", "dog"), ())


@needs_links
def test_links_in_a_circle_end(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.wav", "dog/b.wav")
    (tmp_path / "dog" / "self").symlink_to(".")
    (tmp_path / "cat" / "other").symlink_to("../dog")
    (tmp_path / "dog" / "other").symlink_to("../cat")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    dataset = load_dataset(tmp_path)
    assert [clip.name for clip in dataset.clips] == ["cat/a.wav", "dog/b.wav"]
    assert [f.name for f in dataset.skipped] == ["cat/other", "dog/other", "dog/self"]


@pytest.mark.skipif(os.name == "nt", reason="this system has no such names")
def test_names_with_quotes_spaces_and_line_breaks_are_clips(tmp_path: Path) -> None:
    names = ["dog/a\nb.wav", 'dog/"c d" .wav', "cat/é.WAV", "cat/e.wav.wav", "cat/$(f);.wav"]
    dataset = load_dataset(touch(tmp_path, *names))
    assert sorted(names) == [clip.name for clip in dataset.clips]
    assert all(clip.path.is_file() for clip in dataset.clips)

from __future__ import annotations

import os
import random
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts import load_dataset

MakeFolders = Callable[[dict[str, int]], Path]

needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")


def _touch(root: Path, *names: str) -> Path:
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
    _touch(tmp_path, "dog/a.WAV", "dog/deep/er/b.Flac", "cat/c.wav", "loose.wav", "dog/notes.txt")
    _touch(
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
    assert dataset.notes == ("ignored 1 audio files that are in no class folder",)


def test_a_deep_tree_is_read(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/a.wav", "dog/" + "d/" * 60 + "b.wav")
    assert len(load_dataset(tmp_path).clips) == 2


def test_the_order_of_classes_does_not_depend_on_the_file_system(tmp_path: Path) -> None:
    names = ["10", "2", "é", "É", "no", ".git"]
    for seed in range(20):
        random.Random(seed).shuffle(names)
        root = tmp_path / str(seed)
        for name in names:
            _touch(root, f"{name}/x.wav")
        _touch(root, "README")
        assert load_dataset(root).labels == ("10", "2", "no", "É", "é")


def test_one_spelling_of_an_accent_is_one_class(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        _touch(tmp_path, f"{unicodedata.normalize(form, 'é')}/{form}.wav")
    _touch(tmp_path, "b/x.wav")
    assert load_dataset(tmp_path).labels == ("b", "é")


@needs_links
def test_links_that_leave_the_root_are_reported_and_not_followed(tmp_path: Path) -> None:
    _touch(tmp_path, "out/secret.wav")
    root = _touch(tmp_path / "set", "cat/a.wav", "dog/b.wav", "dog/more/c.wav")
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
    _touch(tmp_path, "cat/a.wav", "dog/b.wav")
    os.mkfifo(tmp_path / "dog" / "pipe.wav")
    (skipped,) = load_dataset(tmp_path).skipped
    assert (skipped.name, skipped.reason) == ("dog/pipe.wav", "not a regular file")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as Unicode")
def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    _touch(tmp_path, "cat/a.wav", "dog/b.wav", os.fsdecode(b"dog/\xff.wav"))
    (skipped,) = load_dataset(tmp_path).skipped
    assert skipped.name.isprintable()
    assert skipped.reason == "its name is not UTF-8"
    _touch(tmp_path, os.fsdecode(b"\xffcow/a.wav"), "emu/a.wav")
    assert load_dataset(tmp_path).labels == ("cat", "dog", "emu")


def test_a_class_folder_without_a_printable_name_is_refused(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("this system has no such names")
    with pytest.raises(DataError, match=r"'a\\nb' holds signs that cannot be printed; rename"):
        load_dataset(_touch(tmp_path, "a\nb/x.wav", "c/y.wav"))


def test_a_source_that_is_no_data_set_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such file or folder"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a file, but no manifest"):
        load_dataset(_touch(tmp_path, "clip.wav") / "clip.wav")
    with pytest.raises(
        DataError, match=r"no audio found; expected one sub-folder.*; ignored 1 audio"
    ):
        load_dataset(tmp_path)
    with pytest.raises(DataError, match=r"only one class, 'dog'; expected at least two"):
        load_dataset(_touch(tmp_path, "dog/a.wav", "empty/b.txt"))


def test_a_manifest_in_a_folder_is_found(make_folders: MakeFolders) -> None:
    root = make_folders({"dog": 1, "cat": 1})
    text = "path,label\ndog/0.wav,no\ncat/0.wav,0123\n"
    (root / "manifest.csv").write_text(text)
    dataset = load_dataset(root)
    assert (dataset.layout, dataset.labels) == ("manifest", ("0123", "no"))
    assert [*load_dataset(root / "manifest.csv").clips] == [*dataset.clips]


def test_a_manifest_without_rows_or_of_one_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label\n")
    with pytest.raises(DataError, match=r"list\.csv: no audio found"):
        load_dataset(path)
    path.write_text("path,label\na.wav,x\nb.wav,x\n")
    with pytest.raises(DataError, match=r"list\.csv: only one class, 'x'"):
        load_dataset(path)


@needs_links
def test_a_manifest_never_reaches_out_through_a_link(tmp_path: Path) -> None:
    _touch(tmp_path, "secret.wav")
    (tmp_path / "secret.csv").write_text("password\n")
    root = _touch(tmp_path / "set", "b.wav")
    (root / "a.wav").symlink_to("../secret.wav")
    (root / "list.csv").write_text("path,label\nb.wav,y\na.wav,x\n")
    with pytest.raises(DataError, match=r"row 3: path 'a\.wav' leaves the data's folder through"):
        load_dataset(root / "list.csv")
    (root / "manifest.csv").symlink_to("../secret.csv")
    with pytest.raises(DataError, match=r"manifest\.csv: a link that leaves the data set"):
        load_dataset(root)


ESC50 = "filename,fold,target,category,esc10,src_file,take\n"


def _esc50(root: Path, *rows: str) -> Path:
    _touch(root, "meta/esc50.csv", "audio/x.wav")
    (root / "meta" / "esc50.csv").write_text(ESC50 + "".join(f"{row}\n" for row in rows))
    return root


def test_the_layout_of_esc50_is_known(tmp_path: Path) -> None:
    rows = ("1-17-A-0.wav,1,0,dog,True,17,A", "10-18-B-5.wav,10,5,cat,False,18,B")
    dataset = load_dataset(_esc50(tmp_path, *rows))
    assert dataset.layout == "ESC-50"
    assert dataset.labels == ("cat", "dog")
    assert dataset.folds == ("1", "10")
    first = dataset.clips[0]
    assert (first.name, first.fold, first.group) == ("audio/1-17-A-0.wav", "1", "17")
    assert dataset.notes == (
        "read as ESC-50, known by meta/esc50.csv",
        "1 of 2 clips are of ESC-10 (--layout esc-10 takes these alone)",
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("../../x.wav,1,0,dog,True,17,A", "row 2: path 'audio/../../x.wav' leads out"),
        (",1,0,dog,True,17,A", "row 2: the filename is empty"),
        ("a.wav,,0,dog,True,17,A", "row 2: the fold is empty"),
        ("a.wav,1,0,,True,17,A", "row 2: the label is empty"),
    ],
)
def test_a_bad_row_of_esc50_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(_esc50(tmp_path, row))


@pytest.mark.shared
def test_the_real_esc10_is_read() -> None:
    root = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10"
    if not root.is_dir():
        pytest.skip("the recordings ../shared/data/esc10 are not beside this checkout")
    dataset = load_dataset(root)
    assert dataset.layout == "ESC-50"
    assert dataset.folds == ("1", "2", "3", "4", "5")
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(dataset.labels, 40)
    assert len(dataset.labels) == 10
    assert all(clip.path.is_file() for clip in dataset.clips)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsnet_cli.bulk.outputs import sort_into
from wsnet_cli.bulk.outputs.sort_into import UNSURE, Sorter
from wsnet_cli.bulk.predicting.answers import Answer, Segment
from wsnet_cli.core.errors import FileError

LABELS = ("dog", "../x", "a/b", "_unsure")
OUT = Path("out")


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, content: str | None = None) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(name if content is None else content)
    return name


def heard(name: str, label: int | None) -> Answer:
    scores = () if label is None else ((label, 0.9),)
    return Answer(name, "ok", 1.0, parts=[[Segment(0.0, 1.0, scores)]])


def tree(folder: Path = OUT) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def sort(*answers: Answer, link: bool = False) -> int:
    return Sorter(OUT, LABELS, link).sort(answers)


@pytest.mark.parametrize("link", [False, True])
def test_each_file_goes_into_the_folder_of_its_label(link: bool):
    names = [make(f"in/{i}.wav") for i in range(5)]
    labels = [0, 1, 2, 3, None]
    before = tree(Path("in"))
    answers = [heard(name, label) for name, label in zip(names, labels, strict=True)]
    failed = Answer("in/bad.wav", "error", error="why")
    assert sort(*answers, failed, link=link) == 5
    assert tree() == {
        "dog/0.wav": "in/0.wav",
        "%2E.%2Fx/1.wav": "in/1.wav",
        "a%2Fb/2.wav": "in/2.wav",
        "%5Funsure/3.wav": "in/3.wav",
        f"{UNSURE}/4.wav": "in/4.wav",
    }
    assert tree(Path("in")) == before
    assert (OUT / "dog" / "0.wav").is_symlink() == link


@pytest.mark.parametrize("link", [False, True])
def test_equal_names_get_numbers_and_sorting_again_changes_nothing(link: bool):
    names = [make(f"{folder}/x.wav") for folder in "abc"]
    answers = [heard(name, 0) for name in names]
    expected = {"dog/x.wav": "a/x.wav", "dog/x-2.wav": "b/x.wav", "dog/x-3.wav": "c/x.wav"}
    for _ in range(2):
        sort(*answers, link=link)
        assert tree() == expected


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("n_done", [0, 1, 2, 3])
def test_sorting_that_was_stopped_ends_as_if_it_had_not_been(link: bool, n_done: int):
    answers = [heard(make(f"{folder}/x.wav"), 0) for folder in "abc"]
    sort(*answers[:n_done], link=link)
    sort(*answers, link=link)
    assert tree() == {"dog/x.wav": "a/x.wav", "dog/x-2.wav": "b/x.wav", "dog/x-3.wav": "c/x.wav"}


def test_what_is_there_is_never_replaced():
    make("out/dog/x.wav", "mine")
    make("out/dog/x-2.wav", "mine too")
    sort(heard(make("x.wav"), 0))
    assert tree() == {"dog/x.wav": "mine", "dog/x-2.wav": "mine too", "dog/x-3.wav": "x.wav"}


def test_files_of_one_size_and_time_are_told_apart_by_their_bytes():
    there, source = make("out/dog/x.wav", "11"), make("b/x.wav", "22")
    for name in (there, source):
        os.utime(name, ns=(1, 1))
    sort(heard(source, 0))
    assert tree() == {"dog/x.wav": "11", "dog/x-2.wav": "22"}


def test_copies_keep_their_time():
    name = make("x.wav")
    os.utime(name, ns=(5_000_000_000, 7_000_000_000))
    sort(heard(name, 0))
    assert (OUT / "dog" / "x.wav").stat().st_mtime_ns == 7_000_000_000


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_linked_label_folder_is_not_followed():
    Path("elsewhere").mkdir()
    OUT.mkdir()
    (OUT / "dog").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(FileError, match=r"out/dog: is a link; expected a folder"):
        sort(heard(make("x.wav"), 0))
    assert os.listdir("elsewhere") == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_file_behind_a_link_is_copied():
    make("real.wav", "sound")
    Path("link.wav").symlink_to("real.wav")
    sort(heard("link.wav", 0))
    assert not (OUT / "dog" / "link.wav").is_symlink()
    assert tree() == {"dog/link.wav": "sound"}


def test_a_full_disk_leaves_nothing_half_written(monkeypatch: pytest.MonkeyPatch):
    def full(source: str, target: Path) -> None:
        Path(target).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sort_into.shutil, "copy2", full)
    with pytest.raises(FileError, match=r"cannot write out/dog/x\.wav: No space left on device"):
        sort(heard(make("x.wav"), 0))
    assert tree() == {}


def test_a_file_system_without_hard_links_will_do(monkeypatch: pytest.MonkeyPatch):
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(sort_into.os, "link", no_links)
    sort(heard(make("a/x.wav"), 0), heard(make("b/x.wav"), 0))
    assert tree() == {"dog/x.wav": "a/x.wav", "dog/x-2.wav": "b/x.wav"}


@pytest.mark.skipif(os.name == "nt", reason="counts bytes of UTF-8 names")
def test_long_names_make_room_for_their_number():
    base = "é" * 120 + ".wav"  # 244 bytes
    sort(heard(make(f"a/{base}"), 0), heard(make(f"b/{base}"), 0))
    assert sorted(tree().values()) == [f"a/{base}", f"b/{base}"]


def test_many_files_of_one_name_take_one_try_each(monkeypatch: pytest.MonkeyPatch):
    answers = [heard(make(f"{i}/x.wav"), 0) for i in range(60)]
    tried: list[Path] = []
    is_same = sort_into._is_same

    def note(source: str, target: Path, link: bool) -> bool:
        tried.append(target)
        return is_same(source, target, link)

    monkeypatch.setattr(sort_into, "_is_same", note)
    sort(*answers)
    assert len(tried) == 60


def test_what_is_unknown_goes_into_a_folder_of_that_name():
    names = [make(f"in/{i}.wav") for i in range(3)]
    answers = [heard(name, label) for name, label in zip(names, (0, 1, None), strict=True)]
    assert Sorter(OUT, LABELS, False, (0.9, 0.95, 0, 0)).sort(answers) == 3
    assert list(tree()) == ["_unsure/2.wav", "dog/0.wav", "unknown/1.wav"]

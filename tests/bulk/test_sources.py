from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wsnet_cli.bulk.sources import expand_inputs


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "top.wav",
        "a/2.wav",
        "a/10.FLAC",
        "a/deep/er/x.ogg",
        "a/notes.txt",
        "a/.hidden.wav",
        "a/.git/y.wav",
        "a[1]/z.wav",
        "b/w.wav",
    ):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(*inputs: str) -> list[str]:
    return [path.as_posix() for path in expand_inputs(inputs)]


def test_a_folder_is_walked_for_audio_of_any_case_and_nothing_hidden():
    assert names("a") == ["a/10.FLAC", "a/2.wav", "a/deep/er/x.ogg"]


def test_order_does_not_depend_on_the_file_system(monkeypatch: pytest.MonkeyPatch):
    usual = names(".")
    walk = os.walk

    def turned(top: object, **options: object) -> object:
        for parent, folders, files in walk(top, **options):
            folders.reverse()
            files.reverse()
            yield parent, folders, files

    monkeypatch.setattr(os, "walk", turned)
    assert names(".") == usual
    assert len(usual) == 6


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.wav", ["top.wav"]),
        ("[ab]/*.wav", ["a/2.wav", "b/w.wav"]),
        ("a/**/*.ogg", ["a/deep/er/x.ogg"]),
        ("a/dee?", ["a/deep/er/x.ogg"]),
        ("a/*.txt", ["a/notes.txt"]),
    ],
)
def test_a_pattern_is_matched_and_folders_that_it_matches_are_walked(
    pattern: str, found: list[str]
):
    assert names(pattern) == found


def test_a_name_that_exists_is_no_pattern():
    assert names("a[1]") == ["a[1]/z.wav"]
    assert names("a[1]/z.wav") == ["a[1]/z.wav"]


def test_a_named_file_is_taken_whatever_its_suffix():
    assert names("a/notes.txt", "a/.hidden.wav") == ["a/notes.txt", "a/.hidden.wav"]


def test_inputs_keep_their_order_and_are_listed_once():
    assert names("top.wav", "b", "a", "a/2.wav", "top.wav") == [
        *("top.wav", "b/w.wav", "a/10.FLAC", "a/2.wav", "a/deep/er/x.ogg")
    ]


@pytest.mark.parametrize("name", ["missing.wav", "no/such/folder", "x" * 300, "y" * 5_000])
def test_a_name_that_is_not_there_stays_in_the_list(name: str):
    assert names("top.wav", name) == ["top.wav", name]


def test_what_yields_nothing_stays_in_the_list_as_itself():
    Path("empty").mkdir()
    Path("nest/deep").mkdir(parents=True)
    assert names("top.wav", "take[1].wav", "empty/", "nes?", "*.mp3") == [
        *("top.wav", "take[1].wav", "empty", "nes?", "*.mp3")
    ]
    assert names("empty") == ["empty"]
    assert names("*.mp3") == ["*.mp3"]


@pytest.mark.parametrize(("top", "found"), [("a", ["a/10.FLAC", "a/2.wav"]), ("a/deep", [])])
def test_a_folder_that_cannot_be_listed_is_in_the_list(
    monkeypatch: pytest.MonkeyPatch, top: str, found: list[str]
):
    scan = os.scandir

    def refuse(folder: str | os.PathLike[str]) -> object:
        if Path(folder) == Path("a/deep"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names(top) == [*found, "a/deep"]

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import pytest

from wsnet_cli.bulk.inputs.sources import list_inputs
from wsnet_cli.core.errors import UsageError


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
    return list_inputs(inputs).names


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
        *("top.wav", "take[1].wav", "empty", "nest", "*.mp3")
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
    pattern = list_inputs([f"{top}/**/*.*", "[b]/**"])
    listed = [name for name in pattern.names if not name.endswith("txt")]
    assert listed == [*found, "a/deep", "b/w.wav"]
    assert pattern.refusals["a/deep"].reason == (
        "a/deep: cannot be listed (Permission denied); check its permissions"
    )


# ------------------------------------------------------------------------------ why, not what


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("*.mp3", "*.mp3: does not exist and, as a pattern, matches nothing; expected audio files"),
        ("empty", "empty: is a folder without audio files; expected some"),
    ],
)
def test_what_yields_nothing_says_why(name: str, reason: str):
    Path("empty").mkdir()
    inputs = list_inputs([name, "top.wav"])
    assert inputs.names == [name, "top.wav"]
    refusal = inputs.refusals[name]
    assert (refusal.reason, refusal.is_skip) == (reason, False)
    assert list(inputs.refusals) == [name]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_files_are_files_and_links_to_folders_are_listed_and_not_entered():
    Path("a/link.wav").symlink_to(Path("top.wav").absolute())
    Path("a/loop").symlink_to(Path("a").absolute())
    Path("a/deep/gone.wav").symlink_to("nowhere")
    inputs = list_inputs(["a"])
    assert inputs.names == [
        *("a/10.FLAC", "a/2.wav", "a/link.wav", "a/loop", "a/deep/gone.wav", "a/deep/er/x.ogg")
    ]
    refusal = inputs.refusals["a/loop"]
    assert refusal.is_skip
    assert refusal.reason.startswith("a/loop: is a link to a folder, which is not entered")
    assert names("a/loop") == [f"a/loop/{name.removeprefix('a/')}" for name in inputs.names]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_folders_that_a_pattern_might_match_in_are_listed_and_not_entered():
    for name in ("a/linked", "b/linked", "linked"):
        Path(name).symlink_to(Path("a/deep").absolute())
    inputs = list_inputs(["a/**/*.ogg", "[b]/**/*.wav"])
    assert inputs.names == ["a/linked", "a/deep/er/x.ogg", "b/linked", "b/w.wav"]
    assert all(inputs.refusals[name].is_skip for name in ("a/linked", "b/linked"))


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_no_pattern_walks_in_circles():
    Path("a/loop").symlink_to(Path.cwd())
    Path("b/loop").symlink_to(Path.cwd())
    found = list_inputs(["**/*.wav", "**"]).names
    assert sorted(found) == sorted(
        {*("a/10.FLAC", "a/2.wav", "a/deep/er/x.ogg", "a/loop", "a/notes.txt", "a[1]/z.wav")}
        | {"b/loop", "b/w.wav", "top.wav"}
    )


def test_a_folder_named_like_a_file_is_a_folder():
    Path("x.wav").mkdir()
    Path("x.wav/in.wav").touch()
    assert names("x.wav") == ["x.wav/in.wav"]
    assert "x.wav/in.wav" in names(".")


# --------------------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"top.wav\na/2.wav\n", ["top.wav", "a/2.wav"]),
        (b"top.wav\r\na/2.wav", ["top.wav", "a/2.wav"]),
        (b"\xef\xbb\xbftop.wav\n\n  \n", ["top.wav"]),
        (b"top.wav\0a/2.wav\0", ["top.wav", "a/2.wav"]),
        (b"new\nline.wav\0", ["new\nline.wav"]),
        (b"b\n", ["b/w.wav"]),
        (b"*.wav\n", ["*.wav"]),
        (b" spaces .wav\n", [" spaces .wav"]),
        (b"@other.txt\n", ["@other.txt"]),
        (b"./top.wav\ntop.wav\n", ["top.wav"]),
        (b"", []),
    ],
)
def test_a_list_names_files_and_folders(content: bytes, found: list[str]):
    Path("list.txt").write_bytes(content)
    assert names("@list.txt") == found


def test_a_list_is_relative_to_the_current_folder():
    Path("lists").mkdir()
    Path("lists/l.txt").write_text("a/2.wav\n")
    assert names("@lists/l.txt", "top.wav") == ["a/2.wav", "top.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_list_holds_any_bytes():
    Path("list.txt").write_bytes(b"\xff.wav\n")
    assert names("@list.txt") == ["\udcff.wav"]


def test_a_list_from_standard_input(monkeypatch: pytest.MonkeyPatch):
    content = io.TextIOWrapper(io.BytesIO(b"top.wav\0a/2.wav\0"))
    monkeypatch.setattr(sys, "stdin", content)
    assert names("@-") == ["top.wav", "a/2.wav"]


def test_a_file_whose_name_begins_like_a_list_is_a_file():
    Path("@top.wav").touch()
    assert names("@top.wav") == ["@top.wav"]


@pytest.mark.parametrize("name", ["@missing.txt", "@a"])
def test_a_list_that_cannot_be_read_is_wrong_usage(name: str):
    with pytest.raises(UsageError, match=rf"^{name}: the list cannot be read \(.*; for a file of"):
        names(name)

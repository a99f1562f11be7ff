from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.paths import Root

needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.wav", "a.wav"),
        ("./dog//a.wav", "dog/a.wav"),
        (r"dog\a.wav", "dog/a.wav"),
        ("..a", "..a"),
    ],
)
def test_a_member_has_one_clean_name(tmp_path: Path, text: str, name: str) -> None:
    path, found = Root(tmp_path).member(text)
    assert found == name
    assert path == Path(os.path.realpath(tmp_path)) / name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("../x.wav", r"'\.\./x\.wav' leads out"),
        ("dog/../../x.wav", "leads out"),
        (r"dog\..\x.wav", "leads out"),
        (".. ./x.wav", "leads out"),
        ("/etc/passwd", "'/etc/passwd' is absolute"),
        (r"\\server\share", "is absolute"),
        (r"C:\x.wav", "is absolute"),
        ("C:x.wav", "is absolute"),
        (" ", "is empty"),
        ("./.", "is empty"),
        ("a/" * 5000, "longer than 4096"),
        ("dog\0/x.wav", "holds characters that no file name has"),
        ("dog/\udcff.wav", "holds characters that no file name has"),
    ],
)
def test_a_path_that_could_lead_outside_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Root(tmp_path).member(text)


@needs_links
def test_links_are_followed_only_within_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "dog").mkdir(parents=True)
    (tmp_path / "secret.wav").touch()
    (root / "dog" / "a.wav").touch()
    (root / "in.wav").symlink_to("dog/a.wav")
    (root / "out.wav").symlink_to("../secret.wav")
    (root / "twice.wav").symlink_to("out.wav")
    (root / "up").symlink_to("..")
    (root / "circle").symlink_to("circle")
    guard = Root(root)
    assert guard.member("in.wav")[1] == "in.wav"
    assert guard.member("circle")[1] == "circle"
    for text in ("out.wav", "twice.wav", "up/secret.wav"):
        with pytest.raises(DataError, match="through a link"):
            guard.member(text)


@needs_links
def test_the_root_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.wav").touch()
    (tmp_path / "link").symlink_to("real")
    assert Root(tmp_path / "link").member("a.wav")[0].parent.name == "real"


def test_a_name_that_no_file_can_have_is_merely_not_there(tmp_path: Path) -> None:
    assert Root(tmp_path).holds(tmp_path / ("x" * 3000))


@needs_links
def test_a_table_of_the_data_set_is_a_file_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "meta").mkdir(parents=True)
    (root / "meta" / "t.csv").touch()
    (tmp_path / "secret.csv").touch()
    (root / "in.csv").symlink_to("meta/t.csv")
    (root / "out.csv").symlink_to("../secret.csv")
    (root / "loop.csv").symlink_to("loop.csv")
    guard = Root(root)
    assert guard.own_file("meta/t.csv") == Path(os.path.realpath(root)) / "meta" / "t.csv"
    assert guard.own_file("in.csv").name == "in.csv"
    with pytest.raises(DataError, match=r"out\.csv: a link that leaves the data set"):
        guard.own_file("out.csv")
    for name in ("meta", "gone.csv", "loop.csv"):
        with pytest.raises(DataError, match="not a file; expected a table"):
            guard.own_file(name)

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.bulk.running import journal as module
from wsnet_cli.bulk.running.journal import Journal
from wsnet_cli.core.errors import FileError

LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))


def read(path: Path) -> list[str]:
    with Journal(path) as journal:
        return [line for _, line in journal.lines()]


def test_lines_come_back_from_where_they_began(tmp_path: Path):
    path = tmp_path / "new" / "j"
    with Journal(path) as journal:
        first = journal.append(["one", "two"])
        second = journal.append(["three"])
        assert [line for _, line in journal.lines(second)] == ["three"]
        assert next(iter(journal.lines())) == (first, "one")
    with Journal(path) as journal:
        third = journal.append([""])
        assert [line for _, line in journal.lines(third)] == [""]
    assert read(path) == ["one", "two", "three", ""]


def test_reading_may_be_interleaved_with_appending_and_other_reading(tmp_path: Path):
    with Journal(tmp_path / "j") as journal:
        starts = [journal.append([f"{i}", f"{i}+"]) for i in range(3)]
        slow = journal.lines(starts[0])
        assert next(slow)[1] == "0"
        assert [line for _, line in journal.lines(starts[2])] == ["2", "2+"]
        journal.append(["end"])
        assert [line for _, line in slow] == ["0+", "1", "1+", "2", "2+", "end"]


@settings(deadline=None, max_examples=60)
@given(lines=LINES, data=st.data())
def test_a_cut_file_gives_the_whole_lines_before_the_cut(
    lines: list[str], data: Any, tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("j") / "j"
    with Journal(path) as journal:
        journal.append(lines)
    content = path.read_bytes()
    n_kept = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:n_kept])
    n_whole = content[:n_kept].count(b"\n")
    assert read(path) == lines[:n_whole]


@settings(deadline=None, max_examples=60)
@given(lines=LINES.filter(bool), data=st.data())
def test_a_damaged_line_hides_itself_and_what_follows(
    lines: list[str], data: Any, tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("j") / "j"
    with Journal(path) as journal:
        journal.append(lines)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    n_before = path.read_bytes()[:at].count(b"\n")
    assert read(path) == lines[:n_before]


def test_what_is_cut_is_gone_and_does_not_come_back(tmp_path: Path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.append(["kept"])
        end = journal.append(["x" * 50, "y"])
        assert len(list(journal.lines())) == 3
        journal.cut(end)
        again = journal.append(["z"])
        assert again == end
        assert [line for _, line in journal.lines()] == ["kept", "z"]
    assert read(path) == ["kept", "z"]


class _Full:
    """A file on a disk that is full after some bytes, which it still takes."""

    def __init__(self, stream: Any, room: int) -> None:
        self._stream, self._room = stream, room

    def write(self, data: memoryview) -> int:
        if self._room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = min(self._room, len(data))
        self._room -= n
        return int(self._stream.write(data[:n]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.mark.parametrize("room", [0, 1, 12, 30])
def test_a_full_disk_leaves_the_lines_before(tmp_path: Path, room: int):
    path = tmp_path / "j"
    journal = Journal(path)
    journal.append(["before"])
    stream = journal._stream
    journal._stream = _Full(stream, room)  # type: ignore[assignment]
    with pytest.raises(FileError, match=r"cannot write .*j: No space left on device"):
        journal.append(["a" * 20, "b" * 20])
    journal._stream = stream
    journal.append(["after"])
    assert [line for _, line in journal.lines()] == ["before", "after"]
    journal.remove()
    assert not path.exists()


def test_large_appends_are_written_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 64)
    lines = [f"line {i}" for i in range(100)]
    with Journal(tmp_path / "j") as journal:
        journal.append(iter(lines))
    assert read(tmp_path / "j") == lines


def test_it_is_synced_now_and_then_and_not_for_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seconds = [0.0]
    synced: list[float] = []
    monkeypatch.setattr(module.time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(seconds[0]))
    with Journal(tmp_path / "j") as journal:
        for tick in range(50):
            seconds[0] = tick / 10
            journal.append(["x"])
        assert synced == [1.0, 2.0, 3.0, 4.0]
        journal.sync()
        journal.sync()
        assert len(synced) == 5


@pytest.mark.skipif(os.name == "nt", reason="Windows opens no folder")
def test_a_folder_in_its_place_is_one_line(tmp_path: Path):
    with pytest.raises(FileError, match=r"cannot open .*: Is a directory"):
        Journal(tmp_path)

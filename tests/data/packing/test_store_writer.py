"""Writing a packed set: whoever wrote how much before, the bytes are those of one go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from faulty_disk import Killed, contents, faulty_disk
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.packing import store_writer
from wsnet_cli.data.packing.one_clip import PackedClip
from wsnet_cli.data.packing.store import INDEX, JOURNAL, MANIFEST, open_store
from wsnet_cli.data.packing.store_index import ENTRY, KEY_BYTES
from wsnet_cli.data.packing.store_writer import StoreWriter

RATE = 8000
SHARD_BYTES = 40


def key(number: int) -> bytes:
    return number.to_bytes(2, "big").ljust(KEY_BYTES, b".")


def clip(number: int, n: int) -> PackedClip:
    codes = (np.arange(n) * 7 + number).astype(np.int16)
    blocks = [codes[: n // 2], codes[n // 2 :]]
    return PackedClip(n, 1 / (number + 1), np.zeros(1, HEALTH)[0], lambda: iter(blocks))


def go_on(folder: Path, lengths: list[int], until: int | None = None) -> None:
    """Write clips of these lengths behind those that are there; as far as `until`, unfinished."""
    writer = StoreWriter(folder, RATE)
    writer.begin(min(writer.n_kept, len(lengths)))
    n_kept = min(writer.n_kept, len(lengths))
    for number in range(n_kept, len(lengths) if until is None else until):
        writer.add(key(number), clip(number, lengths[number]))
    if until is None:
        writer.finish()
    else:
        writer.close()


@settings(deadline=None, max_examples=80)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    data=st.data(),
)
def test_writers_that_are_stopped_anywhere_write_what_one_does(
    lengths: list[int], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "SHARD_BYTES", SHARD_BYTES)
        once, often = Path(name, "once"), Path(name, "often")
        once.mkdir()
        often.mkdir()
        go_on(once, lengths)
        for _ in range(data.draw(st.integers(1, 3), "stops")):
            go_on(often, lengths, until=data.draw(st.integers(0, len(lengths)), "clips"))
            for path in sorted(often.iterdir()):  # what a power cut takes
                size = path.stat().st_size
                os.truncate(path, size - data.draw(st.integers(0, size), path.name))
        go_on(often, lengths)
        assert contents(often) == contents(once)


def test_a_writer_that_is_killed_at_any_call_loses_no_whole_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", SHARD_BYTES)
    lengths = [5, 9, 30, 2, 2]
    (tmp_path / "once").mkdir()
    with faulty_disk() as disk:
        go_on(tmp_path / "once", lengths)
    kept = []
    for n in range(1, disk.n_calls + 1):
        folder = tmp_path / str(n)
        folder.mkdir()
        with faulty_disk(n, kills=True), pytest.raises(Killed):
            go_on(folder, lengths)
        kept.append(StoreWriter(folder, RATE).n_kept)
        go_on(folder, lengths)
        assert contents(folder) == contents(tmp_path / "once"), n
    assert kept == sorted(kept)
    assert set(kept) == set(range(6))


def write_four(folder: Path) -> None:
    writer = StoreWriter(folder, RATE)
    try:
        writer.begin(0)
        for number in range(4):
            writer.add(key(number), clip(number, 9))
        writer.finish()
    finally:
        writer.close()


def test_a_call_that_fails_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", SHARD_BYTES)
    (tmp_path / "once").mkdir()
    with faulty_disk() as disk:
        write_four(tmp_path / "once")
    told: list[str] = []
    for n in range(1, disk.n_calls + 1):
        folder = tmp_path / str(n)
        folder.mkdir()
        with faulty_disk(n):
            try:
                write_four(folder)
            except FileError as error:
                told.append(str(error))
        go_on(folder, [9] * 4)
        assert contents(folder) == contents(tmp_path / "once"), n
    # One call makes a folder that is there.
    assert len(told) == disk.n_calls - 1
    assert all(text.endswith("No space left on device") for text in told)


def test_a_finished_set_is_opened_again(tmp_path: Path) -> None:
    go_on(tmp_path, [3, 4])
    before = contents(tmp_path)
    (tmp_path / f".{MANIFEST}.abc.wsnet-part").write_text("of a killed writer")
    writer = StoreWriter(tmp_path, RATE)
    assert writer.n_kept == 2
    assert writer.kept.tolist() == [list(key(0)), list(key(1))]
    assert {path.name for path in tmp_path.iterdir()} == {JOURNAL, "shard-0000.i16"}
    go_on(tmp_path, [3, 4])
    assert contents(tmp_path) == before
    assert (tmp_path / INDEX).stat().st_size == 2 * ENTRY.itemsize


def test_what_lies_behind_the_kept_clips_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", SHARD_BYTES)
    go_on(tmp_path, [20, 20, 20], until=3)
    assert len(list(tmp_path.glob("*.i16"))) == 3
    writer = StoreWriter(tmp_path, RATE)
    writer.begin(1)
    assert [path.name for path in tmp_path.glob("*.i16")] == ["shard-0000.i16"]
    writer.finish()
    store = open_store(tmp_path, RATE)
    assert store is not None
    assert store.index["key"].tolist() == [list(key(0))]


def test_a_finished_set_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full shard too, which is closed long before the end."""
    monkeypatch.setattr(store_writer, "SHARD_BYTES", SHARD_BYTES)
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda fd: synced.add(os.fstat(fd).st_ino))
    go_on(tmp_path, [20, 20, 20])
    paths = [*tmp_path.glob("*.i16"), tmp_path / INDEX, tmp_path / MANIFEST]
    assert len(paths) == 5
    assert {path.stat().st_ino for path in paths} <= synced

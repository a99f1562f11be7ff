"""Preparing on a full disk, and killed at every call: nothing lost, misread or left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_disk import Killed, contents, faulty_disk

from wsnet_cli.core.errors import DataError, FileError
from wsnet_cli.data import prepare as prepare_module
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.prepared import open_prepared
from wsnet_cli.data.packing import store_writer
from wsnet_cli.data.prepare import Prepared
from wsnet_cli.data.prepared_folder import is_prepared

MakeFolders = Callable[[dict[str, int]], Path]
MakeSine = Callable[..., Path]
RATE = 8000


def prepare(source: Path, folder: Path) -> Prepared:
    return prepare_module.prepare(load_dataset(source), folder, RATE)


def add(root: Path, make_sine: MakeSine) -> None:
    make_sine(root / "cat" / "new.wav", hz=1234)


def change(root: Path, make_sine: MakeSine) -> None:
    """Of the same size and age."""
    path = root / "dog" / "1.wav"
    status = path.stat()
    make_sine(path, hz=901)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, make_folders: MakeFolders) -> Path:
    """Four clips, two to a shard, and one that cannot be read."""
    monkeypatch.setattr(store_writer, "SHARD_BYTES", 4_000)
    root = make_folders({"cat": 2, "dog": 2})
    (root / "cat" / "empty.wav").touch()
    return root


def n_calls_of(source: Path, folder: Path) -> int:
    with faulty_disk() as disk:
        prepare(source, folder)
    return disk.n_calls


def test_a_run_killed_at_any_call_is_taken_up(few: Path, tmp_path: Path) -> None:
    n_calls = n_calls_of(few, tmp_path / "whole")
    assert n_calls > 25
    for n in range(1, n_calls + 1):
        out = tmp_path / "killed" / str(n)
        with faulty_disk(n, kills=True), pytest.raises(Killed):
            prepare(few, out)
        n_again = prepare(few, out).n_decoded
        assert contents(out) == contents(tmp_path / "whole"), n
        assert n_again <= 4 - (n > n_calls // 2)


def test_an_update_killed_at_any_call_is_taken_up_and_never_misread(
    few: Path, tmp_path: Path, make_sine: MakeSine
) -> None:
    prepare(few, tmp_path / "before")
    change(few, make_sine)
    add(few, make_sine)
    prepare(few, tmp_path / "whole")
    expected = [contents(tmp_path / "before"), contents(tmp_path / "whole")]
    n = 1
    while True:
        out = tmp_path / "killed" / str(n)
        out.parent.mkdir(exist_ok=True)
        copy_of(tmp_path / "before", out)
        try:
            with faulty_disk(n, kills=True):
                prepare(few, out)
        except Killed:
            check_loads_or_says_so(out)
            prepare(few, out)
        else:
            break
        assert contents(out) == expected[1], n
        n += 1
    assert n > 25
    assert contents(out) == expected[1]


def test_a_full_disk_is_one_line_and_what_was_done_stays(
    few: Path, tmp_path: Path, make_sine: MakeSine
) -> None:
    prepare(few, tmp_path / "before")
    change(few, make_sine)
    prepare(few, tmp_path / "whole")
    n, n_refused, n_calls = 1, 0, 1
    while n <= n_calls:
        out = tmp_path / "full" / str(n)
        out.parent.mkdir(exist_ok=True)
        copy_of(tmp_path / "before", out)
        with faulty_disk(n) as disk:
            error = error_of(prepare, few, out)
        if error is not None:
            n_refused += 1
            assert isinstance(error, FileError)
            assert "No space left on device" in str(error)
            assert len(str(error).splitlines()) == 1
            check_loads_or_says_so(out)
            prepare(few, out)
        assert contents(out) == contents(tmp_path / "whole"), n
        n, n_calls = n + 1, max(n_calls, disk.n_calls)
    assert n_refused > 25


def copy_of(folder: Path, target: Path) -> None:
    import shutil

    shutil.copytree(folder, target)


def error_of(function: Callable[..., object], *arguments: object) -> Exception | None:
    try:
        function(*arguments)
    except Exception as error:
        return error
    return None


def check_loads_or_says_so(folder: Path) -> None:
    """A folder in the middle of an update is the old one, the new one, or says what to do."""
    error = error_of(open_prepared, folder)
    if error is None:
        dataset, packed = open_prepared(folder)
        assert len(dataset.clips) in (4, 5)
        assert all(packed.store.intact(int(row)) for row in packed.rows)
    else:
        assert isinstance(error, DataError)
        assert "run wsnet prepare again" in str(error)
    assert is_prepared(folder)

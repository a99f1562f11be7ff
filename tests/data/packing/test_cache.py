from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import filelock
import pytest

from wsnet_cli.data.packing import cache
from wsnet_cli.data.packing.cache import (
    cache_size_bytes,
    clear_cache,
    default_cache_root,
    lock_set,
    mark_used,
    trim_cache,
)

KEYS = ["a" * 32, "b" * 32, "c" * 32]


def _make_set(root: Path, name: str, n_bytes: int = 100, age_s: int = 0) -> Path:
    folder = cache.packed_folder(root) / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(b"{}")
    (folder / "shard-0000.i16").write_bytes(bytes(n_bytes - 2))
    os.utime(folder / "manifest.json", (1e9 - age_s, 1e9 - age_s))
    return folder


def _part(key: str) -> str:
    return f".{key}.0123456789ab.wsnet-part"


def test_the_root_is_named_by_the_environment_or_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSNET_CACHE", str(tmp_path / "here"))
    assert default_cache_root() == tmp_path / "here"
    assert not (tmp_path / "here").exists()
    monkeypatch.setenv("WSNET_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = default_cache_root()
    assert root.is_absolute()
    assert "wsnet" in root.parts


def test_the_size_is_that_of_all_sets(tmp_path: Path) -> None:
    assert cache_size_bytes(tmp_path / "nowhere") == 0
    _make_set(tmp_path, KEYS[0], 100)
    _make_set(tmp_path, _part(KEYS[1]), 30)
    assert cache_size_bytes(tmp_path) == 130


def test_clearing_deletes_only_what_wsnet_made(tmp_path: Path) -> None:
    _make_set(tmp_path, KEYS[0], 100)
    _make_set(tmp_path, _part(KEYS[1]), 30)
    own = _make_set(tmp_path, KEYS[2], 50)
    others = [
        tmp_path / "diary.txt",
        tmp_path / "packed" / "photos" / "manifest.json",
        own / "my.txt",
    ]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    outside = _make_set(tmp_path / "other", KEYS[0])
    if os.name != "nt":
        (tmp_path / "packed" / ("d" * 32)).symlink_to(outside)
    assert clear_cache(tmp_path) >= 130
    assert all(path.read_text() == "mine" for path in others)
    assert (outside / "shard-0000.i16").exists()
    assert cache_size_bytes(tmp_path) == 0
    assert not (tmp_path / "packed" / KEYS[0]).exists()


def test_clearing_leaves_an_empty_cache_without_a_trace(tmp_path: Path) -> None:
    _make_set(tmp_path, KEYS[0])
    assert clear_cache(tmp_path) == 100
    assert list(tmp_path.iterdir()) == []
    assert clear_cache(tmp_path) == 0


def test_a_set_that_is_being_written_stays(tmp_path: Path) -> None:
    part = _make_set(tmp_path, _part(KEYS[0]))
    with lock_set(tmp_path, KEYS[0]):
        assert clear_cache(tmp_path) == 0
        assert trim_cache(tmp_path, 0) == 0
        assert part.exists()
    assert trim_cache(tmp_path) == 100
    assert not part.exists()


def test_trimming_deletes_the_least_recently_used_until_the_rest_fits(tmp_path: Path) -> None:
    folders = [
        _make_set(tmp_path, key, age_s=age) for key, age in zip(KEYS, (3, 2, 1), strict=True)
    ]
    assert trim_cache(tmp_path, 300) == 0
    mark_used(folders[0])
    assert trim_cache(tmp_path, 250) == 100
    assert [folder.exists() for folder in folders] == [True, False, True]
    assert trim_cache(tmp_path, 0, keep=folders[2], also=folders[:1]) == 0
    assert trim_cache(tmp_path, 0, keep=folders[2]) == 100
    assert [folder.exists() for folder in folders] == [False, False, True]


def test_a_lock_that_cannot_be_deleted_while_it_is_held_costs_no_other_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to delete an open file."""
    folders = [_make_set(tmp_path, key, age_s=3 - i) for i, key in enumerate(KEYS)]
    locks: list[filelock.BaseFileLock] = []
    unlink, make = Path.unlink, filelock.FileLock

    def note(*args: Any, **options: Any) -> filelock.BaseFileLock:
        locks.append(make(*args, **options))
        return locks[-1]

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if any(lock.is_locked and Path(lock.lock_file) == path for lock in locks):
            raise PermissionError(errno.EACCES, "it is in use", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(filelock, "FileLock", note)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert trim_cache(tmp_path, 250) == 100
    assert locks
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert list((tmp_path / "packed").glob(".*.lock")) == []


def test_a_set_with_a_file_of_ones_own_counts_as_freed(tmp_path: Path) -> None:
    folders = [_make_set(tmp_path, key, age_s=3 - i) for i, key in enumerate(KEYS)]
    (folders[0] / "my.txt").write_text("mine")
    assert trim_cache(tmp_path, 250) == 100
    assert [path.name for path in folders[0].iterdir()] == ["my.txt"]
    assert folders[1].exists()

"""Content keys: what they are, how often a file is read for them, and who has none."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.errors import AudioError
from wsnet_cli.data.clips import ClipTable
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.packing import content as content_module
from wsnet_cli.data.packing.content import hash_contents, refusal


@pytest.fixture
def make_table(tmp_path: Path) -> Callable[..., ClipTable]:
    """Clips of files by name, each of whose content is its name."""

    def make(*clips: tuple[str, float | None, float | None]) -> ClipTable:
        for name, _, _ in clips:
            (tmp_path / name).write_text(name)
        return ClipTable(
            tmp_path,
            (Clip(tmp_path / n, n, "a", start_s=start, end_s=end) for n, start, end in clips),
        )

    return make


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_keys_are_the_hash_and_the_segment(make_table) -> None:
    table = make_table(
        ("a", None, None), ("a", None, 1.5), ("a", 0.0, 1.5), ("a", 0.25, None), ("b", 0.0, None)
    )
    contents = hash_contents(table)
    assert list(contents) == [
        *(f"{sha('a')}@0.0-1.5", f"{sha('a')}@0.0-1.5", sha("a"), f"{sha('a')}@0.25-"),
        f"{sha('b')}@0.0-",
    ]
    assert len(contents) == 5
    for index in (5, -1):
        with pytest.raises(IndexError, match=f"clip {index} of 5"):
            contents[index]


@pytest.mark.parametrize("workers", [1, 3])
def test_each_file_is_read_once_and_in_order(
    make_table, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Also where the segments of one go on past the end of a hand-over."""
    names = [f"{i:03d}" for i in range(200)]
    clips = [(name, float(s), float(s + 1)) for name in names[:3] for s in range(50)]
    table = make_table(*clips, *((name, None, None) for name in names[3:]))
    hashed: Counter[str] = Counter()
    hash_file = content_module._hash_file

    def spy(path: Path) -> object:
        hashed[path.name] += 1
        return hash_file(path)

    monkeypatch.setattr(content_module, "_hash_file", spy)
    told: list[tuple[int, int]] = []
    contents = hash_contents(table, workers, lambda done, total: told.append((done, total)))
    assert hashed == Counter(names)
    assert [key.partition("@")[0] for key in contents] == [sha(name) for name in table.names]
    assert told == sorted(told)
    assert told[-1] == (347, 347)


def test_who_cannot_be_read_has_no_key(make_table, tmp_path: Path) -> None:
    table = make_table(*((name, None, None) for name in "abcdef"))
    (tmp_path / "b").unlink()
    (tmp_path / "c").unlink()
    (tmp_path / "c").mkdir()
    (tmp_path / "d").unlink()
    (tmp_path / "d").symlink_to("d")
    contents = hash_contents(table, workers=2)
    assert [bool(key) for key in contents] == [True, False, False, False, True, True]
    reasons = {f.name: (f.kind, f.reason) for f in contents.failures.values()}
    assert reasons == {
        "b": ("unreadable", "No such file or directory"),
        "c": ("unreadable", "not a regular file"),
        "d": ("unreadable", os.strerror(errno.ELOOP)),
    }
    assert sorted(contents.failures) == [1, 2, 3]
    assert not contents.digests[1].any()


def test_a_change_of_size_or_time_is_noticed(make_table, tmp_path: Path) -> None:
    contents = hash_contents(make_table(("a", None, None)))
    path = tmp_path / "a"
    status = path.stat()
    assert contents.unchanged(0, path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    assert not contents.unchanged(0, path)
    path.write_text("aa")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not contents.unchanged(0, path)


def test_reasons_are_without_the_path() -> None:
    clip = Clip(Path("/x/a.wav"), "a.wav", "a")
    error = AudioError("/x/a.wav: is empty", "empty")
    assert refusal(error, clip) == content_module.Failure("a.wav", "is empty", "empty")
    system = refusal(FileNotFoundError(2, "No such file", "/x/a.wav"), clip)
    assert (system.reason, system.kind) == ("No such file", "unreadable")
    assert refusal(ValueError("embedded null byte"), clip).reason == "embedded null byte"

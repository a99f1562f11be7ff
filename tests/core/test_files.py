from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.core.errors import FileError
from wsnet_cli.core.files import (
    TEMPORARY_SUFFIX,
    exists,
    explain_os_errors,
    is_folder,
    remove_stale,
    write_atomic,
    write_json_atomic,
    write_text_atomic,
)

posix_only = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no folder sync, umask or long paths"
)
OLD, NEW = b"old content", b"new" * 1000


class System:
    """Records the steps of a write and fails the one whose number is `fail_at`, from 1."""

    def __init__(self, fail_at: int = 0, error: BaseException | None = None) -> None:
        self.steps: list[tuple[str, str]] = []
        self.fail_at = fail_at
        self.error = error or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def step(self, what: str, name: str) -> None:
        self.steps.append((what, name))
        if len(self.steps) == self.fail_at:
            raise self.error

    def install(self, patch: pytest.MonkeyPatch) -> None:
        descriptors: dict[int, str] = {}
        path_open, path_replace, os_open, os_fsync = Path.open, Path.replace, os.open, os.fsync

        def open_file(path: Path, mode: str = "r") -> Any:
            self.step(f"open {mode}", path.name)
            stream = path_open(path, mode)
            descriptors[stream.fileno()] = path.name
            return _Stream(stream, self, path.name)

        def open_folder(path: Path, flags: int) -> int:
            self.step("open folder", path.name)
            descriptor = os_open(path, flags)
            descriptors[descriptor] = path.name
            return descriptor

        def fsync(descriptor: int) -> None:
            self.step("fsync", descriptors[descriptor])
            os_fsync(descriptor)

        def replace(path: Path, target: Path) -> Path:
            self.step("rename", f"{path.name} to {target.name}")
            return path_replace(path, target)

        patch.setattr(Path, "open", open_file)
        patch.setattr(Path, "replace", replace)
        patch.setattr(os, "open", open_folder)
        patch.setattr(os, "fsync", fsync)


class _Stream:
    """A file whose writing and flushing are steps, too."""

    def __init__(self, stream: io.BufferedWriter, system: System, name: str) -> None:
        self._stream, self._system, self._name = stream, system, name

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *details: object) -> None:
        self._stream.close()

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, content: bytes) -> None:
        self._stream.write(content[: len(content) // 2])
        self._system.step("write", self._name)
        self._stream.write(content[len(content) // 2 :])

    def flush(self) -> None:
        self._stream.flush()
        self._system.step("flush", self._name)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "model.wsnet"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def write_with(system: System, path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        system.install(patch)
        write_atomic(path, NEW)


@posix_only
def test_steps_are_in_the_order_that_survives_a_power_cut(target: Path) -> None:
    system = System()
    write_with(system, target)
    temporary = system.steps[0][1]
    assert temporary.startswith(".model.wsnet.")
    assert temporary.endswith(TEMPORARY_SUFFIX)
    assert system.steps == [
        ("open xb", temporary),
        ("write", temporary),
        ("flush", temporary),
        ("fsync", temporary),
        ("rename", f"{temporary} to model.wsnet"),
        ("open folder", "folder"),
        ("fsync", "folder"),
    ]
    assert target.read_bytes() == NEW
    assert [path.name for path in target.parent.iterdir()] == ["model.wsnet"]


@posix_only
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("fail_at", range(1, 8))
def test_a_failure_at_any_step_leaves_a_whole_file_and_nothing_else(
    target: Path, fail_at: int, code: int
) -> None:
    system = System(fail_at, OSError(code, os.strerror(code)))
    with pytest.raises(FileError) as caught:
        write_with(system, target)
    assert str(caught.value) == f"cannot write {target}: {os.strerror(code)}"
    renamed = fail_at > 5
    assert target.read_bytes() == (NEW if renamed else OLD)
    assert [path.name for path in target.parent.iterdir()] == ["model.wsnet"]
    assert len(system.steps) == fail_at


@posix_only
@pytest.mark.parametrize("fail_at", range(1, 6))
def test_a_failed_first_write_leaves_nothing(tmp_path: Path, fail_at: int) -> None:
    with pytest.raises(FileError, match=r"^cannot write .*: No space left on device"):
        write_with(System(fail_at), tmp_path / "new.wsnet")
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_an_interrupted_write_cleans_up_and_goes_on_interrupting(
    target: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        write_with(System(2, error), target)
    assert target.read_bytes() == OLD
    assert [path.name for path in target.parent.iterdir()] == ["model.wsnet"]


@posix_only
def test_no_descriptor_stays_open_when_the_folder_cannot_be_synced(target: Path) -> None:
    closed = []
    close = os.close
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            os, "close", lambda descriptor: (closed.append(descriptor), close(descriptor))
        )
        system = System(7)
        system.install(patch)
        with pytest.raises(FileError):
            write_atomic(target, NEW)
    assert len(closed) == 1


@pytest.fixture
def with_umask() -> Iterator[Callable[[int], None]]:
    before = os.umask(0)
    yield lambda mask: (os.umask(mask), None)[1]
    os.umask(before)


@posix_only
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_mode_is_that_of_any_new_file(
    tmp_path: Path, with_umask: Callable[[int], None], umask: int, mode: int
) -> None:
    path = tmp_path / "x"
    with_umask(umask)
    write_atomic(path, b"1")
    write_atomic(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_missing_parents_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.txt"
    write_atomic(str(path), b"1")
    assert path.read_bytes() == b"1"


def test_empty_and_text_content(tmp_path: Path) -> None:
    write_atomic(tmp_path / "empty", b"")
    assert (tmp_path / "empty").read_bytes() == b""
    write_text_atomic(tmp_path / "text", "é\n☃\r\n")
    assert (tmp_path / "text").read_bytes() == "é\n☃\r\n".encode()


def test_json_is_indented_and_ends_its_line(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"é": [1, None]})
    expected = '{\n  "é": [\n    1,\n    null\n  ]\n}\n'
    assert (tmp_path / "a.json").read_bytes() == expected.encode()


def test_a_number_that_json_cannot_say_leaves_the_old_document(target: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_atomic(target, {"loss": float("nan")})
    assert target.read_bytes() == OLD
    assert list(target.parent.iterdir()) == [target]


@posix_only
@pytest.mark.parametrize("name", ["m" * 250, "é" * 100, "\N{OWL}" * 60])
def test_names_that_the_system_takes_can_be_written(tmp_path: Path, name: str) -> None:
    write_atomic(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1"


def test_impossible_targets_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(FileError, match=r"^cannot write .*file.x: "):
        write_atomic(tmp_path / "file" / "x", b"2")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match=r"^cannot write .*folder: "):
        write_atomic(tmp_path / "folder", b"2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@posix_only
def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        message = f"cannot write {tmp_path / name}: is not a regular file; expected a file's name"
        with pytest.raises(FileError) as caught:
            write_atomic(tmp_path / name, NEW)
        assert str(caught.value) == message
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match=r"^cannot write .*folder: is a folder; expected a file's"):
        write_atomic(tmp_path / "folder", NEW)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(FileError, match=r"^cannot write .*round: "):
        write_atomic(tmp_path / "round", NEW)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "pipe", "round"]


@posix_only
def test_a_link_stays_a_link(target: Path, tmp_path: Path) -> None:
    link, dangling = tmp_path / "link", tmp_path / "dangling"
    link.symlink_to(target)
    dangling.symlink_to(Path("later") / "x")
    for path in (link, dangling):
        write_atomic(path, NEW)
        assert path.is_symlink()
        assert path.read_bytes() == NEW
    assert target.read_bytes() == NEW
    assert [path.name for path in target.parent.iterdir()] == ["model.wsnet"]


@posix_only
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_sync_folders_is_no_failure(target: Path, code: int) -> None:
    system = System(7, OSError(code, os.strerror(code)))
    write_with(system, target)
    assert system.steps[-1] == ("fsync", "folder")
    assert target.read_bytes() == NEW


def test_what_the_system_cannot_tell_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    found = [exists(tmp_path), exists(tmp_path / "file"), exists(tmp_path / "gone")]
    assert found == [True, True, False]
    assert is_folder(str(tmp_path))
    for path in (tmp_path / "file", tmp_path / "gone"):
        assert not is_folder(path)
    for path in (tmp_path / ("x" * 5_000), tmp_path / "file" / "x"):
        assert not exists(path)
        assert not is_folder(path)


def test_os_errors_are_told_in_one_line() -> None:
    with pytest.raises(FileError, match=r"^cannot read x: gone$"), explain_os_errors("read", "x"):
        raise FileNotFoundError(errno.ENOENT, "gone", "x")
    with pytest.raises(FileError, match=r"^cannot read x: odd$"), explain_os_errors("read", "x"):
        raise OSError("odd")
    with pytest.raises(ValueError, match=r"^other$"), explain_os_errors("read", "x"):
        raise ValueError("other")


def test_only_stale_files_of_this_folder_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]"
    kept = [folder / "model.wsnet", folder / f"x{TEMPORARY_SUFFIX}", folder / "sub" / ".x.1"]
    kept.append(folder / "sub" / f".x.1{TEMPORARY_SUFFIX}")
    stale = [folder / f".{name}.0f{TEMPORARY_SUFFIX}" for name in ("model.wsnet", "config.yaml")]
    (folder / "sub").mkdir(parents=True)
    for path in (*kept, *stale):
        path.write_bytes(b"1")
    assert remove_stale(folder) == 2
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in stale)
    assert remove_stale(folder) == 0
    assert remove_stale(tmp_path / "missing") == 0


def test_what_a_killed_write_leaves_is_stale(target: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, missing_ok: None)
        patch.setattr(Path, "replace", lambda path, other: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_atomic(target, NEW)
    assert len(list(target.parent.iterdir())) == 2
    assert remove_stale(target.parent) == 1
    assert target.read_bytes() == OLD


def test_stale_file_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / f".x.0f{TEMPORARY_SUFFIX}").mkdir()
    with pytest.raises(FileError, match=r"^cannot remove .*\.x\.0f"):
        remove_stale(tmp_path)

"""Files that one process holds at a time."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

from wsnet_cli.core.errors import FileError, UsageError
from wsnet_cli.core.lock import hold

BUSY = UsageError("someone else has it")


def test_who_comes_second_is_refused_until_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        hold(path, refusal=BUSY),
        pytest.raises(UsageError, match="someone else has it"),
        hold(path, refusal=BUSY),
    ):
        pass
    with hold(path, refusal=BUSY):
        pass


def test_without_a_refusal_it_waits(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with hold(tmp_path / "lock"):
            order.append("second")

    with hold(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("remove", [False, True])
def test_the_file_goes_where_it_is_to_go_even_after_an_error(tmp_path: Path, remove: bool) -> None:
    path = tmp_path / "lock"
    with pytest.raises(KeyError), hold(path, refusal=BUSY, remove=remove):
        raise KeyError(path.is_file())
    if remove:
        assert not path.exists()
    with hold(path, refusal=BUSY):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import os, sys; from pathlib import Path; from wsnet_cli.core.lock import hold\n"
        "with hold(Path(sys.argv[1])): os._exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 7
    assert path.exists()
    with hold(path, refusal=BUSY):
        pass


def test_what_the_system_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"^cannot lock .*lock: "), hold(tmp_path / "file" / "lock"):
        pass

    def refuse(*_args: object) -> None:
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(FileError, match="no locks here"), hold(tmp_path / "lock"):
        pass


def test_a_file_that_cannot_be_removed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "not now", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with hold(tmp_path / "lock", refusal=BUSY, remove=True):
        pass


def test_it_is_given_back_whatever_ends_the_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stop)
        with pytest.raises(KeyboardInterrupt), hold(tmp_path / "lock", remove=True):
            pass
    with hold(tmp_path / "lock", refusal=BUSY):
        pass

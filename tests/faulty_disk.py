"""A disk that is full, or a process that is killed, at the n-th call that writes to it."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.data.packing import store_writer

CALLS = ("mkdir", "rename", "replace", "fsync", "truncate")
"""Of `os`; what deletes is refused to a killed process alone, as a full disk takes that."""
DELETING = ("unlink", "remove", "rmdir")


class Killed(BaseException):
    """In the place of a SIGKILL: nothing reaches the disk any more, whoever handles this."""


class Disk:
    """Counts the calls that change something, and refuses from the n-th on, or the n-th alone.

    Args:
        fails_at: number of the call, from 1; 0 = none.
        kills: whether to raise `Killed`, then and ever after; else ENOSPC, then alone.
    """

    def __init__(self, fails_at: int, *, kills: bool) -> None:
        self.n_calls = 0
        self.is_gone = False
        self.files: list[Any] = []
        self._fails_at = fails_at
        self._kills = kills

    def tick(self, path: object = "") -> None:
        """One more call."""
        self.n_calls += 1
        if not self._fails_at:
            return
        if self._kills and self.n_calls >= self._fails_at:
            raise Killed
        if self.n_calls == self._fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@contextmanager
def faulty_disk(fails_at: int = 0, *, kills: bool = False) -> Iterator[Disk]:
    """Within the block the disk is that one."""
    disk = Disk(fails_at, kills=kills)
    open_file = io.open

    class File(io.FileIO):
        def __init__(self, path: Any, mode: str) -> None:
            super().__init__(path, mode)
            disk.files.append(self)

        def write(self, data: Any) -> int:
            if disk.is_gone:
                return len(data)
            try:
                disk.tick(self.name)
            except OSError:
                super().write(memoryview(data)[: len(data) // 2])  # what still fitted
                raise
            return super().write(data)

        def truncate(self, size: int | None = None) -> int:
            disk.tick(self.name)
            return super().truncate(size)

    def opened(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode not in ("wb", "xb"):  # for reading, or a temporary file without a name
            return open_file(path, mode, *rest, **more)
        disk.tick(path)
        disk.files.append(io.BufferedWriter(File(path, mode)))
        return disk.files[-1]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **more: Any) -> Any:
            disk.tick(args[0])
            return call(*args, **more)

        return wrapper

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", opened)
        patch.setattr(store_writer, "FileIO", File)
        for name in (*CALLS, *(DELETING if kills else ())):
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            yield disk
        finally:
            disk.is_gone = True
            if kills:
                for file in reversed(disk.files):
                    file.close()


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too; a name without content is a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }

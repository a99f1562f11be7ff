"""A file of lines to which a run appends, so that a killed one goes on where it stopped.

Every line carries a checksum of itself. What a kill or a power cut leaves at the end is cut off
when the file is opened again; a damaged line hides all that follow it, which are then done again.

    <CRC-32 of the rest, 8 hexadecimal digits> <rest, without a line end>
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from ...core.errors import FileError

SYNC_EVERY_S = 1.0
"""A power cut costs at most what was done in the last so many seconds; a kill costs none of it."""

_DIGITS = 8
_BLOCK_BYTES = 1 << 20


class Journal:
    """An open journal; use it as a context manager. One process at a time may have it open.

    Args:
        path: is made if it does not exist.

    Raises:
        FileError: the system refuses, here and in all methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unsynced = False
        self._synced_at = time.monotonic()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what was appended outlives this process, whatever ends it.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self._stream = os.fdopen(descriptor, "r+b", buffering=0)
            try:
                self._reader = path.open("rb")
                self._end = self._stream.seek(0, os.SEEK_END)
            except OSError:
                self._stream.close()
                raise
        except OSError as error:
            raise self._refused("open", error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()
        self._stream.close()

    def append(self, lines: Iterable[str]) -> int:
        """Add lines, ASCII without line ends, all or none of them; return where the first begins.

        They are safe from a kill when this returns, and from a power cut about SYNC_EVERY_S later.
        """
        start = self._end
        try:
            self._stream.seek(start)
            for block in _in_blocks(lines):
                self._write(block)
        except OSError as error:
            self._end = start
            self._try_cut(start)
            raise self._refused("write", error) from error
        self._unsynced = True
        if time.monotonic() - self._synced_at >= SYNC_EVERY_S:
            self.sync()
        return start

    def _write(self, block: bytes) -> None:
        rest = memoryview(block)
        while rest:
            n_written = self._stream.write(rest) or 0
            self._end += n_written
            rest = rest[n_written:]

    def lines(self, start: int = 0) -> Iterator[tuple[int, str]]:
        """Where each line from `start` on begins, and the line, up to the first damaged one."""
        try:
            self._reader.seek(start)
            while (sealed := self._reader.readline()) and (line := _opened(sealed)) is not None:
                yield start, line
                start += len(sealed)
                if self._reader.tell() != start:  # somebody read elsewhere meanwhile
                    self._reader.seek(start)
        except OSError as error:
            raise self._refused("read", error) from error

    def cut(self, end: int) -> None:
        """Forget everything from `end` on."""
        try:
            self._stream.truncate(end)
            with self._reader:  # it may hold what was cut off
                self._reader = self.path.open("rb")
        except OSError as error:
            raise self._refused("write", error) from error
        self._end = end

    def sync(self) -> None:
        """Make what was appended safe from a power cut."""
        if self._unsynced:
            try:
                os.fsync(self._stream.fileno())
            except OSError as error:
                raise self._refused("write", error) from error
        self._unsynced, self._synced_at = False, time.monotonic()

    def remove(self) -> None:
        """Delete the file."""
        try:
            self._reader.close()
            self._stream.close()
            self.path.unlink()
        except OSError as error:
            raise self._refused("remove", error) from error

    def _try_cut(self, end: int) -> None:
        try:
            self._stream.truncate(end)
        except OSError:
            return  # the checksums say where it ends

    def _refused(self, action: str, error: OSError) -> FileError:
        return FileError(f"cannot {action} {self.path}: {error.strerror or error}")


def _sealed(line: str) -> bytes:
    content = line.encode("ascii")
    return b"%08x %b\n" % (zlib.crc32(content), content)


def _in_blocks(lines: Iterable[str]) -> Iterator[bytes]:
    """Sealed lines, as many at a time as are worth a call of the system."""
    block = bytearray()
    for line in lines:
        block += _sealed(line)
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _opened(sealed: bytes) -> str | None:
    """The line, or None if it is not whole."""
    if not sealed.endswith(b"\n") or sealed[_DIGITS : _DIGITS + 1] != b" ":
        return None
    content = sealed[_DIGITS + 1 : -1]
    if sealed[:_DIGITS] != b"%08x" % zlib.crc32(content):
        return None
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        return None

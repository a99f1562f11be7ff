"""MP3 files that are longer than the decoder takes them for, or shorter than they should be.

Where the first frame holds no count of frames, the decoder guesses the length from that frame's bit
rate and never reads past its guess: where the bit rate varies, a third of a file or more would be
missing without a word. Where it does, all but the first of several files that were joined would be.
Of a pipe without a count it expects no length, and reads to the end.

Headers of frames and their bit rates: ISO 11172-3, 2.4.1.3 and 2.4.2.3; ISO 13818-3, 2.4.2.3.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_COUNT = re.compile(rb"VBRI|(?:Xing|Info)\0\0\0([\0-\x0f])")  # marks a frame that counts the others
_COUNT_WITHIN = 200  # bytes from its start; 36 + 16 is the farthest in use
_MORE_THAN_TAGS = 1.05  # what a file may be longer than its count of bytes, for what follows sound
_FEWER_THAN_COUNTED = 1.01  # libmpg123 takes counts that are off by up to 1 % for estimates
_AT_BOTH_ENDS = 4 * 1_152  # most samples of silence that encoders add, and the decoder cuts off
_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_CHUNK_BYTES = 2**16

# kbit/s by [MPEG 1 or not][layer - 1][index - 1].
_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_KBITS = {
    True: (
        tuple(range(32, 449, 32)),
        (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ),
    False: ((32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256), _LOW, _LOW),
}
_RATES = (44_100, 48_000, 32_000)
_RATE_DIVISORS = {3: 1, 2: 2, 0: 4}  # by version: MPEG 1, 2 and 2.5


@dataclass(frozen=True)
class Extent:
    """Where the frames of an MP3 file lie, and what they hold.

    Args:
        start: first byte of the first frame that does not count the others.
        end: the byte after the last frame that is whole.
        n_samples: so many at least are sound, in each channel.
    """

    start: int
    end: int
    n_samples: int


def find_extent(path: Path) -> Extent | None:
    """Find the frames of an MP3 file; None where a count of them is to be believed.

    None, too, where there are none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        frames = _frames(stream, _after_tag(stream), size)
        start, n_bytes, n_samples = next(frames, (0, 0, 0))
        if n_bytes == 0:
            return None
        end = start + n_bytes
        counted = _counted_bytes(stream, start)
        if counted is not None:
            if size - start <= _MORE_THAN_TAGS * counted:
                return None
            start, n_samples = end, -_AT_BOTH_ENDS
        for where, n_bytes, n_more in frames:
            end = where + n_bytes
            n_samples += n_more
    return Extent(start, end, n_samples)


def lacks_counted_bytes(stream: BinaryIO) -> bool:
    """Say whether an MP3 file, open anywhere, is shorter than its first frame counts.

    Raises:
        OSError: the file cannot be read.
    """
    size = stream.seek(0, os.SEEK_END)
    for where, _, _ in _frames(stream, _after_tag(stream), size):
        counted = _counted_bytes(stream, where)
        return counted is not None and size - where < counted / _FEWER_THAN_COUNTED < float("inf")
    return False


def _counted_bytes(stream: BinaryIO, where: int) -> float | None:
    """Bytes from a frame that counts the others to their end; infinity if it does not tell.

    None for a frame that counts nothing.
    """
    stream.seek(where)
    frame = stream.read(_COUNT_WITHIN)
    mark = _COUNT.search(frame)
    if mark is None:
        return None
    flags = mark[1][0] if mark[1] else 0
    field = mark.end() + (4 if flags & 1 else 0)  # a count of frames comes first
    return int.from_bytes(frame[field : field + 4], "big") if flags & 2 else float("inf")


def _after_tag(stream: BinaryIO) -> int:
    stream.seek(0)
    head = stream.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum(byte << 7 * (3 - i) for i, byte in enumerate(head[6:]))


def _frames(stream: BinaryIO, where: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Place, bytes and samples of each whole frame from a byte on."""
    kind = None
    while where + 4 <= size:
        stream.seek(where)
        header = stream.read(4)
        shape = _frame_shape(header)
        # All frames of a stream have one version, layer and rate.
        if shape is None or kind not in (None, _kind(header)):
            where = _next_sync(stream, where + 1)
            continue
        if where + shape[0] > size:
            return
        kind = _kind(header)
        yield (where, *shape)
        where += shape[0]


def _kind(header: bytes) -> tuple[int, int]:
    return header[1] & 0xFE, header[2] & 0x0C


def _frame_shape(header: bytes) -> tuple[int, int] | None:
    """Bytes and samples of a frame; None for what is no header of one."""
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if not _SYNC.match(header) or version == 1 or layer == 4 or rate_index == 3:
        return None
    if index in (0, 15):  # a rate of its own, or none
        return None
    rate = _RATES[rate_index] // _RATE_DIVISORS[version]
    bits_per_s = 1_000 * _KBITS[version == 3][layer - 1][index - 1]
    if layer == 1:
        return 4 * (12 * bits_per_s // rate + padding), 384
    n_samples = 576 if layer == 3 and version != 3 else 1_152
    return n_samples // 8 * bits_per_s // rate + padding, n_samples


def _next_sync(stream: BinaryIO, where: int) -> int:
    """The first byte from `where` on that may begin a frame; the end of the file if none does."""
    stream.seek(where)
    while content := stream.read(_CHUNK_BYTES):
        match = _SYNC.search(content)
        if match:
            return where + match.start()
        where += max(1, len(content) - 1)  # the last byte may be the first of two
        stream.seek(where)
    return where


class Pipe:
    """A part of a file as a pipe, which a thread fills while it is read.

    Not a Python stream that the decoder calls back: an interruption (Ctrl-C) in such a call would
    be printed and forgotten.

    Attributes:
        descriptor: of the end to read from.
        error: why the file could not be read to its end, or None.
    """

    def __init__(self, path: Path, start: int, end: int) -> None:
        source = path.open("rb")
        source.seek(start)
        self.error: OSError | None = None
        self.descriptor, into = os.pipe()
        self._closed = False
        arguments = (source, end - start, into)
        self._thread = threading.Thread(target=self._fill, args=arguments, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the file and the pipe back, whatever has been read."""
        self._closed = True
        while os.read(self.descriptor, _CHUNK_BYTES):  # until the thread has seen it
            pass
        os.close(self.descriptor)
        self._thread.join()

    def _fill(self, source: BinaryIO, n_left: int, into: int) -> None:
        try:
            with source:
                while not self._closed and (chunk := source.read(min(_CHUNK_BYTES, n_left))):
                    n_left -= len(chunk)
                    while chunk:
                        chunk = chunk[os.write(into, chunk) :]
        except OSError as error:
            self.error = error
        finally:
            os.close(into)

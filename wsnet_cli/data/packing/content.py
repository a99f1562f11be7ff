"""Who a clip is by content: the SHA-256 of its file, and the part taken from it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import AudioError
from ...core.files import hash_file
from ...core.parallel import Check, map_in_order
from ..clips import Clip, ClipTable
from ..dataset import Failure

DIGEST_BYTES = 32
SEGMENT_SIGN = "@"
"""Divides a content key into the hash of the file and the segment taken from it."""
Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""

_AT_ONCE = 64  # files between two hand-overs from thread to thread, which cost as much as one


@dataclass(frozen=True, eq=False)
class Contents(Sequence[str]):
    """The content keys of a data set's clips, made when they are asked for.

    A key is the SHA-256 of the clip's file, for a segment followed by `@start-end`; "" where the
    file cannot be read.

    Attributes:
        clips: of the data set.
        digests: of each clip's file, [n, DIGEST_BYTES]; zeros where it cannot be read.
        stamps: size and time of the file when it was read, [n, 2] int64.
        failures: why a clip's file cannot be read, by the clip's index.
    """

    clips: ClipTable
    digests: NDArray[np.uint8]
    stamps: NDArray[np.int64]
    failures: dict[int, Failure]

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices are not needed
        """Make one key."""
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        if index in self.failures:
            return ""
        digest: str = self.digests[index].tobytes().hex()
        return content_key(digest, *self.clips.segment(index))

    def unchanged(self, index: int, path: Path) -> bool:
        """Tell whether a clip's file has the size and time that it had when it was hashed."""
        return stamp_of(path.stat()) == tuple(self.stamps[index].tolist())


def content_key(digest: str, start_s: float | None, end_s: float | None) -> str:
    """The key of a clip: the SHA-256 of its file, and the segment, if it is one; "" for none.

    >>> content_key("ab", None, None), content_key("ab", 0.5, None)
    ('ab', 'ab@0.5-')
    """
    if not digest or (start_s is None and end_s is None):
        return digest
    return f"{digest}{SEGMENT_SIGN}{start_s or 0.0}-{end_s or ''}"


def file_digest(content_key: str) -> str:
    """The SHA-256 of the file that a clip with this key comes from.

    >>> file_digest("ab"), file_digest("ab@0.5-")
    ('ab', 'ab')
    """
    return content_key.partition(SEGMENT_SIGN)[0]


def hash_contents(
    clips: ClipTable, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Contents:
    """Hash every file once, however many clips are cut from it.

    Args:
        clips: of a data set.
        workers: files that are hashed at once, >= 1.
        progress: is told how many clips of how many are done.
    """
    n = len(clips)
    digests = np.zeros((n, DIGEST_BYTES), np.uint8)
    stamps = np.zeros((n, 2), np.int64)
    failures: dict[int, Failure] = {}

    def work(numbers: range, check: Check) -> list[tuple[bytes, Stamp] | Failure]:
        outcomes: list[tuple[bytes, Stamp] | Failure] = []
        previous: Path | None = None
        for i in numbers:
            clip = clips[i]
            if clip.path != previous:
                check()
                previous, outcome = clip.path, _hash_clip(clip)
            outcomes.append(outcome)
        return outcomes

    with closing(map_in_order(work, _chunks(clips), workers)) as chunks:
        i = 0
        for outcomes in chunks:
            for outcome in outcomes:
                if isinstance(outcome, Failure):
                    failures[i] = Failure(clips[i].name, outcome.reason, outcome.kind)
                else:
                    digests[i] = np.frombuffer(outcome[0], np.uint8)
                    stamps[i] = outcome[1]
                i += 1
            if progress:
                progress(i, n)
    return Contents(clips, digests, stamps, failures)


def stamp_of(status: os.stat_result) -> Stamp:
    """What of a file's status changes with its content."""
    return status.st_size, status.st_mtime_ns


def refusal(error: Exception, clip: Clip) -> Failure:
    """An error's words without the path, which a Failure names already, and its kind."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    kind = getattr(error, "kind", None) or "unreadable"
    return Failure(clip.name, text.removeprefix(f"{clip.path}: "), kind)


def _chunks(clips: ClipTable) -> Iterator[range]:
    """Ranges of some clips; a file with many segments is never in two of them."""
    start = 0
    while start < len(clips):
        stop = min(start + _AT_ONCE, len(clips))
        while stop < len(clips) and clips.names[stop] == clips.names[stop - 1]:
            stop += 1
        yield range(start, stop)
        start = stop


def _hash_clip(clip: Clip) -> tuple[bytes, Stamp] | Failure:
    try:
        return _hash_file(clip.path)
    except (OSError, ValueError, AudioError) as error:
        return refusal(error, clip)


def _hash_file(path: Path) -> tuple[bytes, Stamp]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block for ever
        raise AudioError("not a regular file")
    return bytes.fromhex(hash_file(path)), stamp_of(status)

"""Writing a packed set: clip after clip, so that a killed writer's work is taken up again.

The index is written as the clips come. A later writer keeps the clips of it whose audio is whole,
in order, cuts the files behind them, and goes on; so it ends with the very bytes of one that was
never stopped.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.files import explain_os_errors, hash_file, remove_stale, write_atomic
from .one_clip import PackedClip
from .store import (
    CODE,
    INDEX,
    JOURNAL,
    MANIFEST,
    PACK_VERSION,
    Store,
    canonical,
    open_unfinished,
    shard_name,
)
from .store_index import ENTRY, KEY_BYTES, PLACE, Keys, short_hash

SHARD_BYTES = 256_000_000
"""A shard grows no larger than this, unless one clip alone does; clips never span shards."""


class StoreWriter:
    """Packs clips one after another into a folder.

    Args:
        folder: of the set, there already; what an earlier writer left in it may be taken up.
        sample_rate: Hz.

    Attributes:
        n_kept: clips of the earlier writer that are whole.

    Raises:
        FileError: from any method, when the system refuses to write.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self._folder = folder
        self._sample_rate = sample_rate
        self._shards: list[int] = []  # samples in each
        self._journal: FileIO | None = None
        self._shard: FileIO | None = None
        self._n_rows = 0
        self._reopen_finished()
        self._left = open_unfinished(folder, sample_rate)
        self.n_kept = 0 if self._left is None else _count_whole(self._left)

    @property
    def kept(self) -> Keys:
        """The keys [n_kept, KEY_BYTES] of the clips that an earlier writer left."""
        if self._left is None:
            return np.zeros((0, KEY_BYTES), np.uint8)
        keys: Keys = self._left.index["key"][: self.n_kept]
        return keys

    def begin(self, n_rows: int) -> None:
        """Keep the first rows of the earlier writer, cut off the rest, and be ready to add."""
        self.close()
        index = np.zeros(0, PLACE) if self._left is None else self._left.index[:n_rows]
        self._n_rows = len(index)
        self._shards = []
        for number in range(int(index["shard"].max(initial=0)) + 1 if len(index) else 0):
            rows = index[index["shard"] == number]
            self._shards.append(int((rows["offset"] + rows["n_samples"]).max()))
        with explain_os_errors("write", self._folder):
            self._journal = _open_at(self._folder / JOURNAL, len(index) * ENTRY.itemsize)
            for extra in self._folder.glob(shard_name(0).replace("0000", "*")):
                if extra.name not in map(shard_name, range(len(self._shards))):
                    extra.unlink()
            if self._shards:
                self._open_shard(len(self._shards) - 1)

    def add(self, key: bytes, clip: PackedClip) -> None:
        """Append a clip that is not there yet."""
        self._make_room(clip.n_samples)
        shard = len(self._shards) - 1
        entry = np.zeros(1, ENTRY)
        entry["key"] = np.frombuffer(key, np.uint8)
        entry["shard"], entry["offset"] = shard, self._shards[shard]
        entry["n_samples"] = clip.n_samples
        entry["scale"], entry["health"] = clip.scale, clip.health
        digest = hashlib.sha256()
        for block in clip.code_blocks():
            codes = np.ascontiguousarray(block, CODE).data.cast("B")
            digest.update(codes)
            with explain_os_errors("write", self._folder):
                _write_all(self._shard, codes)
        entry["audio"] = np.frombuffer(digest.digest()[:KEY_BYTES], np.uint8)
        with explain_os_errors("write", self._folder):
            _write_all(self._journal, memoryview(entry.tobytes()))
        self._shards[shard] += clip.n_samples
        self._n_rows += 1

    def finish(self) -> None:
        """Make all of it durable, and write the manifest, which makes it a set."""
        self.close(durable=True)
        with explain_os_errors("write", self._folder):
            (self._folder / JOURNAL).replace(self._folder / INDEX)
            digest = hash_file(self._folder / INDEX)
        body = {
            "version": PACK_VERSION,
            "sample_rate": self._sample_rate,
            "clips": self._n_rows,
            "shards": self._shards,
            "index": digest,
        }
        document = {"body": body, "sha256": hashlib.sha256(canonical(body)).hexdigest()}
        write_atomic(self._folder / MANIFEST, canonical(document))

    def close(self, *, durable: bool = False) -> None:
        """Close what is open, for good or because something failed."""
        streams = [stream for stream in (self._shard, self._journal) if stream is not None]
        self._shard = self._journal = None
        with explain_os_errors("write", self._folder), ExitStack() as stack:
            for stream in streams:
                stack.enter_context(stream)
            for stream in streams if durable else ():
                os.fsync(stream.fileno())

    def _reopen_finished(self) -> None:
        """Take back what `finish` did before it was stopped, so that its clips are kept."""
        remove_stale(self._folder)
        with explain_os_errors("write", self._folder):
            (self._folder / MANIFEST).unlink(missing_ok=True)
            if (self._folder / INDEX).exists() and not (self._folder / JOURNAL).exists():
                (self._folder / INDEX).replace(self._folder / JOURNAL)

    def _make_room(self, n_samples: int) -> None:
        """Go on to the next shard if this one would grow past the limit."""
        if self._shards and (self._shards[-1] + n_samples) * CODE.itemsize <= SHARD_BYTES:
            return
        if self._shards and self._shards[-1] == 0:
            return
        with explain_os_errors("write", self._folder):
            full, self._shard = self._shard, None
            if full is not None:
                with full:
                    os.fsync(full.fileno())
            self._shards.append(0)
            self._open_shard(len(self._shards) - 1)

    def _open_shard(self, number: int) -> None:
        path = self._folder / shard_name(number)
        self._shard = _open_at(path, self._shards[number] * CODE.itemsize)


def _count_whole(store: Store) -> int:
    """How many clips, from the first on, have the codes that were noted."""
    for row in range(len(store.index)):
        if not store.intact(row):
            return row
    return len(store.index)


def _open_at(path: Path, n_bytes: int) -> FileIO:
    """Open a file for writing behind its first `n_bytes`, which stay."""
    stream = FileIO(path, "r+b" if n_bytes else "w+b")
    try:
        stream.truncate(n_bytes)
        stream.seek(n_bytes)
    except OSError:
        stream.close()
        raise
    return stream


def _write_all(stream: FileIO | None, rest: memoryview) -> None:
    assert stream is not None
    while rest:  # an unbuffered write may take less than it is given
        rest = rest[stream.write(rest) :]


class MemoryWriter:
    """Packs clips into memory, where there is no folder that can be written."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._entries: list[NDArray[np.void]] = []
        self._shards: list[NDArray[np.int16]] = []

    def add(self, key: bytes, clip: PackedClip) -> None:
        """Append a clip that is not there yet."""
        codes = np.concatenate([np.zeros(0, CODE), *clip.code_blocks()])
        entry = np.zeros(1, ENTRY)
        entry["key"] = np.frombuffer(key, np.uint8)
        entry["audio"] = np.frombuffer(short_hash(codes.data), np.uint8)
        entry["shard"], entry["n_samples"] = len(self._shards), len(codes)
        entry["scale"], entry["health"] = clip.scale, clip.health
        self._entries.append(entry)
        self._shards.append(codes)

    def finish(self) -> Store:
        """The set."""
        records = np.concatenate([np.zeros(0, ENTRY), *self._entries])
        index = np.zeros(len(records), PLACE)
        for field in PLACE.names or ():
            index[field] = records[field]
        return Store(None, self._sample_rate, index, self._shards, records["health"])

"""One packed set on disk: shards of int16 samples and an index keyed by content.

    shard-0000.i16   little-endian int16 samples, clip after clip, without headers
    index.bin        a record for each clip (`store_index.ENTRY`), in the order of the shards
    manifest.json    {"body": {"version", "sample_rate", "clips": how many,
                      "shards": [samples in each], "index": SHA-256 of index.bin},
                      "sha256": of the body in canonical form}

A sample is its code times the clip's scale. The manifest is written last, and the folder gets its
name only then; a set whose manifest, index or shard sizes do not match is taken for absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError
from ...core.files import explain_os_errors, hash_file
from .store_index import Finder, Index, Keys, read_health, read_places

PACK_VERSION = 3
MANIFEST = "manifest.json"
NEAR = "near.json"
"""Which of its clips hold the same audio, if that is known."""
INDEX = "index.bin"
JOURNAL = "index.part"
"""The index of a set that is not finished: torn at its end, perhaps, and ahead of the audio."""
SET_KEY_SIGNS = 32
"""How many hexadecimal digits name a set."""

CODE = np.dtype("<i2")
LARGEST_CODE = 32767  # -32768 is left out, so that the two signs have one range

_BLOCK_CODES = 1 << 20


@dataclass(frozen=True, eq=False)
class Store:
    """A packed set that is open for reading.

    Attributes:
        folder: of the set, None where it is in memory.
        sample_rate: Hz.
        index: PLACE for each clip; a clip is named by its row.
        shards: by number, memory maps or arrays in memory.
        records: the file that the HEALTH of the clips is read from, or HEALTH [n] itself.
    """

    folder: Path | None
    sample_rate: int
    index: Index
    shards: Sequence[NDArray[np.int16]]
    records: Path | Index

    def health(self, first: int = 0, n: int | None = None) -> Index:
        """The HEALTH records [n] of the clips from row `first` on, to the end if n is None.

        Raises:
            FileError: the system refused to read them.
        """
        n = len(self.index) - first if n is None else n
        if not isinstance(self.records, Path):
            return self.records[first : first + n]
        with explain_os_errors("read", self.records):
            return read_health(self.records, n, first)

    def rows(self, keys: Keys) -> NDArray[np.int32]:
        """The rows of keys [n, KEY_BYTES]; -1 where a clip is not there."""
        return Finder(self.index["key"]).rows(keys)

    def n_samples(self, row: int) -> int:
        """The length of a clip."""
        return int(self.index["n_samples"][row])

    def codes(self, row: int) -> NDArray[np.int16]:
        """The int16 codes [n_samples] of a clip, without a copy."""
        entry = self.index[row]
        start = int(entry["offset"])
        return self.shards[int(entry["shard"])][start : start + int(entry["n_samples"])]

    def samples(self, row: int, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """The samples of a clip, float32, as a new array.

        Args:
            row: of the clip.
            start: first sample, 0 <= start <= n_samples.
            stop: the sample after the last, start <= stop <= n_samples; None = the clip's end.
        """
        samples = self.codes(row)[start:stop].astype(np.float32)
        samples *= np.float32(self.index["scale"][row])
        return samples

    def read_into(self, row: int, start: int, out: NDArray[np.float32]) -> None:
        """Write samples start..start + len(out) - 1 of a clip, as `samples` has them, into `out`.

        All of them lie within the clip.
        """
        codes = self.codes(row)[start : start + len(out)]
        np.multiply(codes, np.float32(self.index["scale"][row]), out=out)

    def read(self, row: int, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """As `samples`, but read and not mapped: pages that were mapped count as our memory.

        Args:
            row: of the clip.
            start: first sample, >= 0; may lie behind the clip's end, as `stop` may.
            stop: the sample after the last; None = the clip's end.

        Raises:
            FileError: the shard is gone or shorter.
        """
        n = self.n_samples(row)
        stop = n if stop is None else min(stop, n)
        samples: NDArray[np.float32] = self._read_codes(row, start, stop).astype(np.float32)
        samples *= np.float32(self.index["scale"][row])
        return samples

    def code_blocks(self, row: int) -> Iterator[NDArray[np.int16]]:
        """The codes of a clip block by block, read and not mapped. Raises: as `read`."""
        n = self.n_samples(row)
        for start in range(0, n, _BLOCK_CODES):
            yield self._read_codes(row, start, min(start + _BLOCK_CODES, n))

    def sample_blocks(self, row: int) -> Iterator[NDArray[np.float32]]:
        """The samples of a clip block by block, as `read` gives them. Raises: as `read`."""
        for codes in self.code_blocks(row):
            yield codes.astype(np.float32) * np.float32(self.index["scale"][row])

    def intact(self, row: int) -> bool:
        """Tell whether a clip's codes are those that were written."""
        digest = hashlib.sha256()
        try:
            for block in self.code_blocks(row):
                digest.update(block.data)
        except FileError:
            return False
        expected: bytes = self.index["audio"][row].tobytes()
        return digest.digest().startswith(expected)

    def _read_codes(self, row: int, start: int, stop: int) -> NDArray[np.int16]:
        if self.folder is None or start >= stop:
            return self.codes(row)[start:stop]
        entry = self.index[row]
        path = self.folder / shard_name(int(entry["shard"]))
        offset = (int(entry["offset"]) + start) * CODE.itemsize
        try:
            block = np.fromfile(path, CODE, stop - start, offset=offset)
        except OSError as error:
            raise FileError(f"cannot read {path}: {error.strerror or error}") from error
        if len(block) < stop - start:
            raise FileError(f"cannot read {path}: it was cut while it was in use")
        return block

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process maps the files again; pickling a map would copy all the audio.
        if self.folder is None:
            return Store, (None, self.sample_rate, self.index, self.shards, self.records)
        return _reopen, (self.folder, self.sample_rate)


def is_of_another_version(folder: Path) -> bool:
    """Whether a packed set is there whose form is another than this version of wsnet writes."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        version = json.loads((folder / MANIFEST).read_bytes())["body"]["version"]
        return bool(version != PACK_VERSION)
    return False


def open_store(folder: Path, sample_rate: int) -> Store | None:
    """Open a packed set; None if it is absent, damaged, of another version or another rate."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        body = document["body"]
        if document["sha256"] != hashlib.sha256(canonical(body)).hexdigest():
            return None
        if (body["version"], body["sample_rate"]) != (PACK_VERSION, sample_rate):
            return None
        if hash_file(folder / INDEX) != body["index"]:
            return None
        for number, n_samples in enumerate(body["shards"]):
            if (folder / shard_name(number)).stat().st_size != n_samples * CODE.itemsize:
                return None
        index = read_places(folder / INDEX)
        # All at once: what is mapped can still be read when another process clears the cache.
        shards = [_map_shard(folder, number, n) for number, n in enumerate(body["shards"])]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Store(folder, sample_rate, index, shards, folder / INDEX)


def open_unfinished(folder: Path, sample_rate: int) -> Store | None:
    """What a stopped writer left, as a store whose clips must be asked for with `intact`."""
    try:
        index = read_places(folder / JOURNAL)
    except (OSError, ValueError):
        return None
    return Store(folder, sample_rate, index, (), folder / JOURNAL)


def shard_name(number: int) -> str:
    """Return the file name of a shard."""
    return f"shard-{number:04d}.i16"


def _map_shard(folder: Path, number: int, n_samples: int) -> NDArray[np.int16]:
    return np.asarray(np.memmap(folder / shard_name(number), CODE, "r", shape=(n_samples,)))


def canonical(value: object) -> bytes:
    """JSON in the one form that is hashed and written."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _reopen(folder: Path, sample_rate: int) -> Store:
    store = open_store(folder, sample_rate)
    if store is None:
        raise FileError(f"cannot read {folder}: the packed audio was removed while in use")
    return store

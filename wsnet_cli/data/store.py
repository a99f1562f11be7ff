"""One packed set on disk: shards of int16 samples and a manifest keyed by content.

    shard-0000.i16   little-endian int16 samples, clip after clip, without headers
    manifest.json    {"body": {"version", "sample_rate", "shards": [samples in each],
                      "clips": {key: [shard, offset, samples, scale, SHA-256 of the samples]}},
                      "sha256": of the body in canonical form}

A sample is its code times the clip's scale. The manifest is written last, and the folder gets its
name only then; a set whose manifest or shard sizes do not match is taken for absent.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import FileError
from ..core.files import explain_os_errors, write_atomic

PACK_VERSION = 1
MANIFEST = "manifest.json"
SHARD_BYTES = 256_000_000
"""A shard grows no larger than this, unless one clip alone does; clips never span shards."""

_CODE = np.dtype("<i2")
_LARGEST_CODE = 32767  # -32768 is left out, so that the two signs have one range


@dataclass(frozen=True)
class Entry:
    """Where one clip's codes are, what one code is worth, and the SHA-256 of the codes."""

    shard: int
    offset: int
    n_samples: int
    scale: float
    audio_key: str


@dataclass(frozen=True, eq=False)
class Store:
    """A packed set that is open for reading; `shards` are memory maps, or arrays in memory."""

    folder: Path | None
    sample_rate: int
    entries: Mapping[str, Entry]
    shards: Sequence[NDArray[np.int16]]

    def codes(self, key: str) -> NDArray[np.int16]:
        """Return the int16 codes [n_samples] of a clip that is there, without a copy."""
        entry = self.entries[key]
        return self.shards[entry.shard][entry.offset : entry.offset + entry.n_samples]

    def samples(self, key: str, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Return the samples of a clip that is there, float32, as a new array.

        Args:
            key: of the clip.
            start: first sample, 0 <= start <= n_samples.
            stop: the sample after the last, start <= stop <= n_samples; None = the clip's end.
        """
        samples = self.codes(key)[start:stop].astype(np.float32)
        samples *= np.float32(self.entries[key].scale)
        return samples

    def intact(self, key: str) -> bool:
        """Tell whether a clip is there and its codes are those that were written."""
        return key in self.entries and self.entries[key].audio_key == _hash(self.codes(key).data)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process maps the files again; pickling a map would copy all the audio.
        if self.folder is None:
            return Store, (None, self.sample_rate, self.entries, self.shards)
        return _reopen, (self.folder, self.sample_rate)


class StoreWriter:
    """Packs clips one after another into a new folder, or into memory if there is none.

    Raises:
        FileError: from any method, when the system refuses to write.
    """

    def __init__(self, folder: Path | None, sample_rate: int) -> None:
        self._folder = folder
        self._sample_rate = sample_rate
        self._entries: dict[str, Entry] = {}
        self._n_samples: list[int] = []
        self._arrays: list[NDArray[np.int16]] = []
        self._stream: FileIO | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def add(self, key: str, codes: NDArray[np.int16], scale: float) -> None:
        """Append a clip that is not there yet: its codes [n_samples], at least one."""
        codes = np.ascontiguousarray(codes, _CODE)
        if self._folder is None:
            self._arrays.append(codes)
            self._n_samples.append(0)
        else:
            self._write(self._folder, codes)
        shard = len(self._n_samples) - 1
        offset = self._n_samples[shard]
        self._entries[key] = Entry(shard, offset, len(codes), scale, _hash(codes.data))
        self._n_samples[shard] += len(codes)

    def finish(self) -> Store:
        """Write the manifest and return the set; with a folder its maps must still be opened."""
        self.close(durable=True)
        if self._folder is not None:
            clips = {key: list(astuple(entry)) for key, entry in self._entries.items()}
            body = {
                "version": PACK_VERSION,
                "sample_rate": self._sample_rate,
                "shards": self._n_samples,
                "clips": clips,
            }
            document = {"body": body, "sha256": _hash(_canonical(body))}
            write_atomic(self._folder / MANIFEST, _canonical(document))
        return Store(self._folder, self._sample_rate, self._entries, self._arrays)

    def close(self, *, durable: bool = False) -> None:
        """Close the shard that is open, for good or because something failed."""
        if self._stream is None:
            return
        stream, self._stream = self._stream, None
        with explain_os_errors("write", str(stream.name)), stream:
            if durable:
                os.fsync(stream.fileno())

    def _write(self, folder: Path, codes: NDArray[np.int16]) -> None:
        full = self._n_samples and self._n_samples[-1] * _CODE.itemsize + codes.nbytes > SHARD_BYTES
        if self._stream is None or full:
            self.close(durable=True)
            path = folder / shard_name(len(self._n_samples))
            with explain_os_errors("write", path):
                self._stream = path.open("xb", buffering=0)
            self._n_samples.append(0)
        rest = codes.data.cast("B")
        with explain_os_errors("write", folder):
            while rest:  # an unbuffered write may take less than it is given
                rest = rest[self._stream.write(rest) :]


def open_store(folder: Path, sample_rate: int) -> Store | None:
    """Open a packed set; None if it is absent, damaged, of another version or another rate."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
        body = document["body"]
        if document["sha256"] != _hash(_canonical(body)):
            return None
        if (body["version"], body["sample_rate"]) != (PACK_VERSION, sample_rate):
            return None
        shards = [_map(folder / shard_name(i), n) for i, n in enumerate(body["shards"])]
        entries = {key: Entry(*fields) for key, fields in body["clips"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return Store(folder, sample_rate, entries, shards)


def shard_name(number: int) -> str:
    """Return the file name of a shard."""
    return f"shard-{number:04d}.i16"


def quantize_clip(samples: NDArray[np.float32]) -> tuple[NDArray[np.int16], float]:
    """Return codes in [-32767, 32767] and the scale that makes the clip's peak 32767 exactly.

    A quiet clip keeps all 16 bits this way; the error is at most half a step, 2**-16 of the peak.

    Args:
        samples: [n_samples] float32, finite, any range.

    >>> codes, scale = quantize_clip(np.float32([0.0, 0.25, -0.5]))
    >>> codes.tolist(), round(scale * 32767, 6)
    ([0, 16384, -32767], 0.5)
    """
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0:
        return np.zeros(len(samples), np.int16), 0.0
    codes = np.rint(samples.astype(np.float64) * (_LARGEST_CODE / peak))
    return codes.astype(np.int16), peak / _LARGEST_CODE


def _map(path: Path, n_samples: int) -> NDArray[np.int16]:
    if path.stat().st_size != n_samples * _CODE.itemsize:
        raise ValueError(f"{path}: expected {n_samples} samples")
    return np.asarray(np.memmap(path, _CODE, "r", shape=(n_samples,)))


def _reopen(folder: Path, sample_rate: int) -> Store:
    store = open_store(folder, sample_rate)
    if store is None:
        raise FileError(f"cannot read {folder}: the packed audio was removed while in use")
    return store


def _canonical(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _hash(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()

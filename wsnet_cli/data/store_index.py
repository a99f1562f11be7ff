"""The index of a packed set: one record of fixed size for each clip, in the order of the audio.

A file of such records can be written as the clips come, is short, and needs no parsing: a hundred
thousand clips are some 12 MB. While a set is being written it is the journal of what is done.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .health import HEALTH

KEY_BYTES = 16
"""Of a SHA-256 that are kept: two clips of ten billion share them with a chance of 1e-19."""

ENTRY = np.dtype(
    [
        ("key", "u1", KEY_BYTES),  # what was decoded, and how
        ("audio", "u1", KEY_BYTES),  # SHA-256 of the codes
        ("shard", "<u4"),
        ("offset", "<u8"),  # of the first sample in the shard
        ("n_samples", "<u8"),
        ("scale", "<f8"),  # what one code is worth
        ("health", HEALTH),
    ]
)
"""A record, little-endian and without gaps."""

Index = NDArray[np.void]
Keys = NDArray[np.uint8]
"""Keys [n, KEY_BYTES]."""

_BLOCK_BYTES = 1 << 20


def short_hash(content: bytes | memoryview) -> bytes:
    """KEY_BYTES of the SHA-256 of a content."""
    return hashlib.sha256(content).digest()[:KEY_BYTES]


def read_records(path: Path) -> Index:
    """The whole records of a file; what is torn at its end is left out.

    Raises:
        OSError: the system refused.
    """
    n = path.stat().st_size // ENTRY.itemsize
    return np.fromfile(path, ENTRY, n)


def hash_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


class Finder:
    """Finds keys among those of an index, many at once."""

    def __init__(self, keys: Keys) -> None:
        names = _as_names(keys)
        self._order = np.argsort(names, kind="stable").astype(np.int32)
        self._sorted = names[self._order]

    def rows(self, keys: Keys) -> NDArray[np.int32]:
        """The row of each key in the index, the first if it has several; -1 where it has none."""
        wanted = _as_names(keys)
        if len(self._sorted) == 0:
            return np.full(len(wanted), -1, np.int32)
        places = np.searchsorted(self._sorted, wanted)
        places[places == len(self._sorted)] = 0
        rows = self._order[places]
        rows[self._sorted[places] != wanted] = -1
        return rows


def first_rows(keys: Keys) -> NDArray[np.int32]:
    """For each key the row where it stands for the first time."""
    return Finder(keys).rows(keys)


def _as_names(keys: Keys) -> NDArray[np.bytes_]:
    # Zeros at the end do not count in a comparison, which is right among keys of equal length.
    return np.ascontiguousarray(keys).view(f"S{KEY_BYTES}").reshape(-1)

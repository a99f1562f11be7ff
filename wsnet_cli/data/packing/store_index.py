"""The index of a packed set: one record of fixed size for each clip, in the order of the audio.

A file of such records can be written as the clips come, is short, and needs no parsing: a hundred
thousand clips are some 12 MB. While a set is being written it is the journal of what is done.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..health.meter import HEALTH

KEY_BYTES = 16
"""Of a SHA-256 that are kept: two clips of ten billion share them with a chance of 1e-19."""

PLACE = np.dtype(
    [
        ("key", "u1", KEY_BYTES),  # what was decoded, and how
        ("audio", "u1", KEY_BYTES),  # SHA-256 of the codes
        ("shard", "<u4"),
        ("offset", "<u8"),  # of the first sample in the shard
        ("n_samples", "<u8"),
        ("scale", "<f8"),  # what one code is worth
    ]
)
"""What of a record is held in memory while a set is in use."""

ENTRY = np.dtype([*((name, PLACE[name]) for name in PLACE.names or ()), ("health", HEALTH)])
"""A record, little-endian and without gaps."""

Index = NDArray[np.void]
Keys = NDArray[np.uint8]
"""Keys [n, KEY_BYTES]."""

_RECORDS_AT_ONCE = 1 << 12


def short_hash(content: bytes | memoryview) -> bytes:
    """KEY_BYTES of the SHA-256 of a content."""
    return hashlib.sha256(content).digest()[:KEY_BYTES]


def read_places(path: Path) -> Index:
    """What is held in memory of the whole records of a file, PLACE [n]; a torn end is left out.

    Raises:
        OSError: the system refused.
    """
    places = np.zeros(path.stat().st_size // ENTRY.itemsize, PLACE)
    for start in range(0, len(places), _RECORDS_AT_ONCE):
        block = places[start : start + _RECORDS_AT_ONCE]
        records = np.fromfile(path, ENTRY, len(block), offset=start * ENTRY.itemsize)
        for field in PLACE.names or ():
            block[field] = records[field]
    return places


def read_health(path: Path, n: int, first: int = 0) -> Index:
    """The HEALTH [n] of the records of a file from `first` on.

    Raises:
        OSError: the system refused.
    """
    health = np.zeros(n, HEALTH)
    for start in range(0, n, _RECORDS_AT_ONCE):
        block = health[start : start + _RECORDS_AT_ONCE]
        offset = (first + start) * ENTRY.itemsize
        block[:] = np.fromfile(path, ENTRY, len(block), offset=offset)["health"]
    return health


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
    """For each key [n, any bytes] the row where it stands for the first time."""
    return Finder(keys).rows(keys)


def _as_names(keys: Keys) -> NDArray[np.bytes_]:
    # Zeros at the end do not count in a comparison, which is right among keys of equal length.
    return np.ascontiguousarray(keys).view(f"S{keys.shape[1]}").reshape(-1)

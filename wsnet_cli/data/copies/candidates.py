"""Which clips may hold one sound, by their fingerprints, in time that grows with their number.

Anchors are sorted by their 63 bits, several times, each time from another bit on, and each is
compared with the next few: two that differ in few bits share a long prefix in one order or another
(M. Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002, with turns in
place of random permutations, as the bits are random already). A common sound thus costs no more
than a rare one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .anchors import AnchorFile, Anchors
from .fingerprint import CODE_BITS, Words, bits_set

ROW = np.dtype(
    [("first", "u4"), ("second", "u4"), ("at", "u4"), ("other_at", "u4"), ("distance", "f4")]
)
"""A candidate: two clips, first < second, a frame of each, and the share of bits that differ."""

_TURNS = (0, 10, 21, 31, 42, 52)  # places: each order starts with other bits
_NEIGHBOURS = 8
_MOST_BITS = 12  # of the 63 of the anchor itself
_MOST_DISTANCE = 0.18  # over the anchor and the frames around it
_DOUBT_BITS = np.float32(6)
_PARTNERS = 4  # that a clip keeps, the nearest
_POOL = 1 << 16

_Rows = NDArray[np.void]


def find_candidates(
    fingerprints: Iterable[tuple[int, Words]], n_clips: int, scratch: Path | None = None
) -> _Rows:
    """Return pairs of clips that sound alike somewhere, each once, in order of the two numbers.

    An anchor is compared with 8 neighbours in each of 6 orders: where more than that are the same
    to the bit (a jingle in hundreds of clips), the pairs returned still link them all, but not each
    with each. A clip keeps its 4 nearest partners, and those that have it among theirs. Memory
    stays bounded, at some 100 bytes for each clip at most.

    Args:
        fingerprints: number and words of each clip to be compared, in order of number.
        n_clips: above every number.
        scratch: folder of two temporary files of 80 bytes for each anchor, about 1.5 kB each for a
            second of sound; None = the system's.

    Returns: [n] of `ROW`.
    Raises: FileError: the temporary file cannot be written or read.
    """
    pool = np.empty(0, ROW)
    waiting: list[_Rows] = []
    with AnchorFile(scratch, _TURNS) as anchors:
        anchors.write(fingerprints)
        for order in range(len(_TURNS)):
            for piece in anchors.sorted_pieces(order):
                waiting.extend(_near(piece))
                if sum(map(len, waiting)) > _POOL:
                    pool, waiting = _nearest(np.concatenate([pool, *waiting]), n_clips), []
    return _nearest(np.concatenate([pool, *waiting]), n_clips)


def _near(anchors: Anchors) -> Iterator[_Rows]:
    for step in range(1, _NEIGHBOURS + 1):
        one, other = anchors[step:], anchors[:-step]
        differ = bits_set(one["codes"][:, 0] ^ other["codes"][:, 0])
        alike = np.flatnonzero((differ <= _MOST_BITS) & (one["clip"] != other["clip"]))
        one, other = one[alike], other[alike]
        distance = _distance(one["codes"], other["codes"])
        near = distance <= _MOST_DISTANCE
        yield _rows(one[near], other[near], distance[near])


def _distance(one: Words, other: Words) -> NDArray[np.float32]:
    """Return the share of bits that differ, over the frames at which both have something.

    A few bits more are taken to differ, which count where there are few frames to go by.
    """
    both = (one != 0) & (other != 0)
    differ = (bits_set(one ^ other) * both).sum(axis=1, dtype=np.float32)
    compared = CODE_BITS * both.sum(axis=1, dtype=np.float32)
    distance: NDArray[np.float32] = (differ + _DOUBT_BITS) / compared
    return distance


def _rows(one: Anchors, other: Anchors, distance: NDArray[np.float32]) -> _Rows:
    rows = np.empty(len(one), ROW)
    in_order = one["clip"] < other["clip"]
    rows["first"] = np.where(in_order, one["clip"], other["clip"])
    rows["second"] = np.where(in_order, other["clip"], one["clip"])
    rows["at"] = np.where(in_order, one["frame"], other["frame"])
    rows["other_at"] = np.where(in_order, other["frame"], one["frame"])
    rows["distance"] = distance
    return rows


def _nearest(rows: _Rows, n_clips: int) -> _Rows:
    """Return each pair once, where it is nearest, and only a clip's nearest partners."""
    pairs = rows["first"].astype(np.int64) * n_clips + rows["second"]
    order = np.lexsort((rows["other_at"], rows["at"], rows["distance"], pairs))
    pairs = pairs[order]
    rows = rows[order[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]]
    keep = np.zeros(len(rows), np.bool_)
    clips = np.concatenate([rows["first"], rows["second"]])
    distance = np.concatenate([rows["distance"], rows["distance"]])
    order = np.lexsort((distance, clips))
    starts = np.flatnonzero(np.append(True, clips[order][1:] != clips[order][:-1])[: len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    keep[order[rank < _PARTNERS] % max(1, len(rows))] = True
    return rows[keep]

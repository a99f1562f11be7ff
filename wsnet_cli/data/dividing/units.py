"""Clips that must not be divided by a split, and where each such unit stands.

Everything is in arrays: a hundred thousand clips are a few MB.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset import DataSet
from ..packing.content import file_digest
from ..packing.store_index import first_rows

Keys = NDArray[np.uint8]
"""Keys [n, bytes]."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_HASH_BYTES = 16


class Units:
    """Units in order of position, then of their first clip.

    Args:
        clips: indices of the clips that are in a unit, ascending.
        of_clip: for each of `clips`, its unit.
        class_pairs: for each class of each of `clips`, the clip's place there and the class.
        n_classes: of the data set.
        positions: of each unit, in [0, 1).
        rarest_first: whether classes come in order of their clips, as is best where a clip has
            several; else in their own order.
    """

    def __init__(
        self,
        clips: Ints,
        of_clip: Ints,
        class_pairs: tuple[Ints, Ints],
        n_classes: int,
        positions: Floats,
        rarest_first: bool = False,
    ) -> None:
        self.clips = clips
        self.of_clip = of_clip
        self.positions = positions
        self._places, self._classes = class_pairs
        self._n_classes = n_classes
        self._rarest_first = rarest_first
        # One pair for each class in each unit, by unit; and the same pairs by class.
        cells = of_clip[self._places] * n_classes + self._classes
        pairs, counts = np.unique(cells, return_counts=True)
        self._pair_units, self._pair_labels = np.divmod(pairs, n_classes)
        self._pair_counts = counts.astype(np.float64)
        self._unit_starts = np.searchsorted(self._pair_units, np.arange(len(positions) + 1))
        order = np.argsort(self._pair_labels, kind="stable")
        self._units_by_label = self._pair_units[order]
        self._label_starts = np.searchsorted(self._pair_labels[order], np.arange(n_classes + 1))

    @property
    def labels(self) -> list[int]:
        """The classes, in the order in which they are looked after."""
        if not self._rarest_first:
            return list(range(self._n_classes))
        labels: list[int] = np.argsort(self.totals, kind="stable").tolist()
        return labels

    @property
    def totals(self) -> Floats:
        """Clips of each class."""
        return np.bincount(self._classes, minlength=self._n_classes).astype(np.float64)

    def count(self, units: NDArray[np.bool_]) -> Floats:
        """Clips of each class in the units that are marked."""
        inside = self._classes[units[self.of_clip[self._places]]]
        return np.bincount(inside, minlength=self._n_classes).astype(np.float64)

    def clips_of(self, units: NDArray[np.bool_]) -> list[int]:
        """The clips in the units that are marked, ascending."""
        marked: list[int] = self.clips[units[self.of_clip]].tolist()
        return marked

    def labels_of(self, unit: int) -> tuple[Ints, Floats]:
        """The classes in a unit, and how many clips each of them has there."""
        part = slice(self._unit_starts[unit], self._unit_starts[unit + 1])
        return self._pair_labels[part], self._pair_counts[part]

    def of_label(self, label: int) -> list[int]:
        """The units that have a class, in order."""
        part = slice(self._label_starts[label], self._label_starts[label + 1])
        units: list[int] = self._units_by_label[part].tolist()
        return units


def join_units(
    dataset: DataSet,
    readable: Sequence[int] | Ints,
    content_keys: Sequence[str],
    audio_keys: Keys | None = None,
    together: Iterable[tuple[int, int]] = (),
    purpose: str = "split",
) -> Units:
    """Join the clips that share a group, a file's content or decoded samples, or are paired.

    Args:
        dataset: the clips.
        readable: indices of the clips to put into units, ascending.
        content_keys: of every clip, the hash of its file, after an `@` its segment.
        audio_keys: of every clip, a hash of its samples [n, any bytes]; None: not known.
        together: pairs of clips; those that are not readable are passed over.
        purpose: of the positions; other ones follow for another purpose.
    """
    clips = np.asarray(readable, np.int64)
    joined = _Joined(len(clips))
    joined.by_number(np.array(dataset.clips.group_numbers, np.int64)[clips])
    joined.by_key(_hashes(file_digest(content_keys[int(i)]) for i in clips))
    if audio_keys is not None and audio_keys.shape[1]:
        joined.by_key(audio_keys[clips])
    for pair in together:
        places = np.searchsorted(clips, pair)
        if places.max() < len(clips) and clips[places].tolist() == list(pair):
            joined.join(*places.tolist())
    roots = joined.roots()
    positions = np.zeros(len(clips))
    order = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
    stops = np.append(starts[1:], len(order))
    for unit in range(len(starts)):
        members = order[starts[unit] : stops[unit]]
        # A group's name comes before content, so that a group stays put whatever joins it.
        tokens = (_token(dataset, content_keys, int(clips[i])) for i in members)
        key = max(tokens, key=lambda token: (token.startswith("group "), token))
        positions[members] = _position(key, purpose)
    by_position = np.lexsort((roots, positions))
    ranks = np.cumsum(np.diff(roots[by_position], prepend=-1) != 0) - 1
    of_clip = np.empty(len(clips), np.int64)
    of_clip[by_position] = ranks
    unit_positions = positions[by_position][np.diff(roots[by_position], prepend=-1) != 0]
    class_pairs = dataset.class_pairs(clips)
    n_classes, several = len(dataset.labels), dataset.multi_label
    return Units(clips, of_clip, class_pairs, n_classes, unit_positions, rarest_first=several)


class _Joined:
    """Disjoint sets of 0..n - 1, each named by its least member."""

    def __init__(self, n: int) -> None:
        self._leader = array("q", range(n))

    def join(self, first: int, second: int) -> None:
        one, other = self._find(first), self._find(second)
        self._leader[max(one, other)] = min(one, other)

    def by_number(self, numbers: Ints) -> None:
        """Join those of one number; -1 is none."""
        first_of: dict[int, int] = {}
        for i in np.flatnonzero(numbers >= 0):
            self.join(first_of.setdefault(int(numbers[i]), int(i)), int(i))

    def by_key(self, keys: Keys) -> None:
        """Join those of one key, [n, bytes]."""
        firsts = first_rows(keys)
        for i in np.flatnonzero(firsts != np.arange(len(firsts))):
            self.join(int(firsts[i]), int(i))

    def roots(self) -> Ints:
        return np.fromiter(map(self._find, range(len(self._leader))), np.int64, len(self._leader))

    def _find(self, i: int) -> int:
        leader = self._leader
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i


def _hashes(texts: Iterable[str]) -> Keys:
    hashes = bytearray()
    for text in texts:
        hashes += hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]
    return np.frombuffer(hashes, np.uint8).reshape(-1, _HASH_BYTES)


def _token(dataset: DataSet, content_keys: Sequence[str], clip: int) -> str:
    group = dataset.clips.group_numbers[clip]
    if group >= 0:
        return f"group {dataset.clips.group_words[group]}"
    return f"content {file_digest(content_keys[clip])}"


def _position(key: str, purpose: str) -> float:
    # 53 bits are what a float holds exactly; all 64 could round up to 1.0.
    digest = hashlib.sha256(f"wsnet {purpose} 1 {key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)

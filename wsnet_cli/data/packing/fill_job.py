"""How a packed set is filled: each clip kept, taken from another set, or made, in order."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.parallel import Check, map_in_order
from ..dataset import Failure
from .one_clip import PackedClip, copy_clip
from .store import SET_KEY_SIGNS, Store
from .store_index import KEY_BYTES, Keys, first_rows
from .store_writer import StoreWriter

Progress = Callable[[str, int, int], None]
"""Is told the stage, how many clips are done, and of how many."""

CHUNK_BYTES = 1 << 18
"""Files that a thread takes at once: handing over a small one takes as long as decoding it."""

Indices = NDArray[np.int32]
"""Indices of clips."""


class _Writer(Protocol):
    def add(self, key: bytes, clip: PackedClip) -> None: ...


class FillJob(ABC):
    """Clips with their keys, and how each is made; gathers why those that fail cannot be.

    Args:
        root: the folder of the data set, which no cache may lie in.
        names: of the clips, for messages.
        keys: of each clip in a set, [n, KEY_BYTES]; zeros where it cannot be made at all.
        sizes: bytes of each clip that a thread takes at once, as many as fit into CHUNK_BYTES.
        failures: why those with a key of zeros cannot be made, by the clip's index.
        sample_rate: of the set, Hz.
        workers: clips worked on at once.
        progress: see `Progress`.
        stage: what it is told is being done.

    Attributes:
        failures: by the clip's index; those known from the beginning and those met since.
        keyless: the clips without a key.
    """

    def __init__(
        self,
        root: Path,
        names: Sequence[str],
        keys: Keys,
        sizes: NDArray[np.int64],
        failures: dict[int, Failure],
        *,
        sample_rate: int,
        workers: int,
        progress: Progress | None,
        stage: str,
    ) -> None:
        self.root = root
        self.keys = keys
        self.failures = dict(failures)
        self.keyless = tuple(failures)
        self.sample_rate = sample_rate
        self.workers = workers
        self.progress = progress or (lambda _stage, _done, _total: None)
        self._names = names
        self._sizes = sizes
        self._stage = stage

    @abstractmethod
    def make(self, index: int, spool_folder: Path | None, check: Check) -> PackedClip | Failure:
        """Make one clip; called from several threads.

        Args:
            index: of the clip.
            spool_folder: for what is too long for memory; None keeps all in memory.
            check: to be called now and then.
        """

    @property
    def set_key(self) -> str:
        """Names the set; neither order nor the clips' names enter, so renaming keeps it."""
        return _set_key(np.unique(self.keys[self._readable], axis=0))

    @property
    def ordered_set_key(self) -> str:
        """Names the set with its clips in this order, where its very bytes matter."""
        return _set_key(self.keys[self._unique])

    def is_complete(self, store: Store) -> bool:
        """Tell whether a store has all that can be made; notes why the rest cannot."""
        missing = self._unique[store.rows(self.keys[self._unique]) < 0]
        # Tried again each time: another version of a decoder may read what this one did not.
        with closing(self._pack(missing, [], None)) as outcomes:
            return all(clip is None for _, clip in outcomes)

    def fill(self, writer: StoreWriter, known: Sequence[Store], spool_folder: Path) -> None:
        """Write the whole set, keeping what an earlier writer left in its order.

        Args:
            writer: of the set's folder.
            known: other sets of this rate, to take clips over from.
            spool_folder: for clips that are too long for memory.

        Raises:
            FileError: the system refused to write.
        """
        n_kept = writer.n_kept
        while True:
            plan = _Plan(self.keys[self._unique], writer.kept[:n_kept])
            writer.begin(plan.n_kept)
            n_before = self._add_rest(writer, plan, known, spool_folder)
            if n_before is None:
                return
            # What could not be made then can be now, and belongs before clips that are kept.
            n_kept = n_before

    def failures_by_clip(self, readable: NDArray[np.bool_]) -> dict[int, Failure]:
        """Why each clip that is not readable is not; a copy fails as the first of its kind did."""
        first = first_rows(self.keys)
        failures = {}
        for i in np.flatnonzero(~readable).tolist():
            known = self.failures.get(i) or self.failures[int(first[i])]
            failures[i] = Failure(self._names[i], known.reason, known.kind)
        return failures

    def fill_memory(self, writer: _Writer) -> None:
        """Make the whole set in memory."""
        with closing(self._pack(self._unique, [], None)) as outcomes:
            for index, clip in outcomes:
                if clip is not None:
                    writer.add(self.keys[index].tobytes(), clip)

    def tell_done(self) -> None:
        """Tell that all is there."""
        self.progress(self._stage, len(self.keys), len(self.keys))

    def _add_rest(
        self, writer: StoreWriter, plan: _Plan, known: Sequence[Store], spool_folder: Path
    ) -> int | None:
        """Add what the plan lacks; the kept rows before a clip that came out of order, or None."""
        n_total = len(self._unique)
        indices = self._unique[plan.todo]
        with closing(self._pack(indices, known, spool_folder)) as outcomes:
            for number, (index, clip) in enumerate(outcomes):
                place = int(plan.todo[number])
                n_before = int(plan.kept_before[place])
                if clip is not None:
                    if n_before < plan.n_kept:
                        return n_before
                    writer.add(self.keys[index].tobytes(), clip)
                self.progress(self._stage, place + 1, n_total)
        self.progress(self._stage, n_total, n_total)
        return None

    @property
    def _readable(self) -> NDArray[np.bool_]:
        readable = np.ones(len(self.keys), bool)
        readable[list(self.keyless)] = False
        return readable

    @cached_property
    def _unique(self) -> Indices:
        """The first clip of each key, in the clips' order."""
        first = first_rows(self.keys) == np.arange(len(self.keys))
        return np.flatnonzero(first & self._readable).astype(np.int32)

    def _pack(
        self, indices: Indices, known: Sequence[Store], spool_folder: Path | None
    ) -> Generator[tuple[int, PackedClip | None], None, None]:
        """Each clip from a set that has it, or made, or None where neither can be done."""
        sources = _sources(self.keys[indices], known) if known else []

        def work_one(number: int, check: Check) -> PackedClip | Failure:
            for store, rows in sources:
                row = int(rows[number])
                if row >= 0 and store.intact(row):
                    return copy_clip(store, row)
            return self.make(int(indices[number]), spool_folder, check)

        def work(numbers: range, check: Check) -> list[PackedClip | Failure]:
            return [work_one(number, check) for number in numbers]

        chunks = map_in_order(work, self._chunks(indices), self.workers)
        with closing(chunks):
            number = 0
            for outcomes in chunks:
                for outcome in outcomes:
                    index = int(indices[number])
                    number += 1
                    if isinstance(outcome, Failure):
                        self.failures[index] = outcome
                        yield index, None
                    else:
                        self.failures.pop(index, None)
                        yield index, outcome

    def _chunks(self, indices: Indices) -> Iterator[range]:
        """Ranges of small files that go to a thread together; a large one goes alone."""
        start, n_bytes = 0, 0
        for number, size in enumerate(self._sizes[indices]):
            n_bytes += int(size)
            if n_bytes > CHUNK_BYTES and number > start:
                yield range(start, number)
                start, n_bytes = number, int(size)
        if start < len(indices):
            yield range(start, len(indices))


def _set_key(keys: Keys) -> str:
    return hashlib.sha256(keys.tobytes()).hexdigest()[:SET_KEY_SIGNS]


class _Plan:
    """Which clips of a set are there already, as the first rows of what was left, and which not.

    Attributes:
        n_kept: rows to keep.
        todo: places in `wanted` that no row is kept for.
        kept_before: for each place, how many rows are kept for earlier ones.
    """

    def __init__(self, wanted: Keys, left: Keys) -> None:
        self.n_kept = 0
        there = np.zeros(len(wanted), bool)
        ours, theirs = wanted.tobytes(), left.tobytes()
        for place in range(len(wanted)):
            next_left = theirs[self.n_kept * KEY_BYTES : (self.n_kept + 1) * KEY_BYTES]
            if ours[place * KEY_BYTES : (place + 1) * KEY_BYTES] == next_left:
                there[place] = True
                self.n_kept += 1
        self.todo: Indices = np.flatnonzero(~there).astype(np.int32)
        self.kept_before = np.cumsum(there, dtype=np.int32) - there


def _sources(keys: Keys, known: Sequence[Store]) -> list[tuple[Store, NDArray[np.int32]]]:
    """The stores that have any of the clips, with the row of each clip."""
    found = [(store, store.rows(keys)) for store in known]
    return [(store, rows) for store, rows in found if (rows >= 0).any()]

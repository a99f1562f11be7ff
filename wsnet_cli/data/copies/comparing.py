"""All clips of a packed set compared with one another: the pairs that hold the same audio."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ...core.files import explain_os_errors
from ...core.parallel import Check, map_in_order
from ..packing.one_clip import SPOOL_SAMPLES
from ..packing.pack_job import Progress
from ..packing.packed import PackedSet
from ..packing.store import Store
from ..packing.store_index import first_rows
from .duplicates import Duplicate, find_duplicates
from .fingerprint import Words, fingerprint
from .near_file import read_near, write_near

COMPARING = "comparing"

_AT_ONCE = 16  # clips between two hand-overs from thread to thread


def compare_clips(
    packed: PackedSet, scratch: Path, workers: int = 1, progress: Progress | None = None
) -> list[Duplicate]:
    """Find the pairs of clips with the same audio, as `duplicates.find_duplicates` says.

    What sounds alike depends on the packed set alone and is noted in its folder, so that a set is
    compared once; which clips are identical depends on the clips, and is found each time.

    Args:
        packed: the clips; those that could not be read are nobody's copies.
        scratch: folder of temporary files.
        workers: clips whose fingerprints are taken at once, >= 1.
        progress: is told how many fingerprints are taken.

    Raises:
        FileError: the system refused to read the audio, or to write.
    """
    store = packed.store
    near = read_near(store)
    if near is None:
        near = _compare(store, scratch, workers, progress or (lambda _stage, _done, _total: None))
        write_near(store, near)
    clip_of = _first_clips(packed)
    pairs = [*_identical(packed, clip_of)]
    for pair in near:
        clips = int(clip_of[pair.first]), int(clip_of[pair.second])
        if min(clips) >= 0:
            offset_s = pair.offset_s if clips[0] < clips[1] else 0.0 - pair.offset_s
            pairs.append(Duplicate(min(clips), max(clips), "near", pair.correlation, offset_s))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def _compare(store: Store, scratch: Path, workers: int, progress: Progress) -> list[Duplicate]:
    """The rows of a store that sound alike; of rows with equal samples the first stands for all."""
    different = _different(store)

    def work(rows: NDArray[np.int64], check: Check) -> list[Words]:
        check()
        return [fingerprint(_samples(store, int(row)), store.sample_rate) for row in rows]

    chunks = (different[start : start + _AT_ONCE] for start in range(0, len(different), _AT_ONCE))
    with _WordFile(len(store.index), scratch) as words:
        with closing(map_in_order(work, chunks, workers)) as outcomes:
            n_done = 0
            for found in outcomes:
                for of_row in found:
                    words.append(int(different[n_done]), of_row)
                    n_done += 1
                progress(COMPARING, n_done, len(different))
        return find_duplicates(
            _RowNames(len(store.index), different),
            words.read,
            store.read,
            store.sample_rate,
            scratch,
        )


def _different(store: Store) -> NDArray[np.int64]:
    """The rows whose samples no earlier row has."""
    keys = np.ascontiguousarray(store.index["audio"])
    return np.flatnonzero(first_rows(keys) == np.arange(len(keys)))


def _first_clips(packed: PackedSet) -> NDArray[np.int64]:
    """For each row of the store, the first clip with its samples; -1 where no clip has them."""
    index = packed.store.index
    clip_of = np.full(len(index), -1, np.int64)
    if len(index):
        same = first_rows(np.ascontiguousarray(index["audio"]))
        readable = np.flatnonzero(packed.rows >= 0)[::-1]
        clip_of[same[packed.rows[readable]]] = readable  # the first clip is written last
        clip_of = clip_of[same]
    return clip_of


def _identical(packed: PackedSet, clip_of: NDArray[np.int64]) -> Iterator[Duplicate]:
    """Each clip whose samples an earlier one has, with the first that has them; not silence."""
    scales = packed.store.index["scale"]
    for clip in np.flatnonzero(packed.rows >= 0).tolist():
        row = int(packed.rows[clip])
        first = int(clip_of[row])
        if first != clip and scales[row] > 0:
            yield Duplicate(first, clip, "identical", 1.0, 0.0)


def _samples(store: Store, row: int) -> NDArray[np.float32] | NDArray[np.int16]:
    long = store.n_samples(row) > SPOOL_SAMPLES
    return store.codes(row) if long else store.read(row)


class _RowNames(Sequence[str]):
    """A name for each row that is to be compared, and "" for the others."""

    def __init__(self, n_rows: int, compared: NDArray[np.int64]) -> None:
        self._compared = np.zeros(n_rows, np.bool_)
        self._compared[compared] = True

    def __len__(self) -> int:
        return len(self._compared)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices are not needed
        if not 0 <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return str(index) if self._compared[index] else ""


class _WordFile:
    """Fingerprints in a temporary file: 500 bytes for a second of sound are too much to hold."""

    def __init__(self, n_clips: int, scratch: Path) -> None:
        self._scratch = scratch
        self._starts = np.zeros(n_clips, np.int64)
        self._counts = np.zeros(n_clips, np.int32)
        with explain_os_errors("write", scratch):
            self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by `__exit__`
        self._n_words = 0

    def __enter__(self) -> _WordFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with explain_os_errors("write", self._scratch):  # what is left of a failed write
            self._file.close()

    def append(self, clip: int, words: Words) -> None:
        """Keep a clip's words; before the first `read`."""
        self._starts[clip], self._counts[clip] = self._n_words, len(words)
        with explain_os_errors("write", self._scratch):
            self._file.write(words.tobytes())
        self._n_words += len(words)

    def read(self, clip: int) -> Words:
        """The words of a clip; none of one that was not appended."""
        with explain_os_errors("read", self._scratch):
            self._file.seek(int(self._starts[clip]) * 8)
            return np.frombuffer(self._file.read(int(self._counts[clip]) * 8), np.uint64)

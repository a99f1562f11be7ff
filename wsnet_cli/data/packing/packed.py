"""The decoded audio of a data set, packed once and memory-mapped from then on.

A packed set is found by content alone: the bytes of each source file, the segment taken from it,
the sample rate and the version of the format. So a changed file, rate or segment never meets old
audio, a renamed one still finds its own, and when files are added only those are decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, ParameterError
from ...core.files import explain_os_errors, sync_folder
from ...core.quoting import quoted, shown
from ..dataset import DataSet, Failure
from .cache import packed_folder
from .pack_job import PackJob, Progress
from .set_folder import complete_set, fill_store
from .store import Store


@dataclass(frozen=True, eq=False)
class PackedSet:
    """The audio of a data set's clips, by their index; len() is the number of clips.

    Attributes:
        sample_rate: of all clips, Hz.
        failures: why clips could not be read, by index; they are left out, never replaced.
        content_keys: per clip, the SHA-256 of its file, for a segment followed by `@start-end`;
            "" where the file cannot be read.
        note: why nothing could be kept for the next run, or None.
        rows: per clip, its row in `store`, [n] int32; -1 where it could not be read.
        store: the packed samples.
    """

    sample_rate: int
    failures: dict[int, Failure]
    content_keys: Sequence[str]
    note: str | None
    rows: NDArray[np.int32]
    store: Store

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def audio_keys(self) -> NDArray[np.uint8]:
        """Per clip, the first bytes of the SHA-256 of its packed samples; zeros if unreadable.

        Digital silence has a key of its own in each row: recordings that are both silent have
        nothing in common that a model could learn.
        """
        index = self.store.index
        if not len(index):
            return np.zeros((len(self), 0), np.uint8)
        keys = index["audio"].copy()
        silent = np.flatnonzero(index["scale"] == 0)
        keys[silent] = 0xFF
        keys[silent, :4] = silent.astype("<u4").view(np.uint8).reshape(-1, 4)
        keys = keys[self.rows]
        keys[self.rows < 0] = 0
        return np.asarray(keys)

    def has(self, i: int) -> bool:
        """Tell whether clip i could be read."""
        return bool(self.rows[i] >= 0)

    def samples(self, i: int, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Return clip i, or its samples start..stop - 1, as a new float32 array, mono.

        Raises:
            ParameterError: the clip could not be read; ask `has` first.
        """
        return self.store.samples(self._row(i), start, stop)

    def codes(self, i: int) -> tuple[NDArray[np.int16], float]:
        """The int16 codes of clip i, without a copy, and what one is worth; raises as `samples`."""
        row = self._row(i)
        return self.store.codes(row), float(self.store.index["scale"][row])

    def read_into(self, i: int, start: int, out: NDArray[np.float32]) -> None:
        """Write samples start..start + len(out) - 1 of clip i into `out`; raises as `samples`."""
        self.store.read_into(self._row(i), start, out)

    def n_samples(self, i: int) -> int:
        """Return the length of clip i; raises as `samples` does."""
        return self.store.n_samples(self._row(i))

    def _row(self, i: int) -> int:
        if not self.has(i):
            raise ParameterError(f"clip {i} could not be read; it has no samples")
        return int(self.rows[i])


def pack(
    dataset: DataSet,
    sample_rate: int,
    cache_root: Path,
    progress: Progress | None = None,
    workers: int = 1,
    in_use: Collection[Path] = (),
) -> PackedSet:
    """Decode all clips of a data set, or find them decoded in the cache.

    Every file is hashed each time. Where the cache cannot be used (a folder that cannot be
    written, a full disk, one inside the data set), a temporary folder or memory takes its place
    and `note` says so. Never writes into the data set.

    Args:
        dataset: the clips; those that cannot be read become `failures`.
        sample_rate: Hz, above 0.
        cache_root: the cache folder, made if needed.
        progress: see `pack_job.Progress`.
        workers: files that are read at once, >= 1.
        in_use: folders of other sets, which stay in the cache whatever its size.

    Raises:
        ParameterError: the sample rate is not above 0.
    """
    if sample_rate <= 0:
        raise ParameterError(f"sample_rate = {sample_rate}; expected Hz above 0")
    job = PackJob(dataset, sample_rate, workers, progress)
    store, note = fill_store(job, cache_root, in_use)
    return packed_set(job, store, note)


def pack_into(job: PackJob, root: Path) -> tuple[PackedSet, Path]:
    """Decode all clips into a folder of one's own, in the form of the cache; and the set's folder.

    What a killed run left there is taken up, and other sets there are taken from. The same clips
    in the same order give the same bytes, whatever was there.

    Raises:
        FileError: the system refused to write; what was packed until then stays for the next run.
    """
    key = job.ordered_set_key
    store = complete_set(job, root, key, keep_part=True)
    with explain_os_errors("write", packed_folder(root)):
        sync_folder(packed_folder(root))
    return packed_set(job, store, None), packed_folder(root) / key


def packed_set(job: PackJob, store: Store, note: str | None) -> PackedSet:
    """The clips of a job and a store that has all of them that can be read."""
    rows = store.rows(job.keys)
    rows[list(job.contents.failures)] = -1
    return PackedSet(
        sample_rate=job.sample_rate,
        failures=job.failures_by_clip(rows >= 0),
        content_keys=job.contents,
        note=note,
        rows=rows,
        store=store,
    )


def check_classes(dataset: DataSet, packed: PackedSet) -> None:
    """Make sure that every class has a clip that could be read.

    Raises:
        DataError: one has none; names it and why its first clip could not be read.
    """
    readable = set(dataset.class_pairs(np.flatnonzero(packed.rows >= 0))[1].tolist())
    if len(readable) == len(dataset.labels):
        return
    for i, failure in sorted(packed.failures.items()):
        for number in dataset.class_pairs(np.array([i]))[1].tolist():
            if number not in readable:
                raise DataError(
                    f"class {quoted(dataset.labels[number])} has no clip that can be read; the "
                    f"first, {shown(failure.name)}: {failure.reason}"
                )

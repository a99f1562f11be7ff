"""The decoded audio of a data set, packed once and memory-mapped from then on.

A packed set is found by content alone: the bytes of each source file, the segment taken from it,
the sample rate and the version of the format. So a changed file, rate or segment never meets old
audio, a renamed one still finds its own, and when files are added only those are decoded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, FileError, ParameterError
from ..core.files import TEMPORARY_SUFFIX, explain_os_errors
from .cache import CACHE_LIMIT_BYTES, lock_set, mark_used, packed_folder, trim_cache
from .dataset import DataSet, quoted, shown
from .dataset import Failure as Failure
from .pack_job import PackJob, Progress
from .store import Store, StoreWriter, open_store


@dataclass(frozen=True, eq=False)
class PackedSet:
    """The audio of a data set's clips, by their index; len() is the number of clips.

    Attributes:
        sample_rate: of all clips, Hz.
        failures: the clips that could not be read, in order; they are left out, never replaced.
        content_keys: per clip, the SHA-256 of its file, for a segment followed by `@start-end`;
            "" where unreadable.
        audio_keys: per clip, the SHA-256 of its packed samples; "" where unreadable.
        note: why nothing could be kept for the next run, or None.
        keys: per clip, its key in `store`; "" where unreadable.
        store: the packed samples.
    """

    sample_rate: int
    failures: tuple[Failure, ...]
    content_keys: tuple[str, ...]
    audio_keys: tuple[str, ...]
    note: str | None
    keys: tuple[str, ...]
    store: Store

    def __len__(self) -> int:
        return len(self.keys)

    def has(self, i: int) -> bool:
        """Tell whether clip i could be read."""
        return bool(self.keys[i])

    def samples(self, i: int, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Return clip i, or its samples start..stop - 1, as a new float32 array, mono.

        Raises:
            ParameterError: the clip could not be read; ask `has` first.
        """
        return self.store.samples(self._key(i), start, stop)

    def n_samples(self, i: int) -> int:
        """Return the length of clip i; raises as `samples` does."""
        return self.store.entries[self._key(i)].n_samples

    def _key(self, i: int) -> str:
        if not self.keys[i]:
            raise ParameterError(f"clip {i} could not be read; it has no samples")
        return self.keys[i]


def pack(
    dataset: DataSet, sample_rate: int, cache_root: Path, progress: Progress | None = None
) -> PackedSet:
    """Decode all clips of a data set, or find them decoded in the cache.

    Every file is hashed each time. Where the cache cannot be used (a folder that cannot be
    written, a full disk, one inside the data set), a temporary folder or memory takes its place
    and `note` says so. Never writes into the data set.

    Args:
        dataset: the clips; those that cannot be read become `failures`.
        sample_rate: Hz, above 0.
        cache_root: the cache folder, made if needed.
        progress: is told how many clips of how many are done.

    Raises:
        ParameterError: the sample rate is not above 0.
    """
    if sample_rate <= 0:
        raise ParameterError(f"sample_rate = {sample_rate}; expected Hz above 0")
    job = PackJob(dataset, sample_rate, progress)
    store, note = _store_for(job, cache_root)
    keys = tuple(key if key in store.entries else "" for key in job.keys)
    names = [clip.name for clip in dataset.clips]
    return PackedSet(
        sample_rate=sample_rate,
        failures=tuple(Failure(names[i], job.failures[i]) for i, key in enumerate(keys) if not key),
        content_keys=tuple(c if k else "" for c, k in zip(job.content_keys, keys, strict=True)),
        audio_keys=tuple(store.entries[key].audio_key if key else "" for key in keys),
        note=note,
        keys=keys,
        store=store,
    )


def check_classes(dataset: DataSet, packed: PackedSet) -> None:
    """Make sure that every class has a clip that could be read.

    Raises:
        DataError: one has none; names it and why its first clip could not be read.
    """
    readable = {clip.label for i, clip in enumerate(dataset.clips) if packed.has(i)}
    reasons = {failure.name: failure.reason for failure in reversed(packed.failures)}
    for clip in dataset.clips:
        if clip.label not in readable:
            raise DataError(
                f"class {quoted(clip.label)} has no clip that can be read; the first, "
                f"{shown(clip.name)}: {reasons[clip.name]}"
            )


def _store_for(job: PackJob, cache_root: Path) -> tuple[Store, str | None]:
    if not any(job.keys):
        return StoreWriter(None, job.sample_rate).finish(), None
    try:
        inside = Path(os.path.realpath(cache_root)).is_relative_to(
            os.path.realpath(job.dataset.root)
        )
        if inside:
            raise FileError(f"the cache folder {cache_root} lies inside the data set")
        return _cached(job, cache_root), None
    except FileError as error:
        refusal = str(error)
    try:
        return _temporary(job), f"the decoded audio is not kept for the next run: {refusal}"
    except FileError:
        writer = StoreWriter(None, job.sample_rate)
        job.fill(writer, {})
        return writer.finish(), f"the decoded audio is kept in memory: {refusal}"


def _cached(job: PackJob, cache_root: Path) -> Store:
    folder = packed_folder(cache_root) / job.set_key
    store = _open_complete(job, folder)
    if store is None:
        with explain_os_errors("write", folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
        with lock_set(cache_root, job.set_key):
            # Whoever held the lock before may have packed the same set.
            store = _open_complete(job, folder) or _build(job, folder)
        trim_cache(cache_root, CACHE_LIMIT_BYTES, keep=folder)
    mark_used(folder)
    job.progress(len(job.keys), len(job.keys))
    return store


def _open_complete(job: PackJob, folder: Path) -> Store | None:
    store = open_store(folder, job.sample_rate)
    return store if store is not None and job.is_complete(store) else None


def _build(job: PackJob, folder: Path) -> Store:
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with explain_os_errors("write", temporary):
        temporary.mkdir()
    try:
        _write(job, temporary, _known(job, folder.parent))
        with explain_os_errors("write", folder):
            if folder.exists():
                shutil.rmtree(folder)  # damaged, or without a clip that can be decoded by now
            temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return _opened(folder, job.sample_rate)


def _temporary(job: PackJob) -> Store:
    with explain_os_errors("write", tempfile.gettempdir()):
        folder = Path(tempfile.mkdtemp(prefix="wsnet-"))
    try:
        _write(job, folder, {})
        store = _opened(folder, job.sample_rate)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(store, _remove_own, folder, os.getpid())
    return store


def _write(job: PackJob, folder: Path, known: Mapping[str, Store]) -> None:
    writer = StoreWriter(folder, job.sample_rate)
    try:
        job.fill(writer, known)
        writer.finish()
    finally:
        with contextlib.suppress(FileError):
            writer.close()


def _known(job: PackJob, packed: Path) -> dict[str, Store]:
    """Return, for each clip that another set of the same rate has already, that set."""
    wanted = set(job.keys)
    known: dict[str, Store] = {}
    for folder in sorted(packed.glob("[0-9a-f]*")):
        store = open_store(folder, job.sample_rate)
        if store is not None:
            known.update(dict.fromkeys(wanted & store.entries.keys(), store))
    return known


def _opened(folder: Path, sample_rate: int) -> Store:
    store = open_store(folder, sample_rate)
    if store is None:
        raise FileError(f"cannot read {folder}: it was changed while it was written")
    return store


def _remove_own(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked worker that ends must leave its parent's files
        shutil.rmtree(folder, ignore_errors=True)

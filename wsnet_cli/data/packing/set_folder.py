"""Where a packed set lies: in a folder of sets, in a temporary folder, or in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from ...core.errors import FileError
from ...core.files import TEMPORARY_SUFFIX, explain_os_errors
from .cache import CACHE_LIMIT_BYTES, lock_set, mark_used, packed_folder, trim_cache
from .fill_job import FillJob
from .integrity import is_whole
from .store import Store, open_store, open_unfinished
from .store_writer import MemoryWriter, StoreWriter


def fill_store(
    job: FillJob, cache_root: Path, keep: Collection[Path] = ()
) -> tuple[Store, str | None]:
    """A store with all clips of a job that can be made, from the cache or made now.

    Args:
        job: what is to be in it.
        cache_root: the cache folder, made if needed.
        keep: other sets that are in use, and stay in the cache whatever its size.

    Returns: the store, and why it could not be kept for the next run, or None.
    """
    if not job.keys.any():
        return MemoryWriter(job.sample_rate).finish(), None
    try:
        inside = Path(os.path.realpath(cache_root)).is_relative_to(os.path.realpath(job.root))
        if inside:
            raise FileError(f"the cache folder {cache_root} lies inside the data set")
        store = complete_set(job, cache_root, job.set_key, keep_part=False)
        trim_cache(cache_root, CACHE_LIMIT_BYTES, keep=store.folder, also=keep)
        return store, None
    except FileError as error:
        refusal = str(error)
    try:
        return _temporary(job), f"the decoded audio is not kept for the next run: {refusal}"
    except FileError:
        writer = MemoryWriter(job.sample_rate)
        job.fill_memory(writer)
        return writer.finish(), f"the decoded audio is kept in memory: {refusal}"


def complete_set(job: FillJob, root: Path, key: str, *, keep_part: bool) -> Store:
    """The set in a folder of sets, packed if it is not there; `keep_part` also when that fails."""
    folder = packed_folder(root) / key
    store = _open_complete(job, folder)
    if store is None:
        with explain_os_errors("write", folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
        with lock_set(root, key):
            # Whoever held the lock before may have packed the same set.
            store = _open_complete(job, folder) or _build(job, folder, keep_part)
    mark_used(folder)
    job.tell_done()
    return store


def _open_complete(job: FillJob, folder: Path) -> Store | None:
    store = open_store(folder, job.sample_rate)
    if store is None or not is_whole(store):
        return None
    return store if job.is_complete(store) else None


def _build(job: FillJob, folder: Path, keep_part: bool) -> Store:
    """Pack in a folder beside, which a later run takes up if this one is killed or interrupted."""
    part = folder.with_name(f".{folder.name}{TEMPORARY_SUFFIX}")
    with explain_os_errors("write", part):
        part.mkdir(exist_ok=True)
    try:
        _write(job, part, _known(job, folder))
        with explain_os_errors("write", folder):
            if folder.exists():
                shutil.rmtree(folder)  # damaged, or without a clip that can be decoded by now
            part.rename(folder)
    except FileError:
        if not keep_part:
            shutil.rmtree(part, ignore_errors=True)
        raise
    return _opened(folder, job.sample_rate)


def _temporary(job: FillJob) -> Store:
    with explain_os_errors("write", tempfile.gettempdir()):
        folder = Path(tempfile.mkdtemp(prefix="wsnet-"))
    try:
        _write(job, folder, [])
        store = _opened(folder, job.sample_rate)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(store, _remove_own, folder, os.getpid())
    return store


def _write(job: FillJob, folder: Path, known: Sequence[Store]) -> None:
    writer = StoreWriter(folder, job.sample_rate)
    try:
        job.fill(writer, known, folder)
        writer.finish()
    finally:
        with suppress(FileError):
            writer.close()


def _known(job: FillJob, folder: Path) -> list[Store]:
    """The other sets beside it, finished or not, that clips can be taken from."""
    stores = [open_store(path, job.sample_rate) for path in sorted(folder.parent.glob("[0-9a-f]*"))]
    part = f".{folder.name}{TEMPORARY_SUFFIX}"
    for path in sorted(folder.parent.glob(f".*{TEMPORARY_SUFFIX}")):
        if path.name != part:
            stores.append(open_unfinished(path, job.sample_rate))
    return [store for store in stores if store is not None]


def _opened(folder: Path, sample_rate: int) -> Store:
    store = open_store(folder, sample_rate)
    if store is None:
        raise FileError(f"cannot read {folder}: it was changed while it was written")
    return store


def _remove_own(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked worker that ends must leave its parent's files
        shutil.rmtree(folder, ignore_errors=True)

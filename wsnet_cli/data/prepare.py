"""From a data set as it was found to a prepared folder: decoded once, checked, divided."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError, FileError, UsageError
from ..core.files import exists, explain_os_errors, is_folder, remove_stale, write_json_atomic
from ..core.lock import hold
from ..core.quoting import shown
from .copies.comparing import compare_clips
from .copies.leaks import Sides, leak_report
from .dataset import DataSet
from .dividing.parts import Parts, choose_parts
from .health.meter import HEALTH
from .health.report import Columns, build_report
from .packing.cache import PACKED, trim_cache
from .packing.pack_job import PackJob, Progress
from .packing.packed import PackedSet, check_classes, pack_into
from .prepared_folder import CLIPS, LOCK, MARKER, PAGE, REPORT, write_clips, write_marker

_OWN = frozenset((MARKER, CLIPS, REPORT, PAGE, PACKED))


@dataclass(frozen=True)
class Prepared:
    """What came of it.

    Attributes:
        dataset: the clips that were found.
        packed: their audio.
        parts: where each of them stands.
        report: the content of report.json.
        n_decoded: files that were decoded, and not found decoded.
        n_bytes: of the packed audio.
    """

    dataset: DataSet
    packed: PackedSet
    parts: Parts
    report: Mapping[str, Any]
    n_decoded: int
    n_bytes: int


def check_target(folder: Path, source: Path) -> None:
    """Refuse a folder that a data set must not be prepared into, before any work.

    Raises:
        DataError: there is no source.
        UsageError: it is a file, lies inside a folder of data or holds it, or has other things in
            it, such as a clips.csv without the audio that a prepared folder gets before it.
        FileError: it cannot be listed or written to.
    """
    if not exists(source):
        raise DataError(f"{shown(source)}: no such file or folder; expected a data set")
    if exists(folder) and not is_folder(folder):
        raise UsageError(f"-o {shown(folder)}: is a file; expected a folder, there or not")
    above = next(path for path in (folder, *folder.absolute().parents) if exists(path))
    if not is_folder(above):
        raise UsageError(f"-o {shown(folder)}: {shown(above)} is a file; expected a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise FileError(f"cannot write {shown(above)}: Permission denied")
    here, there = Path(os.path.realpath(folder)), Path(os.path.realpath(source))
    if not is_folder(there):  # a manifest names its files, so a folder beside it is none of them
        there = there.parent
    elif here.is_relative_to(there):
        raise UsageError(
            f"-o {shown(folder)}: lies inside the data, which is never written to; expected a "
            f"folder outside {shown(there)}"
        )
    if there.is_relative_to(here):
        raise UsageError(f"-o {shown(folder)}: holds the data; expected a folder beside it")
    if is_folder(folder):
        with explain_os_errors("list", folder):
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names alone
        own = _OWN if PACKED in names else ()
        foreign = [name for name in names if name not in own and not name.startswith(".")]
        if foreign:
            raise UsageError(
                f"-o {shown(folder)}: holds {shown(foreign[0])}, which is no part of a prepared "
                "folder; expected an empty or a prepared one"
            )


def prepare(
    dataset: DataSet,
    folder: Path,
    sample_rate: int,
    *,
    n_folds: int | None = None,
    held_out: float = 0.2,
    workers: int = 1,
    progress: Progress | None = None,
) -> Prepared:
    """Decode a data set into a folder, check it, divide it, and write what was found.

    What a killed run left in the folder is taken up, and what has not changed since a finished one
    is not decoded again; in each case the folder ends with the bytes of a run from nothing.

    Args:
        dataset: what `layouts.load_dataset` read.
        folder: checked by `check_target`; made if it is not there.
        sample_rate: of the packed audio, Hz.
        n_folds: as `parts.choose_parts` takes it.
        held_out: likewise.
        workers: files worked on at once.
        progress: is told how it goes on.

    Raises:
        DataError: a class has no clip that can be read, or none that is trained on.
        UsageError: another process prepares into the folder; or as `choose_parts`.
        FileError: the system refused; what was packed until then stays for the next run.
    """
    with _claimed(folder):
        remove_stale(folder)
        job = PackJob(dataset, sample_rate, workers, progress)
        packed, set_folder = pack_into(job, folder)
        n_decoded = job.n_decoded
        del job  # its keys are not needed any more
        remove_stale(set_folder)
        check_classes(dataset, packed)
        copies = compare_clips(packed, folder, workers, progress)
        together = [(pair.first, pair.second) for pair in copies]
        parts = choose_parts(dataset, packed, n_folds=n_folds, held_out=held_out, together=together)
        report = build_report(
            _columns(dataset, packed, parts),
            about={"layout": dataset.layout, "split": parts.how},
            left_out=[(failure.name, failure.reason) for failure in dataset.skipped],
            leaks=leak_report(copies, _sides(dataset, parts)),
        )
        with explain_os_errors("remove", folder / PAGE):
            (folder / PAGE).unlink(missing_ok=True)  # it shows another report
        write_clips(folder, dataset, packed, parts)
        write_json_atomic(folder / REPORT, report)
        write_marker(folder, dataset, packed, parts)
        trim_cache(folder, 0, keep=set_folder)
        _remove_locks(set_folder)
    n_bytes = sum(path.stat().st_size for path in set_folder.iterdir())
    return Prepared(dataset, packed, parts, report, n_decoded, n_bytes)


def _claimed(folder: Path) -> AbstractContextManager[None]:
    """Hold the folder, so that no two processes prepare into it."""
    with explain_os_errors("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
    refusal = UsageError(
        f"-o {shown(folder)}: another wsnet prepares into it; wait, or give another folder"
    )
    return hold(folder / LOCK, refusal=refusal)


def _remove_locks(set_folder: Path) -> None:
    """Remove the locks of sets that were never begun; nobody holds one who did not get ours."""
    for path in set_folder.parent.glob(".*.lock"):
        if path.name != f".{set_folder.name}.lock":
            with explain_os_errors("remove", path):
                path.unlink(missing_ok=True)


def _sides(dataset: DataSet, parts: Parts) -> Sides:
    """The clips as the leak report takes them."""
    clips = dataset.clips
    return Sides(
        name=clips.names.__getitem__,
        parts=parts.titles,
        part_of=parts.of_clip,
        labels=clips.label_words,
        label_of=np.array(clips.label_numbers, np.int32),
        groups=clips.group_words,
        group_of=np.array(clips.group_numbers, np.int32),
    )


def _columns(dataset: DataSet, packed: PackedSet, parts: Parts) -> Columns:
    """The clips as the report takes them."""
    clips, health = dataset.clips, packed.store.health()
    health = health[packed.rows] if len(health) else np.zeros(len(packed), HEALTH)
    return Columns(
        name=clips.names.__getitem__,
        labels=dataset.labels,
        label_of=clips.label_numbers if dataset.multi_label else dataset.classes,
        parts=parts.titles,
        part_of=parts.of_clip,
        health=health,
        failures={i: (failure.kind, failure.reason) for i, failure in packed.failures.items()},
        members=dataset.members if dataset.multi_label else None,
    )

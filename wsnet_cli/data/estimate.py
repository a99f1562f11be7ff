"""What packing a data set will take, from a few of its clips that are decoded on trial."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from ..core.errors import AudioError, FileError
from .clips import ClipTable
from .packing import decode_clip
from .store import CODE

TRIAL_FILES = 8
"""Files of each kind, by suffix, that are decoded on trial."""
TRIAL_S = 2.0
"""Seconds after which a kind's trial ends."""


@dataclass(frozen=True)
class Estimate:
    """What is to be expected.

    Attributes:
        n_files: files there are.
        source_bytes: of all of them.
        packed_bytes: of the set.
        seconds: to decode them all by so many workers.
    """

    n_files: int
    source_bytes: int
    packed_bytes: int
    seconds: float


def estimate(
    clips: ClipTable,
    sample_rate: int,
    workers: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Decode TRIAL_FILES of each kind, spread over the set, and take the rest to be like them.

    Time and space go by the bytes of a file. A kind of which no trial can be read counts nothing,
    and a file of which segments are taken counts as if all of it were.
    """
    sizes = _sizes_by_kind(clips)
    seconds, packed_bytes = 0.0, 0.0
    for places, total in sizes.values():
        n_bytes, n_samples, spent = 0, 0, 0.0
        step = max(1, len(places) // TRIAL_FILES)
        start = clock()
        for place in places[::step][:TRIAL_FILES]:
            clip = clips[place]
            try:
                size = clip.path.stat().st_size
                n_samples += decode_clip(clip, sample_rate, None, lambda: None).n_samples
            except (AudioError, FileError, OSError):
                continue
            n_bytes += size
            spent = clock() - start
            if spent > TRIAL_S:
                break
        if n_bytes:
            seconds += spent * total / n_bytes
            packed_bytes += CODE.itemsize * n_samples * total / n_bytes
    n_files = sum(len(places) for places, _ in sizes.values())
    source_bytes = sum(total for _, total in sizes.values())
    return Estimate(n_files, source_bytes, round(packed_bytes), seconds / workers)


def _sizes_by_kind(clips: ClipTable) -> dict[str, tuple[list[int], int]]:
    """By suffix, the first clip of each file, and the bytes of all files."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    totals: defaultdict[str, int] = defaultdict(int)
    previous = None
    for i, name in enumerate(clips.names):
        if name == previous:
            continue
        previous = name
        kind = PurePath(name).suffix.lower()
        try:
            totals[kind] += clips[i].path.stat().st_size
        except OSError:
            continue
        places[kind].append(i)
    return {kind: (places[kind], totals[kind]) for kind in sorted(places)}

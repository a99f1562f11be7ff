"""What packing a data set will take, from a few of its files that are decoded on trial."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ..core.errors import AudioError
from ..core.sound.decode import open_audio
from ..core.sound.resampling import resample_blocks
from .clips import ClipTable
from .health.meter import HealthMeter
from .packing.store import CODE

TRIAL_FILES = 8
"""Files of each kind, by suffix, that are decoded on trial."""
TRIAL_S = 2.0
"""Seconds after which a kind's trial ends."""
TRIAL_AUDIO_S = 30.0
"""Of a longer file only so much is decoded, where its header says how long it is."""


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


@dataclass
class _Kind:
    """The files of one suffix, and what is taken from them."""

    places: array[int] = field(default_factory=lambda: array("q"))  # each file's first clip
    n_bytes: int = 0
    bounded_s: float = 0.0  # segments whose ends are given
    open_bytes: int = 0  # of files, once for each clip that lasts to its file's end
    open_start_s: float = 0.0  # what such clips leave out

    def audio_s(self, bytes_per_s: float) -> float:
        """Seconds of audio in all clips."""
        return self.bounded_s + max(0.0, self.open_bytes / bytes_per_s - self.open_start_s)


def estimate(
    clips: ClipTable,
    sample_rate: int,
    workers: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Decode TRIAL_FILES of each kind, spread over the set, and take the rest to be like them.

    Time and space go by seconds of audio, and these, where no segment says so, by the bytes of a
    file. A kind of which no trial can be read counts nothing. Nothing is written, and no file is
    held in memory, however long.
    """
    seconds, audio_s = 0.0, 0.0
    kinds = _kinds(clips)
    for kind in kinds.values():
        n_bytes, file_s, heard_s, spent = 0, 0.0, 0.0, 0.0
        step = max(1, len(kind.places) // TRIAL_FILES)
        for place in kind.places[::step][:TRIAL_FILES]:
            path, start = clips[place].path, clock()
            try:
                of_file, heard = _decode(path, sample_rate)
                n_bytes += path.stat().st_size
            except (AudioError, OSError):
                continue
            file_s, heard_s, spent = file_s + of_file, heard_s + heard, spent + clock() - start
            if spent > TRIAL_S:
                break
        if heard_s:
            of_kind = kind.audio_s(n_bytes / file_s)
            audio_s += of_kind
            seconds += spent / heard_s * of_kind
    return Estimate(
        n_files=sum(len(kind.places) for kind in kinds.values()),
        source_bytes=sum(kind.n_bytes for kind in kinds.values()),
        packed_bytes=round(CODE.itemsize * sample_rate * audio_s),
        seconds=seconds / workers,
    )


def _decode(path: Path, sample_rate: int) -> tuple[float, float]:
    """Seconds that a file lasts, and how many of them were decoded."""
    meter = HealthMeter()
    with open_audio(path) as decoder:
        n_frames, rate = decoder.n_frames, decoder.sample_rate
        is_long = n_frames is not None and n_frames > TRIAL_AUDIO_S * rate
        blocks = decoder.blocks(None, TRIAL_AUDIO_S if is_long else None, observe=meter.add)
        heard_s = sum(map(len, resample_blocks(blocks, rate, sample_rate))) / sample_rate
        meter.record(rate, decoder.n_channels)
    return (n_frames / rate if n_frames is not None and is_long else heard_s), heard_s


def _kinds(clips: ClipTable) -> dict[str, _Kind]:
    """The files by suffix; those that are not there belong to none."""
    kinds: dict[str, _Kind] = {}
    previous, size = None, 0
    for i, name in enumerate(clips.names):
        kind = kinds.setdefault(PurePath(name).suffix.lower(), _Kind())
        if name != previous:
            previous = name
            try:
                size = clips[i].path.stat().st_size
            except OSError:
                size = 0
                continue
            kind.places.append(i)
            kind.n_bytes += size
        start_s, end_s = clips.segment(i)
        if end_s is not None:
            kind.bounded_s += end_s - (start_s or 0.0)
        else:
            kind.open_bytes += size
            kind.open_start_s += start_s or 0.0
    return kinds

"""The whole corpus."""

from __future__ import annotations

import functools
import os

from . import broken_wav, compressed, containers, entries, foreign, values, wav
from .odd import OddFile

KINDS = {
    "WAV: codings": wav.encodings,
    "WAV: chunks and sizes": wav.structures,
    "WAV: partly there": wav.partly_there,
    "WAV: impossible headers": broken_wav.headers,
    "WAV: cut headers": broken_wav.cut_headers,
    "other containers": containers.containers,
    "other containers: lies and cuts": containers.odd_containers,
    "FLAC": compressed.flacs,
    "Vorbis and Opus": compressed.oggs,
    "MP3": compressed.mp3s,
    "channels": values.channels,
    "rates": values.rates,
    "few or no samples": values.amounts,
    "odd samples": values.samples,
    "names that mislead": values.names,
    "no audio": foreign.foreign,
    "no regular file": entries.entries,
}
"""What makes the files of each kind."""


@functools.cache
def corpus() -> dict[str, tuple[OddFile, ...]]:
    """All files by kind; those that need a POSIX file system only where there is one."""
    kinds = {k: m for k, m in KINDS.items() if m is not entries.entries or os.name == "posix"}
    made = {kind: tuple(make()) for kind, make in kinds.items()}
    names = [file.name for files in made.values() for file in files]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    return made


def every_file() -> tuple[OddFile, ...]:
    return tuple(file for files in corpus().values() for file in files)

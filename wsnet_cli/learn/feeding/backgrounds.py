"""Recordings of what may be heard behind a clip, mixed into windows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...core.errors import ConfigError, DataError
from ...core.parallel import count_workers
from ...core.quant import Array
from ...core.quoting import shown
from ...data.clips import Clip
from ...data.dataset import DataSet, Failure
from ...data.layouts.paths import Root
from ...data.layouts.walk import audio_files
from ...data.packing.cache import default_cache_root
from ...data.packing.pack_job import Progress
from ...data.packing.packed import PackedSet, pack

_KEY = "augment.background"


@dataclass(frozen=True)
class Backgrounds:
    """Background recordings, decoded. May be used by several threads.

    Attributes:
        packed: their audio.
        recordings: indices of those that are used, at least one.
        fingerprint: changes with the content of any of them, or their order.
        left_out: what lies in the folder and is not used, by its path, and why.
        line: how many there are and from where, for people.
    """

    packed: PackedSet
    recordings: tuple[int, ...]
    fingerprint: str
    left_out: tuple[Failure, ...]
    line: str

    def cut(self, rng: np.random.Generator, out: Array) -> None:
        """Write a random piece of a random recording into `out` [n] float32.

        Each recording is as likely as any other, and each place of it; one that is shorter than the
        piece begins anywhere and is repeated.
        """
        i = self.recordings[int(rng.integers(len(self.recordings)))]
        n_missing = self.packed.n_samples(i) - len(out)
        if n_missing >= 0:
            self.packed.read_into(i, int(rng.integers(n_missing + 1)), out)
            return
        n_samples = self.packed.n_samples(i)
        start, filled = int(rng.integers(n_samples)), 0
        while filled < len(out):
            n = min(n_samples - start, len(out) - filled)
            self.packed.read_into(i, start, out[filled : filled + n])
            start, filled = 0, filled + n


def find_backgrounds(folder: str) -> DataSet:
    """Find the recordings of a folder and all folders below it; nothing is decoded.

    Raises:
        ConfigError: there is no such folder, or no audio in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ConfigError(
            f"{_KEY} = {shown(folder)}: no such folder; expected one with recordings to mix in"
        )
    root, skipped = Root(path), list[Failure]()
    clips = (Clip(root.path / name, name, "background") for name in audio_files(root, "", skipped))
    found = DataSet(root.path, "backgrounds", clips, skipped)
    if not found.clips:
        left_out = f"; left out: {shown(skipped[0].name)} ({skipped[0].reason})" if skipped else ""
        raise ConfigError(
            f"{_KEY} = {shown(folder)}: no audio found; expected recordings to mix in{left_out}"
        )
    return found


def load_backgrounds(
    found: DataSet,
    sample_rate: int,
    held_out: Collection[str],
    progress: Progress | None = None,
    in_use: Collection[Path] = (),
) -> Backgrounds:
    """Decode recordings through the cache.

    Args:
        found: see `find_backgrounds`.
        sample_rate: Hz.
        held_out: SHA-256 of the files that are measured on, in hexadecimal: a recording that is one
            of them is not used, or training would hear what it is measured on.
        progress: told the stage, recordings done, recordings in all.
        in_use: folders of packed sets that stay in the cache.

    Raises:
        DataError: none can be used.
    """
    workers = count_workers(None, len(found.clips))
    packed = pack(found, sample_rate, default_cache_root(), progress, workers, in_use)
    names, keys = found.clips.names, packed.content_keys
    readable = [i for i in range(len(names)) if packed.has(i)]
    used = tuple(i for i in readable if keys[i] not in held_out)
    failures = [*found.skipped, *packed.failures.values()]
    failures += [
        Failure(names[i], "is a clip that is measured on") for i in readable if keys[i] in held_out
    ]
    left_out = [replace(failure, name=f"{found.root}/{failure.name}") for failure in failures]
    if not used:
        first = left_out[0]
        raise DataError(
            f"{_KEY}: no recording can be used; the first, {shown(first.name)}: {first.reason}"
        )
    digest = hashlib.sha256("\n".join(keys[i] for i in used).encode()).hexdigest()
    minutes = sum(packed.n_samples(i) for i in used) / sample_rate / 60
    recordings = f"{len(used)} recording{'s' * (len(used) != 1)}"
    line = f"background: {recordings}, {minutes:.1f} minutes, from {shown(found.root)}"
    return Backgrounds(packed, used, digest[:16], tuple(left_out), line)

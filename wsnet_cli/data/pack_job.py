"""What is to be packed: the identity of each clip by its content, and how to decode it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import AudioError
from .cache import KEY_SIGNS
from .dataset import Clip, DataSet
from .splits import SEGMENT_SIGN
from .store import PACK_VERSION, Store, StoreWriter, quantize_clip

Progress = Callable[[int, int], None]

_BLOCK_BYTES = 1 << 20
_Stamp = tuple[int, int]


class PackJob:
    """The clips of a data set with their keys; gathers why those that fail cannot be read.

    Hashes every file when it is made. `keys` are per clip, "" where the file cannot be read at
    all; `failures` are reasons by index.
    """

    def __init__(self, dataset: DataSet, sample_rate: int, progress: Progress | None) -> None:
        self.dataset = dataset
        self.sample_rate = sample_rate
        self.progress = progress or (lambda _done, _total: None)
        self.failures: dict[int, str] = {}
        self.content_keys: list[str] = []
        self._stamps: dict[Path, tuple[str, _Stamp]] = {}
        for index, clip in enumerate(dataset.clips):
            try:
                self.content_keys.append(self._content_key(clip))
            except (OSError, ValueError, AudioError) as error:
                self.failures[index] = _reason(error, clip.path)
                self.content_keys.append("")
        self.keys = [self._key(content_key) for content_key in self.content_keys]

    @property
    def set_key(self) -> str:
        """Names the set; neither order nor the clips' names enter, so renaming keeps it."""
        return hashlib.sha256("\n".join(sorted(set(self.keys))).encode()).hexdigest()[:KEY_SIGNS]

    def is_complete(self, store: Store) -> bool:
        """Tell whether a store has all that can be decoded; notes why the rest cannot."""
        missing = [i for i, key in enumerate(self.keys) if key and key not in store.entries]
        # Tried again each time: another version of a decoder may read what this one did not.
        return all(self._decode(index) is None for index in missing)

    def fill(self, writer: StoreWriter, known: Mapping[str, Store]) -> None:
        """Add every clip once, from a store that has it or by decoding it."""
        for index, key in enumerate(self.keys):
            if key and key not in writer:
                if key in known and known[key].intact(key):
                    store = known[key]
                    writer.add(key, store.codes(key), store.entries[key].scale)
                elif (samples := self._decode(index)) is not None:
                    writer.add(key, *quantize_clip(samples))
            self.progress(index + 1, len(self.keys))

    def _content_key(self, clip: Clip) -> str:
        if clip.path not in self._stamps:
            self._stamps[clip.path] = _hash_file(clip.path)
        digest = self._stamps[clip.path][0]
        if clip.start_s is None and clip.end_s is None:
            return digest
        return f"{digest}{SEGMENT_SIGN}{clip.start_s or 0.0}-{clip.end_s or ''}"

    def _key(self, content_key: str) -> str:
        if not content_key:
            return ""
        identity = f"{PACK_VERSION} {self.sample_rate} {content_key}"
        return hashlib.sha256(identity.encode()).hexdigest()

    def _decode(self, index: int) -> NDArray[np.float32] | None:
        from ..core.audio import read_audio

        clip = self.dataset.clips[index]
        try:
            samples: NDArray[np.float32] = read_audio(
                clip.path, sample_rate=self.sample_rate, start_s=clip.start_s, end_s=clip.end_s
            )[0]
            if not len(samples) or not np.isfinite(samples).all():
                raise AudioError("holds no samples, or some that are not finite")
            # Else new audio could be kept under the old content's hash.
            if _stamp(clip.path.stat()) != self._stamps[clip.path][1]:
                raise AudioError("was changed while it was read")
        except (OSError, AudioError) as error:
            self.failures[index] = _reason(error, clip.path)
            return None
        self.failures.pop(index, None)
        return samples


def _hash_file(path: Path) -> tuple[str, _Stamp]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would block for ever
        raise AudioError("not a regular file")
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest(), _stamp(status)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_size, status.st_mtime_ns


def _reason(error: Exception, path: Path) -> str:
    """Return an error's words without the path, which a Failure names already."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.removeprefix(f"{path}: ")

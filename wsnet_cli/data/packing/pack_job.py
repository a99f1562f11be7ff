"""The clips of a data set on their way into a packed set: hashed, then decoded."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from ...core.errors import AudioError
from ...core.parallel import Check
from ..dataset import DataSet, Failure
from .content import Contents, hash_contents, refusal
from .fill_job import FillJob
from .fill_job import Progress as Progress
from .one_clip import PackedClip, decode_clip
from .store import PACK_VERSION
from .store_index import KEY_BYTES, Keys, short_hash

HASHING, DECODING = "hashing", "decoding"


class PackJob(FillJob):
    """The clips of a data set with their keys; gathers why those that fail cannot be read.

    Hashes every file when it is made.

    Args:
        dataset: the clips.
        sample_rate: of the set, Hz.
        workers: files worked on at once.
        progress: see `Progress`.

    Attributes:
        contents: the content of each clip.
        n_decoded: clips that were decoded so far.
    """

    def __init__(
        self, dataset: DataSet, sample_rate: int, workers: int, progress: Progress | None
    ) -> None:
        tell = progress or (lambda _stage, _done, _total: None)
        self.dataset = dataset
        self.contents = hash_contents(
            dataset.clips, workers, lambda done, total: tell(HASHING, done, total)
        )
        self.n_decoded = 0
        self._counting = threading.Lock()
        super().__init__(
            dataset.root,
            dataset.clips.names,
            _make_keys(sample_rate, self.contents),
            self.contents.stamps[:, 0],
            self.contents.failures,
            sample_rate=sample_rate,
            workers=workers,
            progress=progress,
            stage=DECODING,
        )

    def make(self, index: int, spool_folder: Path | None, check: Check) -> PackedClip | Failure:
        """Decode one clip, or say why it cannot be."""
        clip = self.dataset.clips[index]
        try:
            packed = decode_clip(clip, self.sample_rate, spool_folder, check)
            # Else new audio could be kept under the old content's hash.
            if not self.contents.unchanged(index, clip.path):
                raise AudioError("was changed while it was read", "changed")
        except (OSError, AudioError) as error:
            return refusal(error, clip)
        with self._counting:
            self.n_decoded += 1
        return packed


def clip_key(sample_rate: int, content_key: str) -> bytes:
    """The key in a packed set of a clip with that content."""
    return short_hash(f"{PACK_VERSION} {sample_rate} {content_key}".encode())


def _make_keys(sample_rate: int, contents: Contents) -> Keys:
    keys = np.zeros((len(contents), KEY_BYTES), np.uint8)
    for i, content_key in enumerate(contents):
        if content_key:
            keys[i] = np.frombuffer(clip_key(sample_rate, content_key), np.uint8)
    return keys

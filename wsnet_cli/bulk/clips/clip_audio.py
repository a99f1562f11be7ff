"""Where the audio of labelled clips comes from: their files, or a prepared folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ...core.files import hash_file
from ...core.measures.evaluation import Evaluated
from ...core.sound.resampling import resample_blocks
from ...core.sound.stream import OpenBlocks
from ...data.clips import Clip
from ...data.layouts.prepared import open_prepared
from ...data.packing.content import content_key, file_digest
from ...data.prepared_folder import is_prepared
from ...engine.session import Classifier


class ClipAudio(Protocol):
    """Gives the audio of clips, and says what it is by content."""

    def open(self, classifier: Classifier, clip: Clip) -> OpenBlocks:
        """What `Classifier.hear` takes."""
        ...

    def digests(self, clips: Sequence[Clip]) -> list[str]:
        """The SHA-256 of each clip's file; "" where it cannot be read."""
        ...


class FileAudio:
    """Clips that are files, or parts of them."""

    def open(self, classifier: Classifier, clip: Clip) -> OpenBlocks:
        """The file, or the part of it, at the model's rate."""
        return classifier.open_file(clip.path, clip.start_s, clip.end_s)

    def digests(self, clips: Sequence[Clip]) -> list[str]:
        """Hash each file once, however many clips are cut from it."""
        known = {path: _hash_file(path) for path in dict.fromkeys(clip.path for clip in clips)}
        return [known[clip.path] for clip in clips]


class PackedAudio:
    """Clips of a prepared folder, whose files need not be there any more.

    Raises:
        DataError: the folder is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._dataset, self._packed = open_prepared(folder)
        self._index = {_identity(clip): i for i, clip in enumerate(self._dataset.clips)}

    def open(self, classifier: Classifier, clip: Clip) -> OpenBlocks:
        """The packed samples, resampled where the model's rate is another."""
        row = int(self._packed.rows[self._index[_identity(clip)]])
        store, rate = self._packed.store, classifier.model.audio.sample_rate
        return lambda: resample_blocks(store.sample_blocks(row), store.sample_rate, rate)

    def digests(self, clips: Sequence[Clip]) -> list[str]:
        """As the folder has noted them."""
        keys = (self._packed.content_keys[self._index[_identity(clip)]] for clip in clips)
        return [file_digest(key) for key in keys]


def audio_of(source: Path) -> ClipAudio:
    """The audio of a data set. Raises: as `PackedAudio`."""
    return PackedAudio(source) if is_prepared(source) else FileAudio()


def _identity(clip: Clip) -> tuple[str, float | None, float | None]:
    return clip.name, clip.start_s, clip.end_s


def _hash_file(path: Path) -> str:
    try:
        return hash_file(path) if path.is_file() else ""  # a pipe would block for ever
    except OSError:
        return ""  # classifying it will say why


def contents_of(evaluated: Evaluated, clips: Sequence[Clip], audio: ClipAudio) -> list[str]:
    """The content key of each clip that was evaluated, as `data.packing.content` makes it.

    Args:
        evaluated: what was said.
        clips: what it was said of, and those that could not be read.
        audio: where it comes from.
    """
    digests = {
        _identity(clip): content_key(digest, clip.start_s, clip.end_s)
        for clip, digest in zip(clips, audio.digests(clips), strict=True)
    }
    return [digests[clip.file, clip.start_s, clip.end_s] for clip in evaluated.clips]

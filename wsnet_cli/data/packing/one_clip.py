"""One clip on its way from a file into a packed set, in bounded memory however long it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...core.errors import AudioError
from ...core.files import explain_os_errors
from ...core.sound.cut_off import is_cut_off
from ...core.sound.decode import open_audio
from ...core.sound.resampling import resample_blocks
from ..clips import Clip
from ..health.meter import HealthMeter
from .store import LARGEST_CODE, Store

SPOOL_SAMPLES = 1 << 22
"""Decoded samples of one clip that are held in memory; the rest waits in a temporary file."""


@dataclass(frozen=True)
class PackedClip:
    """A clip as a packed set takes it.

    Attributes:
        n_samples: at the set's rate, >= 1.
        scale: what one code is worth.
        health: the HEALTH record of the clip.
        code_blocks: begins to yield the codes [n] int16, once.
    """

    n_samples: int
    scale: float
    health: np.void
    code_blocks: Callable[[], Iterator[NDArray[np.int16]]]


def decode_clip(
    clip: Clip, sample_rate: int, spool_folder: Path | None, check: Callable[[], None]
) -> PackedClip:
    """Decode a clip, measure it, mix it down and resample it.

    Args:
        clip: what to decode.
        sample_rate: Hz to resample to.
        spool_folder: for what is too long for memory; None keeps all in memory.
        check: called between blocks; what it raises ends the decoding.

    Raises:
        AudioError: the clip cannot be read.
        FileError: the system refused to write the temporary file.
    """
    meter = HealthMeter()
    spool = Spool(spool_folder)
    with open_audio(clip.path) as decoder:
        blocks = decoder.blocks(clip.start_s, clip.end_s, observe=meter.add)
        for piece in resample_blocks(blocks, decoder.sample_rate, sample_rate):
            check()
            spool.append(piece)
        short = clip.end_s is None and is_cut_off(clip.path)
        health = meter.record(decoder.sample_rate, decoder.n_channels, short)
    if not np.isfinite(spool.peak):
        raise AudioError("holds samples that are not finite once resampled", "not-finite")
    scale = spool.peak / LARGEST_CODE
    if spool.is_in_memory:
        codes = list(spool.codes())  # now, by this thread, and not by the one that writes
        return PackedClip(spool.n_samples, scale, health, lambda: iter(codes))
    return PackedClip(spool.n_samples, scale, health, spool.codes)


def copy_clip(store: Store, row: int) -> PackedClip:
    """Take a clip over from another packed set as it is."""
    entry = store.index[row]
    n_samples = int(entry["n_samples"])
    return PackedClip(
        n_samples, float(entry["scale"]), store.health(row, 1)[0], lambda: store.code_blocks(row)
    )


class Spool:
    """Samples in the order in which they come, how many, and the largest |sample| of them."""

    def __init__(self, folder: Path | None) -> None:
        self.n_samples = 0
        self.peak = 0.0
        self._folder = folder
        self._pieces: list[NDArray[np.float32]] = []
        self._n_held = 0
        self._file: IO[bytes] | None = None

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing was written to a file."""
        return self._file is None

    def append(self, piece: NDArray[np.float32]) -> None:
        """Take samples [n] float32, n >= 0. Raises FileError."""
        if not len(piece):
            return
        self.peak = max(self.peak, float(piece.max()), -float(piece.min()))
        self.n_samples += len(piece)
        self._pieces.append(piece)
        self._n_held += len(piece)
        if self._n_held > SPOOL_SAMPLES and self._folder is not None:
            with explain_os_errors("write", self._folder):
                if self._file is None:
                    self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - outlives this
                for held in self._pieces:
                    self._file.write(held.tobytes())
            self._pieces.clear()
            self._n_held = 0

    def codes(self) -> Iterator[NDArray[np.int16]]:
        """The samples as codes in [-32767, 32767], the peak being 32767; once.

        A quiet clip keeps all 16 bits this way; the error is at most half a step, 2**-16 of the
        peak.

        >>> spool = Spool(None)
        >>> spool.append(np.float32([0.0, 0.25, -0.5]))
        >>> [block.tolist() for block in spool.codes()]
        [[0, 16384, -32767]]
        """
        gain = LARGEST_CODE / self.peak if self.peak else 0.0
        for piece in self._blocks():
            scaled = piece.astype(np.float64)
            scaled *= gain
            yield np.rint(scaled, out=scaled).astype("<i2")

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        if self._file is not None:
            with explain_os_errors("read", str(self._folder)), self._file as stream:
                stream.seek(0)
                while block := stream.read(4 * SPOOL_SAMPLES):
                    yield np.frombuffer(block, np.float32)
        yield from self._pieces

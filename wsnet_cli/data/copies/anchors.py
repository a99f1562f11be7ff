"""The anchors of many clips in a temporary file, handed out sorted, piece by piece."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...core.files import explain_os_errors
from .fingerprint import ANCHOR, CODE_BITS, Words

_AROUND = (0, -4, 4, -8, 8, -16, 16, -32, 32)  # frames: up to half a second to both sides
_FARTHEST = max(_AROUND)
_COLUMNS = np.array(_AROUND) + _FARTHEST

ANCHOR_RECORD = np.dtype([("codes", "<u8", (len(_AROUND),)), ("clip", "<u4"), ("frame", "<u4")])
"""An anchor: its code and those of frames around it (0 = nothing there), its clip and frame."""

Anchors = NDArray[np.void]

_PIECE = 1 << 14  # records that are sorted at once: 1.3 MB
_BINS = 1 << 12  # a piece is a range of these, by the first bits of the key


class AnchorFile:
    """All anchors, on disk: written once, then read in order of their bits, in several orders.

    Args:
        scratch: the folder of the temporary files, None = the system's. They have no name and go
            with the process.
        turns: by how many places the bits are turned around in each order, 0..62.

    Raises: FileError: from any method, where the system refuses.
    """

    def __init__(self, scratch: Path | None, turns: Sequence[int]) -> None:
        self._where = scratch or Path(tempfile.gettempdir())
        self._turns = turns
        self._histograms = np.zeros((len(turns), _BINS), np.int64)
        with contextlib.ExitStack() as stack, explain_os_errors("write", self._where):
            self._file = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            self._sorted = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            self._files = stack.pop_all()

    def __enter__(self) -> AnchorFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with explain_os_errors("write", self._where):  # what is left of a failed write
            self._files.close()

    def write(self, fingerprints: Iterable[tuple[int, Words]]) -> None:
        """Add the anchors of the clips, each by its number and words."""
        waiting: list[Anchors] = []
        n_waiting = 0
        for number, words in fingerprints:
            waiting.append(_anchors(number, words))
            n_waiting += len(waiting[-1])
            if n_waiting >= _PIECE:
                self._append(np.concatenate(waiting))
                waiting, n_waiting = [], 0
        if waiting:
            self._append(np.concatenate(waiting))

    def sorted_pieces(self, order: int) -> Iterator[Anchors]:
        """Yield all anchors in pieces, sorted by their bits in one of the orders.

        A piece has at most 16,384. Where more than that start with the same 12 bits, these come in
        several pieces, each sorted in itself.
        """
        groups = _grouped(self._histograms[order])
        sizes = np.bincount(groups, self._histograms[order]).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        filled = starts.copy()
        for piece in self._pieces(self._file, 0, int(sizes.sum())):
            of_record = groups[_bins(_keys(piece, self._turns[order]))]
            piece = piece[np.argsort(of_record, kind="stable")]
            counts = np.bincount(of_record, minlength=len(sizes))
            ends = np.cumsum(counts)
            for group in np.flatnonzero(counts).tolist():
                part = piece[ends[group] - counts[group] : ends[group]]
                self._write(self._sorted, int(filled[group]), part)
            filled += counts
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            for piece in self._pieces(self._sorted, start, start + size):
                yield piece[np.argsort(_keys(piece, self._turns[order]), kind="stable")]

    def _append(self, records: Anchors) -> None:
        for histogram, turn in zip(self._histograms, self._turns, strict=True):
            histogram += np.bincount(_bins(_keys(records, turn)), minlength=_BINS)
        with explain_os_errors("write", self._where):
            self._file.write(records.tobytes())

    def _write(self, file: IO[bytes], start: int, records: Anchors) -> None:
        with explain_os_errors("write", self._where):
            file.seek(start * ANCHOR_RECORD.itemsize)
            file.write(records.tobytes())

    def _pieces(self, file: IO[bytes], start: int, stop: int) -> Iterator[Anchors]:
        for first in range(start, stop, _PIECE):
            with explain_os_errors("read", self._where):
                file.seek(first * ANCHOR_RECORD.itemsize)
                size = (min(stop, first + _PIECE) - first) * ANCHOR_RECORD.itemsize
                yield np.frombuffer(file.read(size), ANCHOR_RECORD)


def _anchors(number: int, words: Words) -> Anchors:
    frames = np.flatnonzero(words & ANCHOR)
    around = np.zeros(len(words) + 2 * _FARTHEST, np.uint64)
    around[_FARTHEST : _FARTHEST + len(words)] = words & ~ANCHOR
    records = np.empty(len(frames), ANCHOR_RECORD)
    records["codes"] = around[frames[:, None] + _COLUMNS]
    records["clip"], records["frame"] = number, frames
    return records


def _keys(anchors: Anchors, turn: int) -> Words:
    """Return the anchors' 63 bits, turned around by some places, as numbers to sort by."""
    codes = anchors["codes"][:, 0]
    turned: Words = (codes << np.uint64(turn) | codes >> np.uint64(CODE_BITS - turn)) & ~ANCHOR
    return turned


def _bins(keys: Words) -> NDArray[np.int64]:
    return (keys >> np.uint64(CODE_BITS - 12)).astype(np.int64)


def _grouped(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each bin: neighbours together, as long as a piece can hold them."""
    groups, group, held = [], 0, 0
    for count in histogram.tolist():
        if held and held + count > _PIECE:
            group, held = group + 1, 0
        groups.append(group)
        held += count
    return np.array(groups, np.int64)

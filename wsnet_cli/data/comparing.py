"""All clips of a packed set compared with one another: the pairs that hold the same audio."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ..core.files import explain_os_errors
from ..core.parallel import Check, map_in_order
from .duplicates import Duplicate, find_duplicates
from .fingerprint import Words, fingerprint
from .pack_job import Progress
from .packed import PackedSet
from .packing import SPOOL_SAMPLES
from .store_index import first_rows

COMPARING = "comparing"

_AT_ONCE = 16  # clips between two hand-overs from thread to thread


def compare_clips(
    packed: PackedSet, scratch: Path, workers: int = 1, progress: Progress | None = None
) -> list[Duplicate]:
    """Find the pairs of clips with the same audio, as `duplicates.find_duplicates` says.

    Args:
        packed: the clips; those that could not be read are nobody's copies.
        scratch: folder of temporary files.
        workers: clips whose fingerprints are taken at once, >= 1.
        progress: is told how many fingerprints are taken.

    Raises:
        FileError: the system refused to read the audio or to write the temporary files.
    """
    rate = packed.sample_rate
    different = _different(packed)
    done = progress or (lambda _stage, _done, _total: None)

    def work(clips: NDArray[np.int64], check: Check) -> list[Words]:
        check()
        return [fingerprint(_samples(packed, int(i)), rate) for i in clips]

    chunks = (different[start : start + _AT_ONCE] for start in range(0, len(different), _AT_ONCE))
    with _WordFile(len(packed), scratch) as words:
        with closing(map_in_order(work, chunks, workers)) as outcomes:
            n_done = 0
            for found in outcomes:
                for of_clip in found:
                    words.append(int(different[n_done]), of_clip)
                    n_done += 1
                done(COMPARING, n_done, len(different))
        return find_duplicates(
            _AudioKeys(packed),
            words.read,
            lambda i, start, stop: packed.store.read(int(packed.rows[i]), start, stop),
            rate,
            scratch,
        )


def _different(packed: PackedSet) -> NDArray[np.int64]:
    """The first clip of each different sound."""
    if not len(packed.store.index):
        return np.zeros(0, np.int64)
    first = first_rows(packed.audio_keys) == np.arange(len(packed))
    return np.flatnonzero(first & (packed.rows >= 0))


def _samples(packed: PackedSet, i: int) -> NDArray[np.float32] | NDArray[np.int16]:
    row = int(packed.rows[i])
    long = packed.store.n_samples(row) > SPOOL_SAMPLES
    return packed.store.codes(row) if long else packed.store.read(row)


class _AudioKeys(Sequence[str]):
    """A name of each clip's audio, made when it is asked for; "" where there is none."""

    def __init__(self, packed: PackedSet) -> None:
        self._keys = packed.audio_keys
        self._rows = packed.rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices are not needed
        if not 0 <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        key: str = self._keys[index].tobytes().hex()
        return key if self._rows[index] >= 0 else ""


class _WordFile:
    """Fingerprints in a temporary file: 500 bytes for a second of sound are too much to hold."""

    def __init__(self, n_clips: int, scratch: Path) -> None:
        self._scratch = scratch
        self._starts = np.zeros(n_clips, np.int64)
        self._counts = np.zeros(n_clips, np.int32)
        with explain_os_errors("write", scratch):
            self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by `__exit__`
        self._n_words = 0

    def __enter__(self) -> _WordFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, clip: int, words: Words) -> None:
        """Keep a clip's words; before the first `read`."""
        self._starts[clip], self._counts[clip] = self._n_words, len(words)
        with explain_os_errors("write", self._scratch):
            self._file.write(words.tobytes())
        self._n_words += len(words)

    def read(self, clip: int) -> Words:
        """The words of a clip; none of one that was not appended."""
        with explain_os_errors("read", self._scratch):
            self._file.seek(int(self._starts[clip]) * 8)
            return np.frombuffer(self._file.read(int(self._counts[clip]) * 8), np.uint64)

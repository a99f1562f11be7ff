"""Pairs of clips that hold the same audio, to the bit or nearly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .candidates import find_candidates
from .correlate import Agreement, Signal, agreement, agreement_anywhere
from .fingerprint import HOP, RATE, Words, at_common_rate

Reader = Callable[[int, int, int], NDArray[np.float32]]
"""read(clip, start, stop): its samples from start up to stop or its end, [<= stop - start]."""

_EXCERPT_S = 10  # to both sides of a frame: all of a clip that is no longer
_STRONG = 0.1  # a distance that is seldom chance, though it may be one repetition of a sound
_MISSES = 1  # comparisons without success that a clip is good for


@dataclass(frozen=True)
class Duplicate:
    """Two clips with the same audio; `first` < `second` are their numbers.

    `kind` is "identical" where every sample is equal, else "near". `correlation`, in [0, 1], is
    that of `correlate.agreement`: 1 for identical clips. `offset_s` is where the second clip
    starts within the first, negative where it starts before.
    """

    first: int
    second: int
    kind: Literal["identical", "near"]
    correlation: float
    offset_s: float


def find_duplicates(
    audio_keys: Sequence[str],
    fingerprint_of: Callable[[int], Words],
    read: Reader,
    sample_rate: int,
    scratch: Path | None = None,
) -> list[Duplicate]:
    """Find clips that hold the same audio, at whatever level, rate, coding and cut.

    Clips that are linked by the pairs returned are copies of one: each clip but the first of such a
    cluster is `second` in one pair or more, and there are as many pairs as clips less one, so that
    1,000 copies make 999 pairs. Clips that are identical are paired with the first of them. Silent
    clips are nobody's copies.

    Candidates come from `candidates.find_candidates`; the audio of each is then compared, nearest
    first, up to 10 s to both sides of where the fingerprints agree, unless the two are linked
    already or a comparison of each has failed. Recordings that are longer count as copies
    if these excerpts are. The result depends on the arguments alone.

    Args:
        audio_keys: for each clip a name of its audio, equal for equal samples; "" = no clip, it is
            left out.
        fingerprint_of: its words, from `fingerprint.fingerprint` at `sample_rate`. Called once or
            twice for each different clip.
        read: its samples, in any unit.
        sample_rate: Hz, of all clips.
        scratch: folder of temporary files, None = the system's.

    Returns: in order of `first` and `second`.
    Raises: FileError: the temporary file cannot be written; whatever the callbacks raise.
    """
    pairs = _identical(audio_keys, lambda clip: _is_silent(clip, fingerprint_of, read))
    copies = {pair.second for pair in pairs}
    different = (n for n, key in enumerate(audio_keys) if key and n not in copies)
    rows = find_candidates(
        ((clip, fingerprint_of(clip)) for clip in different), len(audio_keys), scratch
    )
    pairs += _near(rows, len(audio_keys), _Excerpts(read, sample_rate))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


class Clusters:
    """Which clips are copies of one another, as pairs come in."""

    def __init__(self, n_clips: int) -> None:
        self._parents = np.arange(n_clips, dtype=np.int32)

    def first(self, clip: int) -> int:
        """Return the lowest number in the clip's cluster."""
        parents, root = self._parents, clip
        while parents[root] != root:
            root = int(parents[root])
        while parents[clip] != root:
            parents[clip], clip = root, int(parents[clip])
        return root

    def join(self, one: int, other: int) -> None:
        """Make the clusters of two clips one."""
        roots = sorted((self.first(one), self.first(other)))
        self._parents[roots[1]] = roots[0]


class _Excerpts:
    """Excerpts of clips at the rate of comparison; keeps the last of the first clips."""

    def __init__(self, read: Reader, sample_rate: int) -> None:
        self._read = read
        self._sample_rate = sample_rate

    def agreement(self, row: np.void) -> Agreement:
        """Compare a candidate's clips; the lag is that of the whole clips."""
        ours, our_start = self._around(int(row["first"]), int(row["at"]))
        theirs, their_start = self._around(int(row["second"]), int(row["other_at"]))
        shift = our_start - their_start
        lag = (int(row["at"]) - int(row["other_at"])) * HOP
        found = agreement(ours, theirs, lag - shift)
        if not found.is_same_sound and row["distance"] < _STRONG:
            found = max(found, agreement_anywhere(ours, theirs))
        return found._replace(lag=found.lag + shift)

    def _around(self, clip: int, frame: int) -> tuple[Signal, int]:
        """Return samples at `RATE` around a frame, and the number of the first."""
        seconds = frame * HOP // RATE
        start_s = max(0, seconds - _EXCERPT_S)
        start, stop = start_s * self._sample_rate, (seconds + _EXCERPT_S + 1) * self._sample_rate
        return at_common_rate(self._read(clip, start, stop), self._sample_rate), start_s * RATE


def _identical(audio_keys: Sequence[str], is_silent: Callable[[int], bool]) -> list[Duplicate]:
    """Return each clip whose key was there before, with the first that has it."""
    # Eight bytes for each instead of a dictionary of strings: there may be a million.
    digests = np.fromiter((_digest(key) for key in audio_keys), np.uint64, len(audio_keys))
    order = np.argsort(digests, kind="stable")
    again = np.flatnonzero(digests[order][1:] == digests[order][:-1]) + 1
    firsts: dict[str, int | None] = {}
    pairs = []
    for place in again.tolist():
        before, clip = int(order[place - 1]), int(order[place])
        key = audio_keys[clip]
        if not key or audio_keys[before] != key:
            continue
        if key not in firsts:
            firsts[key] = None if is_silent(before) else before
        first = firsts[key]
        if first is not None:
            pairs.append(Duplicate(first, clip, "identical", 1.0, 0.0))
    return pairs


def _digest(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")


def _is_silent(clip: int, fingerprint_of: Callable[[int], Words], read: Reader) -> bool:
    # Silence has no words, but neither has a steady tone.
    return not fingerprint_of(clip).any() and not any(block.any() for block in _blocks(clip, read))


def _blocks(clip: int, read: Reader) -> Iterator[NDArray[np.float32]]:
    start, size = 0, 1 << 16
    while len(block := read(clip, start, start + size)):
        yield block
        start += size


def _near(rows: NDArray[np.void], n_clips: int, excerpts: _Excerpts) -> list[Duplicate]:
    clusters = Clusters(n_clips)
    misses = np.zeros(n_clips, np.uint8)
    pairs = []
    for row in rows[np.lexsort((rows["second"], rows["first"], rows["distance"]))]:
        first, second = int(row["first"]), int(row["second"])
        if clusters.first(first) == clusters.first(second):
            continue
        if min(misses[first], misses[second]) >= _MISSES:
            continue
        found = excerpts.agreement(row)
        if found.is_same_sound:
            clusters.join(first, second)
            offset_s = round(found.lag / RATE, 4)
            pairs.append(Duplicate(first, second, "near", round(found.correlation, 4), offset_s))
        else:
            misses[[first, second]] = np.minimum(misses[[first, second]] + 1, _MISSES)
    return pairs

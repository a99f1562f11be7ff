"""What came of one input: its rows, held compactly until they are written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...core.calibrating.calibration import UNKNOWN
from ...core.quant import Array

OK, FAILED, SKIPPED = "ok", "error", "skipped"

SILENT, CUT_OFF = "silent", "cut-off"
DOUBTS = {
    SILENT: "nothing but digital silence (or channels that cancel each other), so what is said of "
    "it means nothing",
    CUT_OFF: "ends before its header says; only what is there was heard",
}
"""Why what is said of an input may mean less than it seems to, in words."""


class Score(NamedTuple):
    """A label and its score, in [0, 1], and whether that is enough for the label to be a hit."""

    label: str
    score: float
    is_hit: bool = True


@dataclass(frozen=True)
class Prediction:
    """One row, or as many as it has scores: what is said of an input, or of a part of it.

    Args:
        file: as the user named it; bytes that are no UTF-8 stand as backslash escapes.
        status: "ok", "error" or "skipped".
        start_s: where the part begins, in seconds.
        end_s: where it ends; both are 0 where the input was not read.
        scores: the best labels, best first; empty where none reached the threshold. The first is
            `calibration.UNKNOWN`, with the score of the best label, where that is no hit.
        error: one line, or "" where all is well.
    """

    file: str
    status: str
    start_s: float
    end_s: float
    scores: tuple[Score, ...]
    error: str = ""


class Segment(NamedTuple):
    """A part of an input, its best labels by their place in the model, and what was heard in it."""

    start_s: float
    end_s: float
    scores: tuple[tuple[int, float], ...]
    features: Array | None = None


class Stamp(NamedTuple):
    """What tells whether a file has changed: bytes, and nanoseconds of its modification."""

    size: int
    mtime_ns: int


class Hits:
    """Some segments in arrays: a window takes 16 + 8 * top_k bytes, not some 200 * top_k.

    Args:
        starts_s: [n] float64.
        ends_s: [n] float64.
        scores: [n, n_labels] float32, of which the best are kept.
        top_k: that many, >= 1; None: all.
        kept: and of these, those that reach it: a score, or one for each label, [n_labels].
        features: [n, n_features] float32, kept for every segment; or None.
    """

    def __init__(
        self,
        starts_s: npt.NDArray[np.float64],
        ends_s: npt.NDArray[np.float64],
        scores: Array,
        top_k: int | None,
        kept: float | npt.NDArray[np.float64],
        features: Array | None = None,
    ) -> None:
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        is_kept = np.take_along_axis(scores >= kept, best, axis=1)
        first = np.argsort(~is_kept, axis=1, kind="stable")  # those that are kept, then the others
        best = np.take_along_axis(best, first, axis=1)
        self._starts_s, self._ends_s = starts_s, ends_s
        self._labels = best.astype(np.int32)
        self._scores = np.take_along_axis(scores, best, axis=1)
        self._n_kept = is_kept.sum(axis=1, dtype=np.int32)
        self._features = features

    def __len__(self) -> int:
        """How many segments there are, told or not."""
        return len(self._n_kept)

    @classmethod
    def join(cls, parts: Sequence[Hits]) -> Hits:
        """Several that follow one another as one, which takes less room; at least one."""
        joined = cls.__new__(cls)
        for field in ("_starts_s", "_ends_s", "_labels", "_scores", "_n_kept", "_features"):
            arrays = [getattr(part, field) for part in parts]
            setattr(joined, field, None if arrays[0] is None else np.concatenate(arrays))
        return joined

    def __iter__(self) -> Iterator[Segment]:
        """Those with at least one score; with features, all."""
        kept = (
            range(len(self._n_kept)) if self._features is not None else np.flatnonzero(self._n_kept)
        )
        for i in kept:
            n = self._n_kept[i]
            pairs = zip(self._labels[i, :n].tolist(), self._scores[i, :n].tolist(), strict=True)
            row = None if self._features is None else self._features[i]
            yield Segment(float(self._starts_s[i]), float(self._ends_s[i]), tuple(pairs), row)


@dataclass(frozen=True)
class Answer:
    """What came of one input.

    Args:
        name: the input, as the system takes it.
        status: OK, FAILED or SKIPPED.
        duration_s: its length in seconds; 0 where it was not read.
        error: one line, or "".
        stamp: of the file before it was read; None where it could not be asked for.
        parts: segments in order, each of an iterable that may be gone through again.
        doubts: of DOUBTS, why what is said of it may mean less than it seems to.
    """

    name: str
    status: str
    duration_s: float = 0.0
    error: str = ""
    stamp: Stamp | None = None
    parts: Sequence[Iterable[Segment]] = ()
    doubts: tuple[str, ...] = ()

    def segments(self) -> Iterator[Segment]:
        """All of them, in order."""
        for part in self.parts:
            yield from part


def predictions_of(
    answer: Answer, labels: Sequence[str], hit: Sequence[float] | None = None
) -> Iterator[Prediction]:
    """What is written of an answer: at least one prediction, whatever the threshold left of it.

    Scores are rounded to six places, as everything that is written has them.

    Args:
        answer: what came of an input.
        labels: of the model.
        hit: as `terms.Terms` has it.
    """
    file = readable(answer.name)
    n_told = 0
    for segment in answer.segments():
        if segment.scores:
            n_told += 1
            scores = tuple(_scores(segment, labels, hit))
            yield Prediction(file, answer.status, segment.start_s, segment.end_s, scores)
    if n_told == 0:
        yield Prediction(file, answer.status, 0.0, answer.duration_s, (), answer.error)


def is_hit(score: Score) -> bool:
    """Whether a label is told because of its own score, and not for want of a better one."""
    return score.is_hit


def is_unknown(segment: Segment, hit: Sequence[float] | None) -> bool:
    """Whether the best label of a segment, which has one, is no hit."""
    best, score = segment.scores[0]
    return hit is not None and score < hit[best]


def _scores(
    segment: Segment, labels: Sequence[str], hit: Sequence[float] | None
) -> Iterator[Score]:
    unknown = is_unknown(segment, hit)
    for rank, (i, score) in enumerate(segment.scores):
        label = UNKNOWN if rank == 0 and unknown else labels[i]
        yield Score(label, round(score, 6), hit is None or (not unknown and score >= hit[i]))


def readable(name: str) -> str:
    r"""A name as text: bytes that are no UTF-8 become backslash escapes.

    >>> readable("caf\udce9.wav")
    'caf\\udce9.wav'
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def stamp_of(name: str) -> Stamp | None:
    """The stamp of a file, or of what a link leads to; None where there is nothing to be asked."""
    try:
        status = os.stat(name)  # noqa: PTH116 - no path is made for each of a hundred thousand
    except (OSError, ValueError):
        return None
    return Stamp(status.st_size, status.st_mtime_ns)

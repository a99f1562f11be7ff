"""The answers of a run in a journal: found again by input, if nothing about them has changed.

The lines of the journal, by their first letter:

    h  what was asked: model, options, version; once, at the start
    a  an answer: file, size, time of change, status, length, error, doubts
    s  some segments of it
    v  the features of these segments, float32 in base64; only where they were asked for
    z  the answer's end; without it, it was cut off
    f  all inputs are answered, and the outputs are being put into their places
"""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.quant import Array
from ..predicting.answers import OK, Answer, Segment, Stamp, stamp_of
from .journal import Journal

FORMAT = 2
SEGMENTS_PER_LINE = 256
"""Bounds the memory that reading an answer takes, however long the recording."""


class AnswerLog:
    """The journal of one run; use it as a context manager. One process at a time may have it open.

    Call `begin` before anything is added.

    Args:
        path: of the journal; made if it is not there.
        request: plain values: all that changes an answer but the input itself.
        names: the inputs, in the order of the run.
        start_over: whether to forget what an earlier run has left.
        may_replace: whether the user has agreed that existing outputs are replaced.

    Attributes:
        n_known: inputs that an earlier run has answered, as far as the names tell.
        of_another_request: whether an earlier run was found that asked for something else; it is
            forgotten.
        may_replace: whether the user has agreed to that now or when the run was begun, or they are
            this run's own.

    Raises: FileError: as `Journal`, here and in all methods.
    """

    def __init__(
        self,
        path: Path,
        request: Mapping[str, Any],
        names: Sequence[str],
        *,
        start_over: bool = False,
        may_replace: bool = False,
    ) -> None:
        self._journal = Journal(path)
        self._names = names
        self._offsets = array("q", [-1]) * len(names)
        self.may_replace = may_replace
        self.of_another_request = False
        self._wanted = json.dumps({"format": FORMAT, **request}, sort_keys=True)
        try:
            self._end = 0 if start_over else self._find()
        except BaseException:
            self._journal.__exit__(None, None, None)
            raise
        self.n_known = sum(offset >= 0 for offset in self._offsets)

    def __enter__(self) -> AnswerLog:
        return self

    def __exit__(self, *error: object) -> None:
        self._journal.__exit__(None, None, None)

    def begin(self) -> None:
        """Go on from what was found; nothing of the journal is changed before this."""
        self._journal.cut(self._end)
        if self._end == 0:
            self._journal.append([f"h{json.dumps([self._wanted, self.may_replace])}"])

    def is_known(self, index: int) -> bool:
        """Whether an input is answered, and its file is what it was then."""
        if self._offsets[index] < 0:
            return False
        stamp = self.read(index).stamp
        return stamp is not None and stamp == stamp_of(self._names[index])

    def add(self, index: int, answer: Answer) -> None:
        """Append the answer of an input."""
        self._offsets[index] = self._journal.append(_lines_of(answer))

    def read(self, index: int) -> Answer:
        """The answer of an input that has one; its segments are read when they are asked for."""
        offset = self._offsets[index]
        _, line = next(self._journal.lines(offset))
        return _answer_of(line, (_Stored(self._journal, offset),))

    def mark_complete(self) -> None:
        """Note that all inputs are answered: from now on existing outputs are this run's own."""
        self._journal.append(["f"])
        self._journal.sync()

    def sync(self) -> None:
        """Make all that was added safe from a power cut."""
        self._journal.sync()

    def remove(self) -> None:
        """Delete the journal: nothing is left to be done."""
        self._journal.remove()

    def _find(self) -> int:
        """Look up what is answered, and return where the last whole answer ends."""
        index_of: dict[str, int] = {}
        end, begun, answer = 0, 0, ""
        for offset, line in self._journal.lines():
            size = len(line) + 10  # with checksum, space and line end
            if offset == 0:
                if not self._is_wanted(line):
                    self.of_another_request = True
                    return 0
                index_of = {name: index for index, name in enumerate(self._names)}
                end = size
            elif line[0] == "a":
                begun, answer = offset, line
            elif line[0] == "z" and answer:
                self._note(index_of, answer, begun)
                end, answer = offset + size, ""
            elif line[0] == "f":
                self.may_replace = True
                end = offset + size
        return end

    def _is_wanted(self, line: str) -> bool:
        if not line.startswith("h"):
            return False
        found, may_replace = json.loads(line[1:])
        if found != self._wanted:
            return False
        self.may_replace = self.may_replace or bool(may_replace)
        return True

    def _note(self, index_of: Mapping[str, int], line: str, offset: int) -> None:
        """What failed is tried again; the latest answer counts."""
        answer = _answer_of(line, ())
        index = index_of.get(answer.name)
        if index is not None:
            self._offsets[index] = offset if answer.status == OK else -1


def _lines_of(answer: Answer) -> Iterator[str]:
    size, mtime_ns = answer.stamp or (None, None)
    about = (answer.status, answer.duration_s, answer.error, answer.doubts)
    facts = (answer.name, size, mtime_ns, *about)
    yield f"a{json.dumps(facts)}"
    for some in _in_groups(answer.segments(), SEGMENTS_PER_LINE):
        yield f"s{json.dumps([segment[:3] for segment in some])}"
        vectors = [segment.features for segment in some if segment.features is not None]
        if vectors:
            content = np.array(vectors, "<f4").tobytes()
            yield f"v{base64.b64encode(content).decode('ascii')}"
    yield "z"


def _answer_of(line: str, parts: Sequence[Iterable[Segment]]) -> Answer:
    name, size, mtime_ns, status, duration_s, error, doubts = json.loads(line[1:])
    stamp = None if size is None else Stamp(size, mtime_ns)
    return Answer(name, status, duration_s, error, stamp, parts, tuple(doubts))


@dataclass(frozen=True)
class _Stored:
    """The segments of the answer that begins at a place of a journal."""

    journal: Journal
    offset: int

    def __iter__(self) -> Iterator[Segment]:
        lines = self.journal.lines(self.offset)
        next(lines)
        segments: list[Segment] = []
        for _, line in lines:
            if line[0] == "v":
                rows = _vectors(line, len(segments))
                segments = [s._replace(features=row) for s, row in zip(segments, rows, strict=True)]
                continue
            yield from segments
            if line[0] != "s":
                return
            segments = [
                Segment(start, end, tuple((i, score) for i, score in scores))
                for start, end, scores in json.loads(line[1:])
            ]


def _vectors(line: str, n_rows: int) -> Array:
    values: Array = np.frombuffer(base64.b64decode(line[1:]), "<f4").astype(np.float32, copy=False)
    return values.reshape(n_rows, -1)


def _in_groups(segments: Iterator[Segment], size: int) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    for segment in segments:
        group.append(segment)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group

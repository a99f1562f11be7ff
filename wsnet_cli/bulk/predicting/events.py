"""From windows to hits: what was heard from when to when, while a recording is read."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.checks import check
from ...core.quant import Array
from ...engine.timeline import WindowScores

ORDERS = ("start", "end")

Threshold = float | npt.NDArray[np.float64]

TOUCH_S = 1e-6
"""Gaps are compared to within a microsecond, a fifth of a sample at the highest rate: times that
were added up differently still touch."""


@dataclass(frozen=True)
class Event:
    """A label that was heard for a while.

    Args:
        start_s: where its first window begins, in seconds of the file.
        end_s: where its last window ends.
        label: what was heard: the column of the scores, a place in `Classifier.labels`.
        score: the largest score of its windows, in [0, 1].
    """

    start_s: float
    end_s: float
    label: int
    score: float


def find_events(
    parts: Iterable[WindowScores],
    *,
    threshold: Threshold = 0.5,
    best_decides: bool = False,
    top_k: int | None = None,
    max_gap_s: float | None = 0.0,
    order: str = "start",
) -> Iterator[Event]:
    """Windows in which a label scores well, and neighbours of one label as one.

    A window is a hit for a label that is among its `top_k` best and scores at least `threshold`. A
    hit that begins at most `max_gap_s` after the end of the event of its label before it belongs to
    that event, even where windows that overlap both were no hits.

    Args:
        parts: windows in order, as `Classifier.hear_windows` yields them.
        threshold: least score of a hit, 0..1; or one for each label, [n_labels].
        best_decides: whether a window whose best label is below its threshold has no hit at all.
        top_k: best labels of a window that may be hits, >= 1; of equal scores, those of the first
            labels; None: all.
        max_gap_s: seconds, >= 0; 0 joins windows that overlap or touch. None: nothing is joined, so
            that each hit is an event, told at once.
        order: "start": by start, then by label; an event waits until all that began
            before it are over, which memory follows. "end": each as soon as it is over, by end,
            then start, then label; at most one event per label is held.

    Yields: events, while `parts` is iterated over.

    Raises:
        ParameterError: an argument outside its range, before `parts` is asked for anything.

    >>> scores = np.float32([[0.9, 0.1], [0.75, 0.25], [0.5, 0.5]])
    >>> times = np.arange(3.0)
    >>> for event in find_events([WindowScores(times, times + 1, scores)]):
    ...     print(event.start_s, event.end_s, event.label, event.score)
    0.0 3.0 0 0.8999999761581421
    2.0 3.0 1 0.5
    """
    _check(threshold, top_k, max_gap_s, order)
    return _find(parts, threshold, best_decides, top_k, max_gap_s, order)


def _find(
    parts: Iterable[WindowScores],
    threshold: Threshold,
    best_decides: bool,
    top_k: int | None,
    max_gap_s: float | None,
    order: str,
) -> Iterator[Event]:
    begun: dict[int, _Begun] = {}  # by label: what a further hit may belong to
    line = _Line(begun, in_order_of_start=order == "start")

    def end(labels: list[int]) -> Iterator[Event]:
        return line.tell([begun.pop(label).finish(label) for label in labels])

    for part in parts:
        hits = _hits(part.scores, threshold, top_k)
        if best_decides:
            hits &= _known(part.scores, threshold)[:, None]
        for row, (start_s, end_s) in enumerate(zip(part.starts_s, part.ends_s, strict=True)):
            if max_gap_s is not None:
                latest = float(start_s) - max_gap_s - TOUCH_S
                over = [label for label, event in begun.items() if event.end_s < latest]
                if over:
                    yield from end(over)
            for label in np.flatnonzero(hits[row]).tolist():
                event = begun.setdefault(label, _Begun(float(start_s)))
                event.add(float(end_s), float(part.scores[row, label]))
            if max_gap_s is None:
                yield from end(list(begun))
    yield from end(list(begun))


def _hits(scores: Array, threshold: Threshold, top_k: int | None) -> npt.NDArray[np.bool_]:
    """[n, n_labels]: where a label is a hit."""
    hits: npt.NDArray[np.bool_] = scores >= threshold
    if top_k is not None and top_k < scores.shape[1]:
        worse = np.argsort(-scores, axis=1, kind="stable")[:, top_k:]
        np.put_along_axis(hits, worse, False, axis=1)
    return hits


def _known(scores: Array, threshold: Threshold) -> npt.NDArray[np.bool_]:
    """[n]: where the best label, the first of equal ones, reaches its threshold."""
    best = scores.argmax(axis=1)[:, None]
    bounds = np.broadcast_to(threshold, scores.shape)
    known = np.take_along_axis(scores, best, 1) >= np.take_along_axis(bounds, best, 1)
    return np.asarray(known[:, 0])


class _Begun:
    """An event that may go on."""

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self.end_s = start_s
        self._best = 0.0

    def add(self, end_s: float, score: float) -> None:
        self.end_s = end_s
        self._best = max(self._best, score)

    def finish(self, label: int) -> Event:
        return Event(self.start_s, self.end_s, label, self._best)


class _Line:
    """Events that are over, told in order."""

    def __init__(self, begun: Mapping[int, _Begun], *, in_order_of_start: bool) -> None:
        self._begun = begun
        self._in_order_of_start = in_order_of_start
        self._waiting: list[tuple[float, int, Event]] = []  # a heap

    def tell(self, over: list[Event]) -> Iterator[Event]:
        """Take events that have just ended, and give those whose turn it is."""
        if not self._in_order_of_start:
            yield from sorted(over, key=lambda event: (event.end_s, event.start_s, event.label))
            return
        for event in over:
            heapq.heappush(self._waiting, (event.start_s, event.label, event))
        first = min(
            ((event.start_s, label) for label, event in self._begun.items()),
            default=(math.inf, 0),
        )
        while self._waiting and self._waiting[0][:2] < first:
            yield heapq.heappop(self._waiting)[2]


def _check(threshold: Threshold, top_k: int | None, max_gap_s: float | None, order: str) -> None:
    bounds = np.asarray(threshold)
    good = bool(((bounds >= 0) & (bounds <= 1)).all())
    check("threshold", threshold, good, "a score, 0 to 1")
    check("top_k", top_k, top_k is None or top_k >= 1, "a whole number >= 1")
    check("max_gap_s", max_gap_s, max_gap_s is None or max_gap_s >= 0, "seconds >= 0")
    check("order", order, order in ORDERS, f"one of {', '.join(ORDERS)}")

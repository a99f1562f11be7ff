"""One answer per input, whatever the input: a clip that cannot be read gets one too."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ...core.errors import AudioError
from ...core.parallel import Check, map_in_order
from ...core.quant import Array
from ...core.quoting import shown
from ...core.sound.cut_off import is_cut_off
from ...core.sound.samples import Samples
from ...core.sound.stream import OpenBlocks
from ...engine.scores import Aggregate, Heard
from ...engine.session import Classifier
from ...engine.timeline import Timeline, Times
from ..inputs.sources import Refusal
from .answers import CUT_OFF, FAILED, OK, SILENT, SKIPPED, Answer, Hits, Segment, stamp_of
from .events import find_events
from .request import CLIP, EVENTS, Request
from .terms import terms_of

WINDOWS_AT_ONCE = 2_048
"""Windows of a long recording that are held in one piece."""

Work = Callable[[str, Check], Answer]


def predict_files(
    classifier: Classifier,
    names: Iterable[str],
    request: Request,
    workers: int = 1,
    refusals: Mapping[str, Refusal] | None = None,
) -> Generator[Answer, None, None]:
    """Classify files, and tell of them in their order, the same whatever the number of workers.

    A file that cannot be read gets an answer that says why and stops no other. Close what is
    returned where it is not used up, as `parallel.map_in_order` says.

    Args:
        classifier: the model, with the windows that `request` asks for (`fit`).
        names: what to classify; with one worker asked for one by one, else a few ahead.
        request: what is asked of each.
        workers: files that are read and classified at once, >= 1.
        refusals: by name, those that are not to be read.
    """
    return map_in_order(make_work(classifier, request, refusals or {}), names, workers)


def fit(classifier: Classifier, request: Request) -> Classifier:
    """The classifier with the windows that are asked for.

    Raises: UsageError: the network cannot take such windows.
    """
    if request.window_s is None and request.hop_s is None:
        return classifier
    return classifier.recut(request.window_s, request.hop_s)


def make_work(classifier: Classifier, request: Request, refusals: Mapping[str, Refusal]) -> Work:
    """What `map_in_order` calls for each name; may be called by several threads at once."""

    def work(name: str, check: Check) -> Answer:
        refusal = refusals.get(name)
        if refusal is not None:
            return Answer(name, SKIPPED if refusal.is_skip else FAILED, error=refusal.reason)
        stamp = stamp_of(name)
        open_blocks = checked(classifier.open_file(name, channel=request.channel), check)
        try:
            hearing = Hearing(classifier, request, open_blocks, shown(name))
            parts = list(_in_large_parts(hearing))
        except AudioError as error:
            return Answer(name, FAILED, error=str(error), stamp=stamp)
        doubts = ((SILENT, hearing.is_silent), (CUT_OFF, is_cut_off(Path(name))))
        told = tuple(doubt for doubt, holds in doubts if holds)
        return Answer(name, OK, hearing.duration_s, stamp=stamp, parts=parts, doubts=told)

    return work


def hear_clip(
    classifier: Classifier, open_blocks: OpenBlocks, name: str | os.PathLike[str], check: Check
) -> Heard:
    """Classify a clip, calling `check` between the blocks of it.

    Args:
        classifier: the model.
        open_blocks: of the clip, as `Classifier.hear` takes it.
        name: of the clip, for messages.
        check: what it raises ends the work.

    Raises:
        AudioError: it cannot be read. And what `check` raises.
    """
    return classifier.hear(checked(open_blocks, check), shown(os.fspath(name)))


def checked(open_blocks: OpenBlocks, check: Check) -> OpenBlocks:
    """The same blocks, with `check` called between them."""

    def blocks() -> Iterator[Samples]:
        for block in open_blocks():
            check()
            yield block

    return blocks


def _in_large_parts(parts: Iterable[Iterable[Segment]]) -> Iterator[Iterable[Segment]]:
    """Join small parts, whose arrays would take more room than what is in them."""
    small: list[Hits] = []
    for part in parts:
        if not isinstance(part, Hits):
            yield part
            continue
        small.append(part)
        if sum(map(len, small)) >= WINDOWS_AT_ONCE:
            yield Hits.join(small)
            small = []
    if small:
        yield Hits.join(small)


class Hearing:
    """What is heard of one clip, part by part while it is read; to be iterated over once.

    Args:
        classifier: as `predict_files` takes it.
        request: what is asked.
        open_blocks: as `Classifier.hear` takes it.
        name: of the clip, for messages.
        live: whether it is still being recorded, and comes once.

    Attributes:
        duration_s: length of the clip in seconds, at the end of the iteration.
        is_silent: whether there was nothing but digital silence, likewise.
    """

    def __init__(
        self,
        classifier: Classifier,
        request: Request,
        open_blocks: OpenBlocks,
        name: str,
        live: bool = False,
    ) -> None:
        self.duration_s, self.is_silent = 0.0, False
        self._classifier = classifier
        self._request = request
        self._terms = terms_of(classifier.model, request)
        self._open = open_blocks
        self._name = name
        self._live = live

    def __iter__(self) -> Iterator[Iterable[Segment]]:
        """Read the clip and yield its segments. Raises: AudioError: it cannot be read."""
        if self._request.view == CLIP:
            yield self._whole()
            return
        timeline = self._timeline()
        if self._request.view == EVENTS:
            yield from self._events(timeline)
            self._end(timeline)
            return
        for part in timeline:
            yield self._hits(part.starts_s, part.ends_s, part.scores, part.features)
        self._end(timeline)

    def _whole(self) -> Hits:
        """One segment. Its features are the mean over its windows."""
        features = None
        aggregate = self._request.aggregate
        if self._request.features:
            timeline = self._timeline()
            total, mean = Aggregate(aggregate), Aggregate()
            for part in timeline:
                total.add(part.scores)
                if part.features is not None:
                    mean.add(part.features)
            scores, features = total.result(), mean.result()[None]
            self._end(timeline)
        else:
            heard = self._classifier.hear(self._open, self._name, aggregate, once=self._live)
            scores, self.duration_s, self.is_silent = (
                heard.scores,
                heard.duration_s,
                heard.is_silent,
            )
        return self._hits(np.zeros(1), np.full(1, self.duration_s), scores[None], features)

    def _end(self, timeline: Timeline) -> None:
        self.duration_s, self.is_silent = timeline.duration_s, timeline.is_silent

    def _events(self, timeline: Timeline) -> Iterator[Iterable[Segment]]:
        """Live, each event is told when it is over; else they come by their start."""
        request = self._request
        for event in find_events(
            timeline,
            threshold=self._terms.kept,
            best_decides=self._terms.best_decides,
            top_k=request.top_k,
            max_gap_s=request.gap_s,
            order="end" if self._live else "start",
        ):
            yield (Segment(event.start_s, event.end_s, ((event.label, event.score),)),)

    def _timeline(self) -> Timeline:
        embed = self._request.features
        return self._classifier.hear_windows(self._open, self._name, live=self._live, embed=embed)

    def _hits(self, starts_s: Times, ends_s: Times, scores: Array, features: Array | None) -> Hits:
        return Hits(starts_s, ends_s, scores, self._request.top_k, self._terms.kept, features)

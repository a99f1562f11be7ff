"""Writing predictions in any format, to memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest

from wsnet_cli.bulk.predicting.answers import Answer, Prediction, Score
from wsnet_cli.bulk.writers.formats import make_writer
from wsnet_cli.bulk.writers.writer import Counts, Facts

GOOD = Prediction("a.wav", "ok", 0.0, 1.23456, (Score("dog", 0.75), Score("cat", 0.123457)))
LATER = Prediction("a.wav", "ok", 1.0, 2.5, (Score("cat", 0.5),))
QUIET = Prediction("q.wav", "ok", 0.0, 3.0, ())
BAD = Prediction("b.wav", "error", 0.0, 0.0, (), "b.wav: is empty")
SKIPPED = Prediction("loop", "skipped", 0.0, 0.0, (), "loop: is a link to a folder")
FACTS = Facts("some model", ("cat", "dog"), 16_000)


@pytest.fixture
def some() -> list[Prediction]:
    return [GOOD, LATER, QUIET, BAD, SKIPPED]


@pytest.fixture
def write() -> Callable[..., bytes]:
    """What a format makes of predictions; each counts as an input."""

    def write(format_: str, predictions: Sequence[Prediction], channel: int | None = None) -> bytes:
        stream = io.BytesIO()
        facts = Facts(FACTS.model, FACTS.labels, FACTS.sample_rate, channel)
        writer = make_writer(format_, stream, facts)
        counts = Counts()
        for prediction in predictions:
            writer.add(prediction)
            counts.add(Answer(prediction.file, prediction.status))
        writer.end(counts)
        return stream.getvalue()

    return write

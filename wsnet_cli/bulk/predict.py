"""One prediction per input, whatever the input: a clip that cannot be read gets a row too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.audio import read_audio
from ..core.errors import AudioError
from ..engine.session import Classifier

OK, FAILED = "ok", "error"


@dataclass(frozen=True)
class Score:
    """A label and its share of the softmax, in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """What is said of one input.

    Args:
        file: as the user named it; bytes that are no UTF-8 stand as backslash escapes.
        status: "ok" or "error".
        end_s: length of the clip in seconds; 0 where it could not be read.
        scores: the best labels, best first; empty where it could not be read.
        error: one line, or "" where all is well.
    """

    file: str
    status: str
    end_s: float
    scores: tuple[Score, ...]
    error: str = ""


def predict_files(
    classifier: Classifier, files: Iterable[Path], top_k: int
) -> Iterator[Prediction]:
    """Classify files one after another, in order.

    Args:
        classifier: the model.
        files: what to classify.
        top_k: labels per clip, >= 1; more than there are gives all.
    """
    for file in files:
        try:
            yield _predict(classifier, file, top_k)
        except AudioError as error:
            yield Prediction(_readable(file), FAILED, 0.0, (), str(error))


def _predict(classifier: Classifier, file: Path, top_k: int) -> Prediction:
    rate = classifier.model.audio.sample_rate
    samples, _ = read_audio(file, sample_rate=rate)
    scores = classifier.classify(samples, rate)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    best = tuple(Score(classifier.labels[i], float(scores[i])) for i in order[:top_k])
    return Prediction(_readable(file), OK, len(samples) / rate, best)


def _readable(file: Path) -> str:
    return str(file).encode("utf-8", "backslashreplace").decode("utf-8")

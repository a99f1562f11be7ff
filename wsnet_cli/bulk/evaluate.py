"""A model on labelled clips: the same reading and scoring as `predict`, then the measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..core.errors import AudioError, DataError
from ..core.metrics import Metrics, measure
from ..core.parallel import Check, map_in_order
from ..data.dataset import Clip, Failure
from ..engine.session import Classifier
from .clip_audio import ClipAudio, FileAudio
from .predict import hear_clip

N_LABELS_SHOWN = 3


@dataclass(frozen=True)
class ClipResult:
    """A clip, what it is, what it was taken for, the score of that, and its length in seconds."""

    file: str
    label: str
    predicted: str
    score: float
    duration_s: float


@dataclass(frozen=True)
class Evaluation:
    """Measures over the clips that could be read, those clips, and those that could not."""

    metrics: Metrics
    clips: tuple[ClipResult, ...]
    failures: tuple[Failure, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            **self.metrics.as_json(),
            "failed": [{"file": f.name, "error": f.reason} for f in self.failures],
        }


def evaluate_clips(
    classifier: Classifier,
    clips: Sequence[Clip],
    on_clip: Callable[[int, int, float], None] | None = None,
    workers: int = 1,
    audio: ClipAudio | None = None,
) -> Evaluation:
    """Classify every clip and compare with its label; the same whatever the number of workers.

    Args:
        classifier: the model.
        clips: labelled.
        on_clip: told after each clip how many are done, of how many, and the seconds of sound in
            the latest, 0 where it could not be read.
        workers: clips that are read and classified at once, >= 1.
        audio: where the clips' audio comes from; None: their files.

    Raises:
        DataError: a clip's label is none of the model's, or no clip can be read.
    """
    _check_labels(classifier, clips)
    source = audio or FileAudio()
    results: list[ClipResult] = []
    failures: list[Failure] = []

    def work(clip: Clip, check: Check) -> ClipResult | Failure:
        try:
            heard = hear_clip(classifier, source.open(classifier, clip), clip.path, check)
        except AudioError as error:
            return Failure(clip.name, str(error))
        ((label, score),) = classifier.top(heard.scores, 1)
        return ClipResult(clip.name, clip.label, label, score, heard.duration_s)

    with closing(map_in_order(work, clips, workers)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            duration_s = 0.0
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                results.append(outcome)
                duration_s = outcome.duration_s
            if on_clip:
                on_clip(done, len(clips), duration_s)
    if not results:
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    index = {label: i for i, label in enumerate(classifier.labels)}
    truth = [index[result.label] for result in results]
    predicted = [index[result.predicted] for result in results]
    return Evaluation(measure(truth, predicted, classifier.labels), tuple(results), tuple(failures))


def _check_labels(classifier: Classifier, clips: Sequence[Clip]) -> None:
    unknown = sorted({clip.label for clip in clips} - set(classifier.labels))
    if unknown:
        more = ", ..." if len(unknown) > N_LABELS_SHOWN else ""
        some = ", ".join(unknown[:N_LABELS_SHOWN]) + more
        raise DataError(
            f"the data has classes that the model does not know: {some}; "
            f"its labels: {', '.join(classifier.labels)}"
        )

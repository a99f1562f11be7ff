"""A model on labelled clips: the same reading and scoring as `predict`, then the measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import AudioError, DataError
from ..core.metrics import Metrics, measure
from ..core.multi_label_metrics import MultiLabelMetrics, measure_labels
from ..core.parallel import Check, map_in_order
from ..core.quant import Array
from ..data.dataset import Clip, Failure
from ..data.label_sets import label_of
from ..engine.session import Classifier
from .clip_audio import ClipAudio, FileAudio
from .predict import hear_clip

N_LABELS_SHOWN = 3


@dataclass(frozen=True)
class ClipResult:
    """A clip, what it is, what it was taken for, the score of that, and its length in seconds.

    Of a multi-label model both are labels as `data.label_sets.join_names` makes them: what it was
    taken for are all classes that score `DECISION` or more, and the score is the largest of all.
    """

    file: str
    label: str
    predicted: str
    score: float
    duration_s: float


@dataclass(frozen=True)
class Evaluation:
    """Measures over the clips that could be read, those clips, and those that could not."""

    metrics: Metrics | MultiLabelMetrics
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
        clips: labelled. Of a multi-label model, clips with one label each will do.
        on_clip: told after each clip how many are done, of how many, and the seconds of sound in
            the latest, 0 where it could not be read.
        workers: clips that are read and classified at once, >= 1.
        audio: where the clips' audio comes from; None: their files.

    Raises:
        DataError: a clip's class is none of the model's, a clip may have several and the model
            tells one, or no clip can be read.
    """
    _check_labels(classifier, clips)
    source = audio or FileAudio()
    truths, labels = _Truths(classifier), classifier.labels
    results: list[ClipResult] = []
    failures: list[Failure] = []

    def work(clip: Clip, check: Check) -> tuple[ClipResult, Array] | Failure:
        try:
            heard = hear_clip(classifier, source.open(classifier, clip), clip.path, check)
        except AudioError as error:
            return Failure(clip.name, str(error))
        label = label_of(heard.scores, labels, multi_label=classifier.multi_label)
        score = float(heard.scores.max())
        return ClipResult(clip.name, clip.label, label, score, heard.duration_s), heard.scores

    with closing(map_in_order(work, clips, workers)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            duration_s = 0.0
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                result, scores = outcome
                results.append(result)
                truths.add(clips[done - 1], scores)
                duration_s = result.duration_s
            if on_clip:
                on_clip(done, len(clips), duration_s)
    if not results:
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    return Evaluation(truths.measure(), tuple(results), tuple(failures))


class _Truths:
    """What clips are and how they scored, kept as compactly as the measures allow."""

    def __init__(self, classifier: Classifier) -> None:
        self._labels, self._multi_label = classifier.labels, classifier.multi_label
        self._index = {label: i for i, label in enumerate(classifier.labels)}
        self._truth: list[int] = []
        self._predicted: list[int] = []
        self._rows: list[npt.NDArray[np.bool_]] = []
        self._scores: list[Array] = []

    def add(self, clip: Clip, scores: Array) -> None:
        classes = [self._index[name] for name in clip.classes]
        if self._multi_label:
            row = np.zeros(len(self._labels), np.bool_)
            row[classes] = True
            self._rows.append(row)
            self._scores.append(scores)
        else:
            self._truth += classes
            self._predicted.append(int(scores.argmax()))

    def measure(self) -> Metrics | MultiLabelMetrics:
        if self._multi_label:
            return measure_labels(np.stack(self._rows), np.stack(self._scores), self._labels)
        return measure(self._truth, self._predicted, self._labels)


def _check_labels(classifier: Classifier, clips: Sequence[Clip]) -> None:
    if not classifier.multi_label and any(clip.multi_label for clip in clips):
        raise DataError(
            "the data is multi-label, and the model tells one label of each clip; expected data "
            "with one label for each clip, or a model that was trained on a multi-label set"
        )
    unknown = sorted({name for clip in clips for name in clip.classes} - set(classifier.labels))
    if unknown:
        more = ", ..." if len(unknown) > N_LABELS_SHOWN else ""
        some = ", ".join(unknown[:N_LABELS_SHOWN]) + more
        raise DataError(
            f"the data has classes that the model does not know: {some}; "
            f"its labels: {', '.join(classifier.labels)}"
        )

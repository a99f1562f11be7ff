"""A model on labelled clips: the same reading and scoring as `predict`, then the measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core.errors import AudioError, DataError
from ...core.measures.evaluation import ClipResult, Evaluated, truth_of
from ...core.measures.metrics import Metrics
from ...core.measures.multi_label_metrics import MultiLabelMetrics
from ...core.parallel import Check, map_in_order
from ...core.quant import Array
from ...data.dataset import Clip, Failure
from ...data.label_sets import label_of
from ...engine.scores import Heard
from ...engine.session import Classifier
from ..clips.clip_audio import ClipAudio, FileAudio
from ..predicting.predict import hear_clip

N_LABELS_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was said of the clips that could be read, and which could not be.

    Args:
        evaluated: the former, with all measures of it.
        failures: the latter.
        extras: what else was measured of the model, in the shape that docs/outputs.md documents.
    """

    evaluated: Evaluated
    failures: tuple[Failure, ...]
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> Metrics | MultiLabelMetrics:
        """Of the clips that could be read."""
        return self.evaluated.metrics

    @property
    def clips(self) -> tuple[ClipResult, ...]:
        """Those that could be read."""
        return self.evaluated.clips

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            **self.evaluated.as_json(),
            **self.extras,
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
    check_labels(classifier, clips)
    source = audio or FileAudio()
    heard = _HeardClips(classifier)
    failures: list[Failure] = []

    def work(clip: Clip, check: Check) -> Heard | Failure:
        try:
            return hear_clip(classifier, source.open(classifier, clip), clip.path, check)
        except AudioError as error:
            return Failure(clip.name, str(error))

    with closing(map_in_order(work, clips, workers)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            duration_s = 0.0
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                heard.add(clips[done - 1], outcome)
                duration_s = outcome.duration_s
            if on_clip:
                on_clip(done, len(clips), duration_s)
    if len(failures) == len(clips):
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    return Evaluation(heard.evaluated(), tuple(failures))


class _HeardClips:
    """What was said of clips, and what they are: a row of scores each, and no audio."""

    def __init__(self, classifier: Classifier) -> None:
        self._labels, self._multi_label = classifier.labels, classifier.multi_label
        self._index = {label: i for i, label in enumerate(classifier.labels)}
        self._results: list[ClipResult] = []
        self._classes: list[tuple[int, ...]] = []
        self._scores: list[Array] = []

    def add(self, clip: Clip, heard: Heard) -> None:
        self._results.append(
            ClipResult(
                file=clip.name,
                label=clip.label,
                predicted=label_of(heard.scores, self._labels, multi_label=self._multi_label),
                score=float(heard.scores.max()),
                duration_s=heard.duration_s,
                path=clip.path,
                start_s=clip.start_s,
                end_s=clip.end_s,
                fold=clip.fold,
                group=clip.group,
            )
        )
        self._classes.append(tuple(self._index[name] for name in clip.classes))
        self._scores.append(heard.scores)

    def evaluated(self) -> Evaluated:
        truth = truth_of(self._classes, len(self._labels), multi_label=self._multi_label)
        scores = np.stack(self._scores).astype(np.float32, copy=False)
        return Evaluated(self._labels, tuple(self._results), truth, scores)


def check_labels(classifier: Classifier, clips: Sequence[Clip]) -> None:
    """Raise DataError where a clip has a class that the model does not know, or several of one."""
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

"""What a model's thresholds leave of labelled clips, and let pass of background sounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...core.calibrating.calibration import least_scores
from ...core.measures.evaluation import Evaluated
from ...core.measures.told import FalseAlarms, Told, UnknownPoint, measure_told, unknown_curve
from ...data.dataset import Failure
from ...engine.session import Classifier
from ..inputs.sources import Inputs
from .background import hear_background, usual_windows
from .logits import OnClip


@dataclass(frozen=True)
class Alarms:
    """Background sounds by a model.

    Args:
        threshold: the least score of any label; None where the model has none.
        alarms: what gets a label, by all its thresholds.
        curve: what other least scores of any label would do, without those of single labels.
        failures: files that could not be read.
        n_silent: files of nothing but digital silence.
        skipped: as `background.Background` has them.
    """

    threshold: float | None
    alarms: FalseAlarms
    curve: tuple[UnknownPoint, ...]
    failures: tuple[Failure, ...]
    n_silent: int
    skipped: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "threshold": self.threshold,
            **self.alarms.as_json(),
            "curve": [asdict(point) for point in self.curve],
            "failed": [{"file": f.name, "error": f.reason} for f in self.failures],
        }


def measure_clips_told(classifier: Classifier, evaluated: Evaluated) -> Told | None:
    """What the model tells of clips by its own thresholds; None where it has none.

    Args:
        classifier: the model.
        evaluated: what it said of labelled clips, with scores.
    """
    calibration, several = classifier.model.calibration, classifier.multi_label
    if not calibration.decides or evaluated.scores is None:
        return None
    n = len(evaluated.labels)
    truth = (
        evaluated.truth.astype(np.bool_)
        if several
        else np.eye(n, dtype=np.bool_)[evaluated.truth.astype(np.int64)]
    )
    least = least_scores(calibration, n, multi_label=several)
    return measure_told(evaluated.scores, truth, least, multi_label=several)


def measure_alarms(
    classifier: Classifier,
    evaluated: Evaluated,
    background: Inputs,
    workers: int | None = None,
    on_clip: OnClip | None = None,
) -> Alarms:
    """What the model tells of background sounds, in clips as long as the labelled ones.

    Args:
        classifier: the model.
        evaluated: what it said of labelled clips, with scores.
        background: from `list_background`, of none of its labels.
        workers: files that are read at once; None: one for each processor.
        on_clip: told after each file.

    Raises: DataError: no file of them can be read.
    """
    model = classifier.model
    calibration, several = model.calibration, model.multi_label
    durations = [clip.duration_s or 0.0 for clip in evaluated.clips]
    n_windows = usual_windows(durations, model.audio)
    sounds = hear_background(classifier, background, n_windows, workers, on_clip)
    scores = sounds.scores(calibration.temperature, multi_label=several)
    assert evaluated.scores is not None
    return Alarms(
        threshold=calibration.unknown,
        alarms=sounds.alarms(scores, calibration, multi_label=several),
        curve=unknown_curve(scores.max(axis=1), evaluated.scores.max(axis=1)),
        failures=sounds.failures,
        n_silent=sounds.n_silent,
        skipped=sounds.skipped,
    )

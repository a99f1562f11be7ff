"""A model's calibration, chosen on clips that it was not trained on and on background sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.calibrating.calibration import DECISION, Calibration, is_told, least_scores
from ...core.calibrating.fit_temperature import TemperatureFit, fit_temperature
from ...core.calibrating.fit_thresholds import (
    LabelThreshold,
    Truth,
    UnknownFit,
    fit_thresholds,
    fit_unknown,
)
from ...core.measures.reliability import reliability_of_classes, reliability_of_decisions
from ...core.measures.told import FalseAlarms, Told, measure_told
from ...core.model import Model
from ...core.quant import Array
from .background import Background
from .logits import LabelledLogits


@dataclass(frozen=True)
class Quality:
    """How good scores are, at some temperature, as `core/measures/reliability.py` says."""

    negative_log_likelihood: float
    calibration_error: float
    accuracy: float


@dataclass(frozen=True)
class UnknownChoice:
    """The least score of any label.

    Args:
        fit: as it was chosen.
        max_rate: share of background clips that were allowed to reach it.
        alarms: the same clips with the thresholds of labels too.
        n_rejected: labelled clips whose best score does not reach it.
        n_rejected_right: of these, those whose best label is right.
    """

    fit: UnknownFit
    max_rate: float
    alarms: FalseAlarms
    n_rejected: int
    n_rejected_right: int


@dataclass(frozen=True)
class Calibrated:
    """What was chosen, and what it does to the clips that it was chosen on.

    Args:
        model: with the calibration.
        temperature: how it was found.
        before: at temperature 1.
        after: at the one found.
        thresholds: one for each label, or none where they were not asked for.
        unknown: None without background sounds.
        told: what the model now tells of the labelled clips.
        n_kept: of the clips that have a label, those that are still told one.
    """

    model: Model
    temperature: TemperatureFit
    before: Quality
    after: Quality
    thresholds: tuple[LabelThreshold, ...]
    unknown: UnknownChoice | None
    told: Told
    n_kept: int

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "n_clips": self.told.n_clips,
            "temperature": self.temperature.temperature,
            "has_minimum": self.temperature.has_minimum,
            "before": vars(self.before),
            "after": vars(self.after),
            "thresholds": [
                {"label": label, **vars(row)}
                for label, row in zip(self.model.labels, self.thresholds, strict=False)
            ],
            "unknown": None if self.unknown is None else _unknown_json(self.unknown),
            "told": self.told.as_json(),
        }


def _unknown_json(unknown: UnknownChoice) -> dict[str, Any]:
    return {
        "threshold": unknown.fit.threshold,
        "max_false_alarm_rate": unknown.max_rate,
        "n_reached": unknown.fit.n_false,
        **unknown.alarms.as_json(),
        "n_rejected": unknown.n_rejected,
        "n_rejected_right": unknown.n_rejected_right,
    }


def calibrate(
    model: Model,
    labelled: LabelledLogits,
    background: Background | None = None,
    *,
    max_rate: float = 0.05,
    with_thresholds: bool = True,
) -> Calibrated:
    """Choose temperature, thresholds and the score of the unknown, in this order.

    Each follows from those before it. Background clips have a say in the last one alone. What the
    model had of all this is forgotten.

    Args:
        model: whose logits they are.
        labelled: clips that it was not trained on.
        background: sounds of none of its labels.
        max_rate: share of background clips that may reach the score of the unknown, 0 to 1.
        with_thresholds: whether each label gets one of its own.

    Raises:
        GateError: no threshold keeps so few background clips.
    """
    several, truth = model.multi_label, labelled.truth
    fit = fit_temperature(labelled.logits, labelled.counts, truth, multi_label=several)
    plain = labelled.scores(1.0, multi_label=several)
    scores = labelled.scores(fit.temperature, multi_label=several)
    rows = fit_thresholds(scores, truth, multi_label=several) if with_thresholds else ()
    chosen = Calibration(fit.temperature, _own_thresholds(rows, multi_label=several))
    unknown = None
    if background is not None:
        heard = background.scores(fit.temperature, multi_label=several)
        found = fit_unknown(heard.max(axis=1), max_rate)
        rate = round(found.false_alarm_rate, 4)
        chosen = replace(chosen, unknown=found.threshold, false_alarm_rate=rate)
        alarms = background.alarms(heard, chosen, multi_label=several)
        unknown = UnknownChoice(found, max_rate, alarms, *_rejected(scores, truth, found))
    least = least_scores(chosen, len(model.labels), multi_label=several)
    return Calibrated(
        model=replace(model, calibration=chosen),
        temperature=fit,
        before=_quality(plain, truth, multi_label=several),
        after=_quality(scores, truth, multi_label=several),
        thresholds=rows,
        unknown=unknown,
        told=measure_told(scores, truth, least, multi_label=several),
        n_kept=int(is_told(scores[truth.any(axis=1)], least, multi_label=several).sum()),
    )


def _own_thresholds(
    rows: Sequence[LabelThreshold], *, multi_label: bool
) -> tuple[float, ...] | None:
    """None where they are what every model has."""
    own = tuple(row.threshold for row in rows)
    return own if set(own) - {DECISION if multi_label else 0.0} else None


def _rejected(scores: Array, truth: Truth, found: UnknownFit) -> tuple[int, int]:
    """Labelled clips that do not reach the score, and how many of them are right all the same."""
    rejected = scores.max(axis=1) < np.float64(found.threshold)
    right = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    return int(rejected.sum()), int((rejected & right).sum())


def _quality(scores: Array, truth: Truth, *, multi_label: bool) -> Quality:
    if multi_label:
        right = ((scores >= DECISION) == truth).all(axis=1)
        found = reliability_of_decisions(truth, scores)
    else:
        classes = truth.argmax(axis=1)
        right = scores.argmax(axis=1) == classes
        found = reliability_of_classes(classes, right, scores)
    likelihood, error = found.negative_log_likelihood, found.calibration_error
    return Quality(likelihood, error, float(right.mean()))

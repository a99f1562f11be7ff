"""What is left of clips, and of background sounds, where a model may say that it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..calibrating.calibration import is_told
from ..quant import Array

Bounds = Sequence[float] | npt.NDArray[np.float64]

N_STEPS = 100
"""Of a curve over thresholds from 0 to 1."""


@dataclass(frozen=True)
class Told:
    """Labelled clips, by a model's own thresholds.

    Args:
        n_clips: all of them.
        n_told: those that get a label; of a multi-label model, at least one.
        n_right: of these, those that get exactly the right one, or ones.
    """

    n_clips: int
    n_told: int
    n_right: int

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            **asdict(self),
            "share": self.n_told / self.n_clips,
            "accuracy": self.n_right / self.n_told if self.n_told else None,
        }


def measure_told(
    scores: Array, truth: npt.NDArray[np.bool_], least: Bounds, *, multi_label: bool
) -> Told:
    """Count what is told of labelled clips.

    Args:
        scores: [n_clips, n_labels] in [0, 1], n_clips >= 1.
        truth: which labels each clip has, [n_clips, n_labels].
        least: as `calibration.least_scores` gives it.
        multi_label: as `model.Model` has it.
    """
    known = is_told(scores, least, multi_label=multi_label)
    if multi_label:
        right = ((scores >= np.asarray(least, np.float64)) == truth).all(axis=1)
    else:
        right = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    return Told(len(scores), int(known.sum()), int((known & right).sum()))


@dataclass(frozen=True)
class FalseAlarms:
    """Background clips, by a model's own thresholds.

    Args:
        n_clips: all of them, >= 1.
        n_files: that they are of.
        seconds: their length together.
        n_told: those that get a label.
    """

    n_clips: int
    n_files: int
    seconds: float
    n_told: int

    @property
    def rate(self) -> float:
        """Share of the clips that get a label."""
        return self.n_told / self.n_clips

    @property
    def per_hour(self) -> float:
        """How many in an hour of such sounds."""
        return self.n_told / (self.seconds / 3600)

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "n_files": self.n_files,
            "n_clips": self.n_clips,
            "hours": self.seconds / 3600,
            "n_false_alarms": self.n_told,
            "false_alarm_rate": self.rate,
            "false_alarms_per_hour": self.per_hour,
        }


@dataclass(frozen=True)
class UnknownPoint:
    """What a threshold of the best score does: shares of the clips that reach it, in [0, 1]."""

    threshold: float
    false_alarm_rate: float
    accepted: float


def unknown_curve(background: Array, labelled: Array) -> tuple[UnknownPoint, ...]:
    """The shares of background and of labelled clips that reach each of 101 thresholds.

    Args:
        background: the best score of each background clip, [n], n >= 1.
        labelled: the best score of each labelled clip, [n], n >= 1.
    """
    rows = []
    for step in range(N_STEPS + 1):
        threshold = np.float64(step / N_STEPS)
        shares = (float((scores >= threshold).mean()) for scores in (background, labelled))
        rows.append(UnknownPoint(float(threshold), *shares))
    return tuple(rows)

"""How a model's logits become scores, and its scores a decision: what calibration stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..checks import check, is_real

UNKNOWN = "unknown"
"""What a clip is called where no class of a single-label model reaches its least score."""

DECISION = 0.5
"""From this score on a label of a multi-label model counts as there, without thresholds."""

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.001, 1000.0
"""Beyond these every score is 0 or 1, or all are equal, in any use."""


@dataclass(frozen=True)
class Calibration:
    """The default changes nothing: a score is the softmax or sigmoid of the logits.

    Args:
        temperature: what logits are divided by, 0.001 to 1,000.
        thresholds: the least score of each label for its being named, 0 to 1; None: 0, or 0.5 in
            multi-label models.
        unknown: the least score for any label's being named, 0 to 1; None: 0.
        false_alarm_rate: share of background clips whose best score reached `unknown` when it was
            chosen; None where it was not measured.

    Raises:
        ParameterError: a value is outside its range.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    unknown: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        good = is_real(self.temperature)
        good = good and LEAST_TEMPERATURE <= self.temperature <= MOST_TEMPERATURE
        expected = f"{LEAST_TEMPERATURE:g} to {MOST_TEMPERATURE:g}"
        check("temperature", self.temperature, good, expected)
        for threshold in self.thresholds or ():
            check("a threshold", threshold, _is_share(threshold), "0 to 1")
        for name, share in (
            ("unknown", self.unknown),
            ("false_alarm_rate", self.false_alarm_rate),
        ):
            check(name, share, share is None or _is_share(share), "0 to 1")
        measured = self.false_alarm_rate is not None
        good = self.unknown is not None or not measured
        check("false_alarm_rate", self.false_alarm_rate, good, "none without unknown")

    @property
    def decides(self) -> bool:
        """Whether it has thresholds of any kind, so that a clip may be unknown."""
        return self.thresholds is not None or self.unknown is not None


def least_scores(
    calibration: Calibration, n_labels: int, *, multi_label: bool
) -> npt.NDArray[np.float64]:
    """The least score of each label for its being told, [n_labels].

    It is the larger one of its threshold and of what is asked of any label. These are the terms of
    every decision: of a single-label model the best label is told, if it reaches its least score;
    of a multi-label model all that do.

    >>> least_scores(Calibration(1.0, (0.2, 0.9), 0.5), 2, multi_label=False).tolist()
    [0.5, 0.9]
    >>> least_scores(Calibration(), 2, multi_label=True).tolist()
    [0.5, 0.5]
    """
    default = DECISION if multi_label else 0.0
    own = calibration.thresholds or (default,) * n_labels
    return np.maximum(np.array(own, np.float64), calibration.unknown or 0.0)


def told(
    scores: npt.NDArray[np.float32],
    least: Sequence[float] | npt.NDArray[np.float64],
    *,
    multi_label: bool,
) -> list[int]:
    """Decide what a clip is told to be.

    Args:
        scores: of each label, [n_labels].
        least: as `least_scores` gives it.
        multi_label: as `core.model.Model` has it.

    Returns: places of labels, rising; of a single-label model one, the first of the best, or none:
        the clip is unknown.

    >>> told(np.float32([0.6, 0.3, 0.1]), [0.7, 0, 0], multi_label=False)
    []
    """
    bounds = np.asarray(least, np.float64)
    if multi_label:
        return np.flatnonzero(scores >= bounds).tolist()
    best = int(scores.argmax())
    return [best] if scores[best].astype(np.float64) >= bounds[best] else []


def is_told(
    scores: npt.NDArray[np.float32],
    least: Sequence[float] | npt.NDArray[np.float64],
    *,
    multi_label: bool,
) -> npt.NDArray[np.bool_]:
    """Whether `told` names any label, of many clips: [n_clips] for scores [n_clips, n_labels]."""
    reached = scores >= np.asarray(least, np.float64)
    if multi_label:
        return np.asarray(reached.any(axis=1))
    return np.asarray(reached[np.arange(len(scores)), scores.argmax(axis=1)])


def _is_share(value: object) -> bool:
    return is_real(value) and 0 <= value <= 1  # type: ignore[operator]

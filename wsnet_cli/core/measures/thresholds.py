"""What a threshold on scores would leave, and how much of that is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..quant import Array

THRESHOLDS = (*(i / 20 for i in range(20)), 0.99)
"""At which curves are computed: 0 to 0.95 in steps of 0.05, and 0.99."""


@dataclass(frozen=True)
class ThresholdPoint:
    """Clips whose best score is at least `threshold`.

    Args:
        threshold: in [0, 1).
        n_told: how many they are.
        share: of all clips.
        accuracy: the share of them whose best class is right; None where there are none.
    """

    threshold: float
    n_told: int
    share: float
    accuracy: float | None


@dataclass(frozen=True)
class DecisionPoint:
    """Decisions of a multi-label model at one threshold for all classes, all of them together.

    Args:
        threshold: in [0, 1).
        precision: of the decided labels, the share that is there; None where none is decided.
        recall: of the labels that are there, the share that is decided; None where none is there.
    """

    threshold: float
    precision: float | None
    recall: float | None


def threshold_curve(best: Array, right: NDArray[np.bool_]) -> tuple[ThresholdPoint, ...]:
    """At each of `THRESHOLDS`, from the best scores of clips [n] and whether they are right."""
    n_told = _n_at_least(best)
    n_right = _n_at_least(best[right])
    return tuple(
        ThresholdPoint(at, told, told / len(best), n / told if told else None)
        for at, told, n in zip(THRESHOLDS, n_told, n_right, strict=True)
    )


def decision_curve(truth: NDArray[np.bool_], scores: Array) -> tuple[DecisionPoint, ...]:
    """At each of `THRESHOLDS`, from truth and scores [n, n_classes]."""
    n_there = int(truth.sum())
    n_decided = _n_at_least(scores.ravel())
    n_both = _n_at_least(scores[truth])
    return tuple(
        DecisionPoint(at, both / n if n else None, both / n_there if n_there else None)
        for at, n, both in zip(THRESHOLDS, n_decided, n_both, strict=True)
    )


def _n_at_least(scores: Array) -> list[int]:
    # In float32 as the scores are: 0.35 in float64 is more than the score of the same name.
    below = np.searchsorted(np.sort(scores), np.asarray(THRESHOLDS, scores.dtype), side="left")
    counts: list[int] = (len(scores) - below).tolist()
    return counts

"""The least score of each label, and of any label, chosen on clips that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import GateError, ParameterError
from ..quant import Array
from .calibration import DECISION

Truth = npt.NDArray[np.bool_]

LEAST_CLIPS = 10
"""A label of fewer clips keeps its default: what is best for a handful is mostly chance."""

PLACES = (4, 5, 6)
"""Decimal places of a threshold: the fewest that do, as they stand in the model file."""


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold of one label.

    Args:
        threshold: the least score for its being told.
        n_clips: that have the label.
        f1_before: F1 of what is told at the default threshold; None where no clip has the label
            and none is told to.
        f1: the same at `threshold`.
        is_fitted: whether there were enough clips.
    """

    threshold: float
    n_clips: int
    f1_before: float | None
    f1: float | None
    is_fitted: bool


def fit_thresholds(
    scores: Array, truth: Truth, *, multi_label: bool = False
) -> tuple[LabelThreshold, ...]:
    """For each label, the threshold at which F1 of what is told is highest.

    A label is told of a clip if its score reaches the threshold and, unless the model is
    multi-label, if it is the best one. Between two scores of the clips all thresholds do the same:
    the middle is taken. Of several ranges with the same F1 the lowest is.

    Args:
        scores: of each clip, [n_clips, n_labels] in [0, 1].
        truth: which labels each clip has, [n_clips, n_labels].
        multi_label: whether each label is told or not by itself.

    Returns: one for each label, in order.

    Raises:
        ParameterError: no clips, or shapes that do not fit each other.
    """
    if scores.shape != truth.shape or scores.ndim != 2 or len(scores) == 0:
        raise ParameterError(
            f"scores {scores.shape}, truth {truth.shape}; expected as many rows, at least 1"
        )
    default = DECISION if multi_label else 0.0
    may_be_told = np.ones_like(truth)
    if not multi_label:
        may_be_told = scores.argmax(axis=1)[:, np.newaxis] == np.arange(scores.shape[1])
    return tuple(
        _fit_label(scores[may_be_told[:, c], c], truth[may_be_told[:, c], c], truth[:, c], default)
        for c in range(scores.shape[1])
    )


def _fit_label(told: Array, is_right: Truth, has_label: Truth, default: float) -> LabelThreshold:
    """Of the clips that may be told to have the label: its scores, and whether they do."""
    support = int(has_label.sum())
    reached = told >= np.float64(default)
    before = _f1(int(is_right[reached].sum()), int(reached.sum()), support)
    if support < LEAST_CLIPS or not len(told):
        return LabelThreshold(default, support, before, before, is_fitted=False)
    levels, places = np.unique(told.astype(np.float64), return_inverse=True)
    n_told = np.bincount(places)[::-1].cumsum()[::-1]  # from each level on
    n_right = np.bincount(places, weights=is_right)[::-1].cumsum()[::-1]
    rates = 2 * n_right / (n_told + support)
    best = int(rates.argmax())
    threshold = _between(float(levels[best - 1]), float(levels[best])) if best else 0.0
    return LabelThreshold(threshold, support, before, float(rates[best]), is_fitted=True)


def _f1(n_right: int, n_told: int, n_true: int) -> float | None:
    return 2 * n_right / (n_told + n_true) if n_told + n_true else None


def _between(low: float, high: float) -> float:
    """The middle, to as few places as lie between; the higher score where none do."""
    middles = (round((low + high) / 2, places) for places in PLACES)
    return next((middle for middle in middles if low < middle <= high), high)


@dataclass(frozen=True)
class UnknownFit:
    """The least score of any label.

    Args:
        threshold: to four places, or up to six where scores are as near to 1.
        n_false: background clips whose best score reaches it.
        n_background: background clips.
    """

    threshold: float
    n_false: int
    n_background: int

    @property
    def false_alarm_rate(self) -> float:
        """Share of background clips whose best score reaches the threshold, in [0, 1]."""
        return self.n_false / self.n_background


def fit_unknown(best_scores: Array, max_rate: float) -> UnknownFit:
    """The lowest threshold, in steps of 0.0001, that few enough background clips reach.

    Args:
        best_scores: the score of the best label of each background clip, [n] in [0, 1].
        max_rate: the largest share of them that may reach it, in [0, 1].

    Raises:
        ParameterError: no clips, or a rate out of range.
        GateError: too many score 1, which every threshold lets pass.
    """
    n = len(best_scores)
    if n == 0 or not 0 <= max_rate <= 1:
        raise ParameterError(
            f"{n} background clips, max_rate = {max_rate}; expected clips and 0 to 1"
        )
    falling = -np.sort(-best_scores.astype(np.float64))
    n_allowed = math.floor(max_rate * n + 1e-9)  # 0.07 * 100 is a little more than 7
    threshold = 0.0 if n_allowed >= n else _just_above(float(falling[n_allowed]))
    if threshold > 1:
        n_sure = int((falling >= 1).sum())
        raise GateError(
            f"{n_sure} of {n} background clips score 1, so no threshold keeps false alarms at "
            f"{100 * max_rate:g} %; train with such sounds as a class, or allow more of them"
        )
    n_false = int((falling >= threshold).sum())
    return UnknownFit(threshold, n_false, n)


def _just_above(score: float) -> float:
    """In steps that are finer only where the next one would be 1."""
    for places in PLACES:
        threshold = round(score, places)
        while threshold <= score:
            threshold = round(threshold + 10**-places, places)
        if threshold < 1:
            break
    return threshold

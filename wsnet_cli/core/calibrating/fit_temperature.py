"""The temperature that makes scores as likely as they can be, found on labelled clips.

C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On Calibration of Modern Neural Networks, ICML 2017
(arXiv:1706.04599), section 4.2: one number that logits are divided by, chosen to minimise the
negative log likelihood. It leaves the best label of a window alone. Here a clip's score is the mean
over its windows, and its likelihood that of this mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from ..quant import Array
from .calibration import LEAST_TEMPERATURE, MOST_TEMPERATURE

Truth = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

WIDEST = 50.0
"""Temperatures are sought from a 50th of the logits' spread, where all scores are 0 or 1, to 50
times that, where all are equal within some percent."""

_N_COARSE = 81
_GOLDEN = (math.sqrt(5) - 1) / 2
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class TemperatureFit:
    """What was found.

    Args:
        temperature: to 4 significant digits; 1 where nothing is better, or nothing was found.
        nll_before: mean negative log likelihood of the clips, in nats, at temperature 1.
        nll_after: the same at `temperature`; never more.
        has_minimum: whether the likelihood has a best temperature. It has none where every clip
            has windows that are right, and enough of them: then the colder, the likelier, without
            end. Nor has it where nearly all is wrong.
    """

    temperature: float
    nll_before: float
    nll_after: float
    has_minimum: bool


def fit_temperature(
    logits: Array, counts: npt.NDArray[np.integer], truth: Truth, *, multi_label: bool = False
) -> TemperatureFit:
    """Find the temperature with the least negative log likelihood: the same for the same numbers.

    Args:
        logits: of all windows, those of one clip after those of another, [n_windows, n_labels].
        counts: windows of each clip, >= 1, [n_clips].
        truth: which labels each clip has, [n_clips, n_labels]; one each unless multi-label.
        multi_label: whether scores are sigmoids; a clip's likelihood is then the mean over labels.

    Raises:
        ParameterError: no clips, or shapes that do not fit each other.
    """
    _check(logits, counts, truth)
    exact = logits.astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def nll(log_temperature: float) -> float:
        scaled = exact / math.exp(log_temperature)
        return _mean_nll(scaled, starts, counts, truth, multi_label=multi_label)

    before = nll(0.0)
    spread = _spread(exact, multi_label=multi_label)
    if spread == 0:
        return TemperatureFit(1.0, before, before, has_minimum=False)
    low, high = (
        math.log(min(max(end, LEAST_TEMPERATURE), MOST_TEMPERATURE))
        for end in (spread / WIDEST, spread * WIDEST)
    )
    best = _minimise(nll, low, high)
    if best is None:
        return TemperatureFit(1.0, before, before, has_minimum=False)
    temperature = float(f"{math.exp(best):.4g}")
    after = nll(math.log(temperature))
    if after >= before:
        return TemperatureFit(1.0, before, before, has_minimum=True)
    return TemperatureFit(temperature, before, after, has_minimum=True)


def _mean_nll(
    logits: Doubles,
    starts: npt.NDArray[np.integer],
    counts: npt.NDArray[np.integer],
    truth: Truth,
    *,
    multi_label: bool,
) -> float:
    """Of the means over windows; in logarithms throughout, so that no score is rounded to 0."""
    if multi_label:
        log_yes, log_no = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
        yes, no = (np.logaddexp.reduceat(log, starts, axis=0) for log in (log_yes, log_no))
        log_means = np.where(truth, yes, no) - np.log(counts)[:, np.newaxis]
        return float(-log_means.mean())
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = np.repeat(truth.argmax(axis=1), counts)
    log_scores = shifted[np.arange(len(own)), own] - np.log(np.exp(shifted).sum(axis=1))
    return float(-(np.logaddexp.reduceat(log_scores, starts) - np.log(counts)).mean())


def _spread(logits: Doubles, *, multi_label: bool) -> float:
    """The root mean square of what matters of logits: of a softmax, differences within a window."""
    centred = logits if multi_label else logits - logits.mean(axis=1, keepdims=True)
    return float(np.sqrt(np.square(centred).mean()))


def _minimise(function: Callable[[float], float], low: float, high: float) -> float | None:
    """The lowest of many places, then golden sections around it; None if it is at an end."""
    places = np.linspace(low, high, _N_COARSE)
    values = [function(float(place)) for place in places]
    best = int(np.argmin(values))
    if best in (0, _N_COARSE - 1):
        return None
    left, right = float(places[best - 1]), float(places[best + 1])
    first, second = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
    at_first, at_second = function(first), function(second)
    while right - left > _TOLERANCE:
        if at_first <= at_second:
            right, second, at_second = second, first, at_first
            first = right - _GOLDEN * (right - left)
            at_first = function(first)
        else:
            left, first, at_first = first, second, at_second
            second = left + _GOLDEN * (right - left)
            at_second = function(second)
    return (left + right) / 2


def _check(logits: Array, counts: npt.NDArray[np.integer], truth: Truth) -> None:
    fits = logits.ndim == truth.ndim == 2 and logits.shape[1] == truth.shape[1]
    fits = fits and len(counts) == len(truth) >= 1 and bool((counts >= 1).all())
    if not fits or counts.sum() != len(logits):
        raise ParameterError(
            f"logits {logits.shape}, {len(counts)} counts, truth {truth.shape}; expected windows "
            "of one clip or more, and a row of truth for each clip"
        )

"""Mean average precision of two multi-label classifiers on the same clips, and their difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .quant import Array

N_RESAMPLES = 2_000
SEED = 0
CELLS_AT_ONCE = 1 << 22
"""Weights of clips that are held in one piece."""

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedPrecision:
    """The mean average precision of a first and a second classifier, in [0, 1]; 0 if undefined.

    Args:
        values: of the two.
        interval: 95 % interval of the first minus the second.
    """

    values: tuple[float, float]
    interval: tuple[float, float]


def compare_precision(
    truth: Flags, first: Array, second: Array, recordings: Ints
) -> PairedPrecision:
    """Compare two classifiers by the average precision of each class that a clip has, averaged.

    The interval holds the middle 95 % of the differences in `N_RESAMPLES` resamples of the
    recordings, drawn with replacement from a fixed seed, the same ones for both. A class that a
    resample misses is left out of its means.

    Args:
        truth: which classes each clip has, [n, n_classes], n >= 1.
        first: scores, [n, n_classes].
        second: likewise.
        recordings: the number of the recording that each clip is of, [n], from 0 without gaps.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), percentile interval.
    """
    classes = np.flatnonzero(truth.any(axis=0)).tolist()
    if not classes:
        return PairedPrecision((0.0, 0.0), (0.0, 0.0))
    ranked = [[Ranking(truth[:, c], said[:, c]) for c in classes] for said in (first, second)]
    whole = np.ones((1, len(truth)), np.int64)
    values = tuple(float(_mean(rankings, whole)[0]) for rankings in ranked)
    rng = np.random.default_rng(SEED)
    n = int(recordings.max()) + 1
    n_rows = max(1, CELLS_AT_ONCE // len(truth))
    differences = []
    for start in range(0, N_RESAMPLES, n_rows):
        n_here = min(n_rows, N_RESAMPLES - start)
        weights = rng.multinomial(n, np.full(n, 1 / n), size=n_here)[:, recordings]
        differences.append(_mean(ranked[0], weights) - _mean(ranked[1], weights))
    known = np.concatenate(differences)
    low, high = np.quantile(known[~np.isnan(known)], (0.025, 0.975))
    return PairedPrecision((values[0], values[1]), (float(low), float(high)))


class Ranking:
    """The clips in order of one class's score, sorted once for all weights.

    Args:
        truth: which clips have the class, [n].
        scores: of it, [n].
    """

    def __init__(self, truth: Flags, scores: Array) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._truth = truth[self._order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def average_precision(self, weights: Ints) -> Floats:
        """Area under precision over recall as a sum of steps, one for each distinct score.

        Args:
            weights: how often each clip counts, [resamples, n].

        Returns: [resamples]; nan where no clip that counts has the class.
        """
        drawn = weights[:, self._order]
        n_all = drawn.cumsum(axis=1)[:, self._ends]
        n_true = (drawn * self._truth).cumsum(axis=1)[:, self._ends]
        precision = np.divide(n_true, n_all, out=np.zeros(n_all.shape), where=n_all > 0)
        with np.errstate(invalid="ignore"):
            area: Floats = (np.diff(n_true, axis=1, prepend=0) * precision).sum(axis=1) / n_true[
                :, -1
            ]
        return area


def _mean(rankings: list[Ranking], weights: Ints) -> Floats:
    """Over the classes that some clip that counts has; nan where none has."""
    sums, n_known = np.zeros(len(weights)), np.zeros(len(weights))
    for ranking in rankings:
        area = ranking.average_precision(weights)
        known = ~np.isnan(area)
        sums[known] += area[known]
        n_known += known
    unknown = np.full(len(weights), np.nan)
    means: Floats = np.divide(sums, n_known, out=unknown, where=n_known > 0)
    return means

"""Mean average precision of two multi-label classifiers on the same clips, and their difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..quant import Array
from .bootstrap import Drawn, Ints, Kinds, percentile_interval
from .weighted_ranking import Flags, Floats, Ranking, mean_of_known


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

    The interval holds the middle 95 % of the differences in `bootstrap.N_RESAMPLES` resamples of
    the recordings, drawn with replacement from a fixed seed, the same ones for both. A class that a
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
    whole = np.ones((1, len(truth)), np.int32)
    first_value, second_value = (float(_mean(rankings, whole)[0]) for rankings in ranked)
    kinds = Kinds.of(recordings, np.arange(len(truth)))
    differences = []
    for drawn in kinds.draw(len(truth)):
        weights = drawn[:, kinds.of_clips]
        differences.append(_mean(ranked[0], weights) - _mean(ranked[1], weights))
    known = np.concatenate(differences)
    interval = percentile_interval(known[~np.isnan(known)])
    return PairedPrecision((first_value, second_value), interval)


def _mean(rankings: list[Ranking], weights: Drawn) -> Floats:
    """Over the classes that some clip that counts has; nan where none has."""
    return mean_of_known(np.array([ranking.average_precision(weights) for ranking in rankings]))

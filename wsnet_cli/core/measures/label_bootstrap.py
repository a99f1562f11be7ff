"""Bootstrap intervals of the measures of a classifier whose labels are there or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..quant import Array
from .bootstrap import ClassSums, Drawn, Interval, Ints, Kinds, percentile_interval
from .class_bootstrap import Floats, mean_over_classes
from .weighted_ranking import Ranking, mean_of_known

N_SCORES_RANKED = 50_000
"""Clips times classes up to which areas under curves have intervals: a few seconds' work."""


@dataclass(frozen=True)
class LabelBootstrap:
    """95 % intervals by resampling recordings; None where there is only one recording.

    The areas also have None where no class has one, or there are more scores than
    `N_SCORES_RANKED`. A class that a resample happens to miss is left out of that resample's means.
    """

    accuracy: Interval | None = None
    macro_f1: Interval | None = None
    micro_f1: Interval | None = None
    mean_average_precision: Interval | None = None
    mean_auroc: Interval | None = None


def bootstrap_labels(
    truth: NDArray[np.bool_], decided: NDArray[np.bool_], scores: Array, recordings: Ints
) -> LabelBootstrap:
    """Draw recordings again and measure each time; in memory that has a bound.

    Args:
        truth: which classes each clip has, [n, n_classes].
        decided: which it was taken to have, [n, n_classes].
        scores: [n, n_classes].
        recordings: of each clip, [n].
    """
    if int(recordings.max()) == 0:
        return LabelBootstrap()
    n_classes = truth.shape[1]
    kinds = Kinds.of(recordings, np.arange(len(truth)))
    both, there, taken = (
        _pairs(which, kinds, n_classes) for which in (truth & decided, truth, decided)
    )
    right = ClassSums(kinds.of_clips, (truth == decided).all(axis=1).astype(np.int64), 2)
    ranked = truth.size <= N_SCORES_RANKED
    rankings = [Ranking(truth[:, c], scores[:, c]) for c in range(n_classes)] if ranked else []
    blocks = []
    for drawn in kinds.draw(len(truth)):
        n_both, n_below = both.of(drawn), there.of(drawn) + taken.of(drawn)
        n_right = right.of(drawn)
        columns = [
            n_right[:, 1] / n_right.sum(axis=1),
            mean_over_classes(2 * n_both, n_below),
            _share(2 * n_both.sum(axis=1), n_below.sum(axis=1)),
            *_mean_areas(rankings, drawn[:, kinds.of_clips]),
        ]
        blocks.append(np.column_stack(columns))
    return LabelBootstrap(*(_interval(column) for column in np.concatenate(blocks).T))


def _pairs(which: NDArray[np.bool_], kinds: Kinds, n_classes: int) -> ClassSums:
    """Of the pairs of clips and classes that are marked, [n, n_classes]."""
    clips, classes = np.nonzero(which)
    return ClassSums(kinds.of_clips[clips], classes, n_classes)


def _share(above: Ints, below: Ints) -> Floats:
    """[resamples]; nan where there is nothing to divide by."""
    share: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return share


def _interval(samples: Floats) -> Interval | None:
    known = samples[~np.isnan(samples)]
    return percentile_interval(known) if len(known) else None


def _mean_areas(rankings: list[Ranking], weights: Drawn) -> list[Floats]:
    """The means over classes that have an area, [resamples] each; nan where none has."""
    if not rankings:
        return [np.full(len(weights), np.nan)] * 2
    return list(mean_of_known(np.array([ranking.areas(weights) for ranking in rankings])))

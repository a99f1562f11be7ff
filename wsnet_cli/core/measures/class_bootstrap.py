"""Bootstrap intervals of the measures of a classifier that gives each clip one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import ClassSums, Interval, Ints, Kinds, percentile_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassBootstrap:
    """95 % intervals by resampling recordings; None where there is only one recording.

    A class that has no rate in a resample, as it has none of its clips, is left out of its mean.
    """

    accuracy: Interval | None = None
    balanced_accuracy: Interval | None = None
    macro_f1: Interval | None = None


def bootstrap_classes(
    truth: Ints,
    predicted: Ints,
    n_classes: int,
    hits: Sequence[NDArray[np.bool_]],
    recordings: Ints,
) -> tuple[ClassBootstrap, Sequence[Interval | None]]:
    """Draw recordings again and measure each time; in memory that has a bound.

    Args:
        truth: class of each clip, [n].
        predicted: class predicted for each, [n].
        n_classes: how many there are.
        hits: shares of other things than right clips, such as top k, each [n].
        recordings: of each clip, [n].

    Returns: the intervals of the measures, and those of `hits`.
    """
    if int(recordings.max()) == 0:
        return ClassBootstrap(), [None] * len(hits)
    codes = truth * n_classes + predicted
    for hit in hits:
        codes = 2 * codes + hit
    kinds = Kinds.of(recordings, codes)
    rows, true, found = kinds.of_clips, truth[kinds.clips], predicted[kinds.clips]
    right = true == found
    n_right, support, taken = (
        ClassSums(rows[right], true[right], n_classes),
        ClassSums(rows, true, n_classes),
        ClassSums(rows, found, n_classes),
    )
    others = [ClassSums(rows, hit[kinds.clips].astype(np.int64), 2) for hit in hits]
    blocks = []
    for drawn in kinds.draw(len(rows)):
        right_of, support_of, taken_of = (one.of(drawn) for one in (n_right, support, taken))
        n = support_of.sum(axis=1)
        columns = [
            right_of.sum(axis=1) / n,
            mean_over_classes(right_of, support_of),
            mean_over_classes(2 * right_of, support_of + taken_of),
            *(one.of(drawn)[:, 1] / n for one in others),
        ]
        blocks.append(np.column_stack(columns))
    intervals = [percentile_interval(column) for column in np.concatenate(blocks).T]
    return ClassBootstrap(*intervals[:3]), intervals[3:]


def mean_over_classes(above: Ints, below: Ints) -> Floats:
    """The mean of above / below over the classes for which `below` is not 0.

    Args:
        above: [resamples, n_classes].
        below: likewise.

    Returns: [resamples]; nan where there is nothing to take a mean of.
    """
    known = below > 0
    rates = np.divide(above, below, out=np.zeros(above.shape), where=known)
    n = known.sum(axis=1)
    mean: Floats = np.divide(rates.sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
    return mean

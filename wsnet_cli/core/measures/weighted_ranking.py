"""Areas under the curves of one class, for clips that count as often as resamples draw them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..quant import Array

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Weights = NDArray[np.integer]


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

    def average_precision(self, weights: Weights) -> Floats:
        """Area under precision over recall as a sum of steps, one for each distinct score.

        Args:
            weights: how often each clip counts, [resamples, n].

        Returns: [resamples]; nan where no clip that counts has the class.
        """
        return self._precision(*self._counts(weights))

    def areas(self, weights: Weights) -> tuple[Floats, Floats]:
        """The average precision, and the area under the ROC curve.

        Args:
            weights: as in `average_precision`.

        Returns: both [resamples]; the second is nan too where all clips that count have the class.
        """
        n_true, n_all = self._counts(weights)
        n_false = n_all - n_true
        more_true = np.diff(n_true, axis=1, prepend=0)
        more_false = np.diff(n_false, axis=1, prepend=0)
        below = (more_false * (n_true - more_true / 2)).sum(axis=1)
        return self._precision(n_true, n_all), _share(below, n_true[:, -1] * n_false[:, -1])

    def _counts(self, weights: Weights) -> tuple[Floats, Floats]:
        """How many clips of the class, and of all, score at least so much, [resamples, scores]."""
        ordered = weights[:, self._order]
        n_all = ordered.cumsum(axis=1, dtype=np.float64)[:, self._ends]
        ordered *= self._truth
        return ordered.cumsum(axis=1, dtype=np.float64)[:, self._ends], n_all

    @staticmethod
    def _precision(n_true: Floats, n_all: Floats) -> Floats:
        precision = np.divide(n_true, n_all, out=np.zeros(n_all.shape), where=n_all > 0)
        steps = np.diff(n_true, axis=1, prepend=0)
        return _share((steps * precision).sum(axis=1), n_true[:, -1])


def mean_of_known(values: Floats) -> Floats:
    """The mean over classes [n_classes, ...] of what is not nan; nan where nothing is known."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    return _share(np.where(known, values, 0).sum(axis=0), n)


def _share(above: Floats, below: NDArray[np.generic]) -> Floats:
    """The share; nan where there is nothing to divide by."""
    share: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return share

"""What the order of the scores says: the true class among the first k, and areas under curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..quant import Array

TOP_K = (2, 3, 5)
"""How many first classes are looked at, where there are more classes than that."""


def ranks_of_truth(truth: NDArray[np.int64], scores: Array) -> NDArray[np.int64]:
    """The place of the true class among the scores of each clip, from 0, [n].

    Of equal scores the first class comes first, as where the best class is chosen.

    Args:
        truth: class of each clip, [n].
        scores: of each class, [n, n_classes].
    """
    rows = np.arange(len(truth))
    of_truth = scores[rows, truth][:, None]
    before = np.arange(scores.shape[1]) < truth[:, None]
    ahead = (scores > of_truth) | ((scores == of_truth) & before)
    ranks: NDArray[np.int64] = ahead.sum(axis=1)
    return ranks


def average_precision(truth: NDArray[np.bool_], scores: Array) -> float | None:
    """Area under precision over recall as a sum of steps; None where no clip [n] has the class."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores)) if truth.any() else None


def area_under_roc(truth: NDArray[np.bool_], scores: Array) -> float | None:
    """Area under the ROC curve; None where no clip [n] has the class, or all have."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores)) if truth.any() and not truth.all() else None

"""Whether scores can be taken at their word: how often clips of a score are right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quant import Array

N_BINS = 15
"""Equal in width, as in C. Guo et al., arXiv:1706.04599."""
SMALLEST_SCORE = 1e-12
"""Keeps a logarithm finite where a score has rounded to 0."""


@dataclass(frozen=True)
class Bin:
    """Clips whose best score is above `above` and at most `to`.

    Args:
        above: lower bound, in [0, 1).
        to: upper bound, in (0, 1].
        n_clips: how many they are.
        score: their mean best score; None of an empty bin.
        accuracy: the share that is right; None of an empty bin.
    """

    above: float
    to: float
    n_clips: int
    score: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Reliability:
    """How good scores are as probabilities.

    Args:
        negative_log_likelihood: mean of -ln of the score of what is true, in nats, >= 0.
        brier_score: mean squared distance of the scores from 1 of what is true and 0 of all else,
            summed over classes, in [0, 2].
        calibration_error: expected calibration error over `bins`, in [0, 1].
        bins: `N_BINS` of them, ascending: the reliability diagram.

    Of a multi-label model each decision counts, clips times classes: the score is that of the
    class, right means that the clip has it, and likelihood and Brier score are means over classes.
    """

    negative_log_likelihood: float
    brier_score: float
    calibration_error: float
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "negative_log_likelihood": self.negative_log_likelihood,
            "brier_score": self.brier_score,
            "calibration_error": self.calibration_error,
            "reliability": [asdict(one) for one in self.bins],
        }

    @staticmethod
    def unknown_json() -> dict[str, Any]:
        """The same where scores are not known."""
        names = ("negative_log_likelihood", "brier_score", "calibration_error", "reliability")
        return dict.fromkeys(names)


def mean_log_loss(of_truth: NDArray[np.floating[Any]]) -> float:
    """The mean negative logarithm of the scores that were given to what is true, [n] in [0, 1]."""
    return float(-np.log(np.maximum(of_truth, SMALLEST_SCORE)).mean())


def reliability_of_classes(
    truth: NDArray[np.int64], right: NDArray[np.bool_], scores: Array
) -> Reliability:
    """Of a classifier that gives each clip one class.

    Args:
        truth: class of each clip, [n], n >= 1.
        right: whether the best class is the true one, [n].
        scores: of each class, [n, n_classes] in [0, 1].
    """
    of_truth = scores[np.arange(len(truth)), truth].astype(np.float64)
    squares = np.einsum("nc,nc->n", scores, scores, dtype=np.float64)
    bins = _fill_bins(scores.max(axis=1), right)
    return Reliability(
        negative_log_likelihood=mean_log_loss(of_truth),
        brier_score=float((squares - 2 * of_truth + 1).mean()),
        calibration_error=_calibration_error(bins),
        bins=bins,
    )


def reliability_of_decisions(truth: NDArray[np.bool_], scores: Array) -> Reliability:
    """Of a classifier whose classes are there or not, each by itself.

    Args:
        truth: which classes each clip has, [n, n_classes], n >= 1.
        scores: of each class, [n, n_classes] in [0, 1].
    """
    said = scores.astype(np.float64)
    of_truth = np.where(truth, said, 1 - said)
    bins = _fill_bins(scores.ravel(), truth.ravel())
    return Reliability(
        negative_log_likelihood=mean_log_loss(of_truth),
        brier_score=float(((said - truth) ** 2).mean()),
        calibration_error=_calibration_error(bins),
        bins=bins,
    )


def _fill_bins(scores: Array, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Sort scores [n] into bins; one at a bound belongs below it, and 0 into the first bin."""
    wide = scores.astype(np.float64)
    places = np.clip(np.ceil(wide * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    counts = np.bincount(places, minlength=N_BINS)
    score_sums = np.bincount(places, weights=wide, minlength=N_BINS)
    right_sums = np.bincount(places, weights=right, minlength=N_BINS)
    return tuple(
        Bin(
            above=i / N_BINS,
            to=(i + 1) / N_BINS,
            n_clips=int(counts[i]),
            score=float(score_sums[i] / counts[i]) if counts[i] else None,
            accuracy=float(right_sums[i] / counts[i]) if counts[i] else None,
        )
        for i in range(N_BINS)
    )


def expected_calibration_error(scores: Array, right: NDArray[np.bool_]) -> float:
    """The mean over clips of how far the accuracy of their bin is from its mean score, in [0, 1].

    Args:
        scores: of the best class, [n] in [0, 1], n >= 1.
        right: whether it is the true one, [n].

    Source: C. Guo et al., arXiv:1706.04599, equation 3.
    """
    return _calibration_error(_fill_bins(scores, right))


def _calibration_error(bins: tuple[Bin, ...]) -> float:
    n = sum(one.n_clips for one in bins)
    gaps = (
        one.n_clips * abs(one.accuracy - one.score)
        for one in bins
        if one.accuracy is not None and one.score is not None
    )
    return sum(gaps) / n

"""Two classifiers compared on the same clips: whether a difference is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from .bootstrap import Ints

N_RESAMPLES = 10_000
N_AT_ONCE = 500
"""Resamples that are held in one piece."""
SEED = 0

Right = NDArray[np.bool_]
"""Whether each clip was classified right, [seeds, clips]."""


@dataclass(frozen=True)
class Comparison:
    """A first and a second classifier on the same clips; shares in [0, 1].

    Args:
        accuracies: of the two, means over clips and seeds.
        difference: the first accuracy minus the second.
        interval: 95 % interval of the difference, by `bootstrap_difference`.
        p_value: of `mcnemar`, where both have one seed; else None.
        shares: of the seeds by which each clip is right, [2, clips].
    """

    accuracies: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    p_value: float | None
    shares: NDArray[np.float64]

    @property
    def first_better(self) -> NDArray[np.int64]:
        """The clips that the first has right more often."""
        return np.flatnonzero(self.shares[0] > self.shares[1])

    @property
    def second_better(self) -> NDArray[np.int64]:
        """The clips that the second has right more often."""
        return np.flatnonzero(self.shares[1] > self.shares[0])


def compare(first: Right, second: Right, recordings: Ints | None = None) -> Comparison:
    """Compare two classifiers, each trained with one seed or several.

    Args:
        first: of one, [seeds, clips].
        second: of the other, [any seeds, the same clips].
        recordings: number of the recording that each clip is of, 0-based without gaps, [clips];
            None: each clip is one.

    Raises:
        ParameterError: no clip, no seed, or not as many clips.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ParameterError(
            f"right answers of shapes {first.shape} and {second.shape}; "
            "expected [seeds, clips] of as many clips"
        )
    if 0 in (*first.shape, *second.shape):
        raise ParameterError("no clip or no seed to compare; expected at least one of each")
    shares = np.stack([first.mean(axis=0), second.mean(axis=0)])
    accuracies = float(first.mean()), float(second.mean())
    p_value = None
    if len(first) == len(second) == 1:
        n_first = int((first[0] & ~second[0]).sum())
        p_value = mcnemar(n_first, int((second[0] & ~first[0]).sum()))
    return Comparison(
        accuracies,
        accuracies[0] - accuracies[1],
        bootstrap_difference(shares[0] - shares[1], recordings),
        p_value,
        shares,
    )


def mcnemar(n_first: int, n_second: int) -> float:
    """The exact two-sided p-value of McNemar's test, in (0, 1].

    Where two classifiers are equally good, a clip that one of them alone has right is as likely the
    first one's as the second one's: the probability of a division at least as uneven as this one.

    Args:
        n_first: clips that the first alone has right.
        n_second: clips that the second alone has right.

    Raises:
        ParameterError: a count below 0.

    Source: Q. McNemar, Psychometrika 12 (1947), with binomial probabilities in place of chi-square.

    >>> mcnemar(0, 5), mcnemar(3, 3)
    (0.0625, 1.0)
    """
    if min(n_first, n_second) < 0:
        raise ParameterError(f"counts {n_first} and {n_second}; expected 0 or more")
    n = n_first + n_second
    term = total = 1  # ways to choose 0 of n; whole numbers, so nothing is rounded
    for k in range(min(n_first, n_second)):
        term = term * (n - k) // (k + 1)
        total += term
    return min(1.0, 2 * total / (1 << n))


def bootstrap_difference(
    differences: NDArray[np.float64], recordings: Ints | None = None
) -> tuple[float, float]:
    """95 % interval of a mean of paired differences, by resampling the recordings.

    `N_RESAMPLES` times as many recordings are drawn, with replacement, from a fixed seed; the
    interval holds the middle 95 % of the means over their clips. A clip stays with both classifiers
    and all seeds of them, so it speaks of other recordings of the same kind, not of other seeds.
    Classifiers that change places mirror it exactly.

    Args:
        differences: of each clip, [clips], at least one.
        recordings: as in `compare`.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), percentile interval.
    """
    if recordings is None:
        recordings = np.arange(len(differences))
    sizes = np.bincount(recordings)
    sums = np.bincount(recordings, weights=differences).astype(np.float64)
    # Only how often each kind of recording is drawn matters, which is multinomial; kinds are few.
    kinds, counts = np.unique(np.stack([sums, sizes], axis=1), axis=0, return_counts=True)
    mirrored, mirrored_counts = np.unique(
        np.stack([-sums, sizes], axis=1), axis=0, return_counts=True
    )
    one, other = _order_of(kinds, counts), _order_of(mirrored, mirrored_counts)
    # The same draws whoever is first: those of the difference that is not above 0.
    low, high = _middle(kinds, counts) if one <= other else _middle(mirrored, mirrored_counts)
    if one == other:
        return (low - high) / 2 + 0.0, (high - low) / 2
    return (low, high) if one < other else (-high + 0.0, -low + 0.0)


_Order = tuple[float, list[list[float]], list[int]]


def _order_of(kinds: NDArray[np.float64], counts: NDArray[np.int64]) -> _Order:
    return float(counts @ kinds[:, 0]), kinds.tolist(), counts.tolist()


def _middle(kinds: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Where the middle 95 % of the means of recordings drawn again lie; [sum, clips] each kind."""
    n = int(counts.sum())
    rng = np.random.default_rng(SEED)
    means = []
    for start in range(0, N_RESAMPLES, N_AT_ONCE):
        n_here = min(N_AT_ONCE, N_RESAMPLES - start)
        above, below = (rng.multinomial(n, counts / n, size=n_here) @ kinds).T
        means.append(above / below)
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)

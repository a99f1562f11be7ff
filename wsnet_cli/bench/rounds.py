"""Timing that holds on a busy machine: rounds in which everything runs once, in random order.

Whatever else the machine does hits all that is measured alike, so the ratio of two times of one
round says more than the times do.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

MIN_SAMPLE_S = 0.01
"""A sample is as many calls as take at least so long, so that all are disturbed about equally."""
MAX_CALLS = 10_000
"""The most calls of a sample, for what takes no time at all."""
WARM_UP_ROUNDS = 3
"""Rounds that are run and not counted."""
SPREAD = (5, 95)
"""Percentiles between which nine rounds of ten lie."""

K = TypeVar("K", bound=Hashable)
Advance = Callable[[float, str], None]
"""Told the share done, in [0, 1], and a few words."""


@dataclass(frozen=True)
class Timing:
    """What was measured of one call.

    Args:
        n_calls: in each sample.
        seconds: [n_rounds] float64, the time of one call in each round.
    """

    n_calls: int
    seconds: npt.NDArray[np.float64]

    @property
    def median_s(self) -> float:
        """The middle one of the rounds."""
        return float(np.median(self.seconds))

    @property
    def quartiles_s(self) -> tuple[float, float]:
        """Between them lies half of the rounds."""
        low, high = np.percentile(self.seconds, [25, 75])
        return float(low), float(high)


@dataclass(frozen=True)
class Ratio:
    """How many times longer something takes than the reference, round by round."""

    median: float
    low: float
    high: float


def paired_ratio(seconds: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]) -> Ratio:
    """The ratios of times of the same round: their median, and where nine of ten lie.

    >>> paired_ratio(np.array([2.0, 6.0, 4.0]), np.array([1.0, 3.0, 2.0])).median
    2.0
    """
    ratios = seconds / reference
    low, high = np.percentile(ratios, SPREAD)
    return Ratio(float(np.median(ratios)), float(low), float(high))


def time_rounds(
    calls: Mapping[K, Callable[[], object]],
    n_rounds: int,
    seed: int = 0,
    advance: Advance = lambda share, words: None,
    *,
    clock: Callable[[], float] = perf_counter,
) -> dict[K, Timing]:
    """Time every call once a round, in an order that is drawn anew for each round.

    Python collects no garbage meanwhile.

    Args:
        calls: what is measured; each has run before.
        n_rounds: that are counted, after WARM_UP_ROUNDS.
        seed: of the orders.
        advance: told after each round.
        clock: seconds.
    """
    keys = list(calls)
    rng = np.random.default_rng(seed)
    seconds: dict[K, list[float]] = {key: [] for key in keys}
    with _no_garbage_collection():
        counts = {key: _count_calls(call, clock) for key, call in calls.items()}
        for number in range(WARM_UP_ROUNDS + n_rounds):
            for i in rng.permutation(len(keys)):
                key = keys[i]
                taken = _sample(calls[key], counts[key], clock)
                if number >= WARM_UP_ROUNDS:
                    seconds[key].append(taken)
            advance((number + 1) / (WARM_UP_ROUNDS + n_rounds), f"round {number + 1}")
    return {key: Timing(counts[key], np.array(seconds[key])) for key in keys}


def _sample(call: Callable[[], Any], n_calls: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(n_calls):
        call()
    return (clock() - started) / n_calls


def _count_calls(call: Callable[[], Any], clock: Callable[[], float]) -> int:
    """Calls for one sample, by the fastest of three."""
    fastest = min(_sample(call, 1, clock) for _ in range(3))
    return MAX_CALLS if fastest <= 0 else min(MAX_CALLS, math.ceil(MIN_SAMPLE_S / fastest))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

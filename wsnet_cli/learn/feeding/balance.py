"""Classes of unlike size: drawing them equally often, or weighing them, and saying so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.quant import Array
from ...core.quoting import quoted

Positions = NDArray[np.int64]
"""Places among the training clips."""
Counts = NDArray[np.int64]
"""Training clips of each class."""

FEWEST_CLIPS = 2
"""A class with fewer clips to train on is warned of: one clip shows nothing of what varies."""
_MOST_NAMED = 5


class ClassTable:
    """The training clips, class by class.

    Args:
        classes: the class of each training clip, >= 0.
        clips: whose class each of these is, where a clip may have several; None: they are in order.

    Attributes:
        order: positions of the clips, those of one class together.
        present: the classes that have a clip, ascending.
        starts: where each of these begins in `order`.
        counts: how many clips each of these has, >= 1.
        ranks: for each of `classes`, its place in `present`.
    """

    def __init__(self, classes: Sequence[int] | Positions, clips: Positions | None = None) -> None:
        numbers = np.asarray(classes, np.int64)
        order: Positions = np.argsort(numbers, kind="stable")
        self.order = order if clips is None else clips[order]
        self.present, self.ranks, self.counts = np.unique(
            numbers, return_inverse=True, return_counts=True
        )
        self.starts: Positions = np.cumsum(self.counts) - self.counts

    def clips_of(self, rank: int) -> Positions:
        """The clips of the class at a place of `present`."""
        start = int(self.starts[rank])
        return self.order[start : start + int(self.counts[rank])]


def balanced_order(
    table: ClassTable, n_draws: int, epoch: int, shuffler: Callable[..., np.random.Generator]
) -> Positions:
    """The clips of an epoch in which every class is drawn equally often, give or take one.

    Draws are dealt to the classes in turn, on and on through the epochs. A class takes its clips in
    rounds, each shuffled by itself, and goes on in the next epoch where it stopped: no clip is
    drawn twice before all of its class were drawn once.

    Args:
        table: the clips.
        n_draws: in an epoch, >= 1.
        epoch: 0-based.
        shuffler: gives the generator of the shuffle with these numbers.

    Returns: positions [n_draws], shuffled.
    """
    n_classes = len(table.present)
    parts = []
    for rank in range(n_classes):
        clips = table.clips_of(rank)
        # Dealt in turn, the class at `rank` has had ceil((n - rank) / n_classes) of n draws.
        first, end = (-((rank - n_draws * e) // n_classes) for e in (epoch, epoch + 1))
        rounds = [
            shuffler(rank, number).permutation(clips)
            for number in range(first // len(clips), -(-end // len(clips)))
        ]
        if rounds:
            skipped = first // len(clips) * len(clips)
            parts.append(np.concatenate(rounds)[first - skipped : end - skipped])
    return shuffler(n_classes, epoch).permutation(np.concatenate(parts))


def count_classes(classes: Sequence[int], n_classes: int) -> Counts:
    """How many clips each class has, [n_classes].

    >>> count_classes([0, 2, 2], 4).tolist()
    [1, 0, 2, 0]
    """
    return np.bincount(np.asarray(classes, np.int64), minlength=n_classes)


def class_weights(counts: Counts) -> Array:
    """Weights [n_classes] float32, inverse to the counts, whose mean over the clips is 1.

    A class without clips has the weight 0.

    >>> class_weights(np.array([2, 6, 0])).tolist()
    [2.0, 0.6666666865348816, 0.0]
    """
    weights: Array = np.zeros(len(counts), np.float32)
    total = counts.sum() / np.count_nonzero(counts)
    np.divide(total, counts, out=weights, where=counts > 0, casting="same_kind")
    return weights


def describe_balance(balance: str, counts: Counts, n_draws: int) -> str:
    """Say in one line how unlike the classes are in size, and what is done about it.

    Args:
        balance: as the configuration has it.
        counts: training clips of each class.
        n_draws: of an epoch.

    >>> describe_balance("sampling", np.array([3, 1]), 4)
    'balance: 1 to 3 training clips a class; each class is drawn 2 times an epoch (sampling)'
    """
    what = f"balance: {_span(int(counts.min()), int(counts.max()))} training clips a class"
    if balance == "sampling":
        fewest, rest = divmod(n_draws, int(np.count_nonzero(counts)))
        times = _span(fewest, fewest + (rest > 0))
        return f"{what}; each class is drawn {times} times an epoch (sampling)"
    if balance == "weights":
        weights = class_weights(counts[counts > 0])
        return f"{what}; their losses weigh {weights.max():.3g} to {weights.min():.3g} (weights)"
    return f"{what}; drawn as often as they come (none)"


def warn_few_clips(labels: Sequence[str], counts: Counts) -> list[str]:
    """Name the classes with too few training clips to learn from, in one line; none if all have.

    Args:
        labels: the classes.
        counts: training clips of each.

    >>> warn_few_clips(["cat", "dog", "emu"], np.array([1, 2, 0]))
    ["class 'cat' has 1 clip to train on, class 'emu' 0: too few to learn what varies; add some"]
    """
    few = np.flatnonzero(counts < FEWEST_CLIPS).tolist()
    if not few:
        return []
    first, *others = few[:_MOST_NAMED]
    n_clips = int(counts[first])
    line = f"class {quoted(labels[first])} has {n_clips} clip{'s' * (n_clips != 1)} to train on"
    line += "".join(f", class {quoted(labels[i])} {counts[i]}" for i in others)
    if len(few) > _MOST_NAMED:
        line += f", and {len(few) - _MOST_NAMED} more classes"
    return [f"{line}: too few to learn what varies; add some"]


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"

"""Bits for each layer: where they cost least in accuracy, under a limit in bytes.

A layer's loss at some bits is taken to be its own, so that losses add up. Then the allocations that
no other beats in both bytes and loss are found exactly, layer by layer, and a limit picks one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

Allocation = tuple[int, ...]
"""Bits of each weighted layer, in the order of the network."""
Floats = NDArray[np.float64]
MOST_POINTS = 1 << 15
"""Allocations that are kept while layers are added. Eight layers of four choices have 65,536 in
all, of which few are on the frontier; where there are more, close neighbours are left out."""


@dataclass(frozen=True)
class Choice:
    """A layer at so many bits: what that takes, and what it costs.

    Args:
        bits: of each weight.
        n_bytes: that its weights then take, as a rule before they are written; >= 0.
        loss: how much worse the network becomes, in any unit that adds up over layers; >= 0.
    """

    bits: int
    n_bytes: float
    loss: float


def in_order(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """The choices of a layer from few bits to many, of which more never take less or cost more.

    What is measured may say otherwise by chance: a choice then takes as much as those of fewer
    bits, and loses as much as those of more.

    Raises:
        ParameterError: there is none, two have as many bits, or a number is not finite or below 0.

    >>> [c.loss for c in in_order([Choice(8, 8, 0.2), Choice(4, 4, 0.1)])]
    [0.2, 0.2]
    """
    ordered = sorted(choices, key=lambda choice: choice.bits)
    numbers = np.array([(c.n_bytes, c.loss) for c in ordered], np.float64).reshape(-1, 2)
    if not ordered or len({c.bits for c in ordered}) < len(ordered):
        raise ParameterError(f"choices {ordered}; expected one or more that differ in bits")
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise ParameterError(f"choices {ordered}; expected finite numbers of 0 or more")
    sizes = np.maximum.accumulate(numbers[:, 0])
    losses = np.maximum.accumulate(numbers[::-1, 1])[::-1]
    return tuple(
        Choice(choice.bits, float(size), float(loss))
        for choice, size, loss in zip(ordered, sizes, losses, strict=True)
    )


def best_allocations(layers: Sequence[Sequence[Choice]]) -> list[Allocation]:
    """Every allocation that no other beats, from the smallest to the largest.

    The first has the fewest bits everywhere, the last the most; from one to the next bytes rise and
    the sum of losses falls, but to the last and from the first, where either may stay. The same for
    the same choices, always.

    Args:
        layers: the choices of each, in any order; `in_order` is applied.

    Raises: ParameterError: as `in_order`; or there is no layer.
    """
    if not layers:
        raise ParameterError("no layers; expected one or more")
    ordered = [in_order(choices) for choices in layers]
    sizes, losses = np.zeros(1), np.zeros(1)
    taken = np.zeros((1, 0), np.int64)
    for choices in ordered:
        numbers = np.arange(len(choices))
        of_layer = np.array([(c.n_bytes, c.loss) for c in choices])
        sizes = (sizes[:, np.newaxis] + of_layer[:, 0]).ravel()
        losses = (losses[:, np.newaxis] + of_layer[:, 1]).ravel()
        taken = np.hstack(
            [taken.repeat(len(choices), axis=0), np.tile(numbers, len(taken))[:, np.newaxis]]
        )
        kept = _thinned(_undominated(sizes, losses))
        sizes, losses, taken = sizes[kept], losses[kept], taken[kept]
    least = tuple(choices[0].bits for choices in ordered)
    most = tuple(choices[-1].bits for choices in ordered)
    found = [
        tuple(choices[i].bits for choices, i in zip(ordered, row, strict=True))
        for row in taken.tolist()
    ]
    # Where more bits gain nothing, the ends are not among them.
    return list(dict.fromkeys([least, *found, most]))


def choose(
    allocations: Sequence[Allocation], limit: int, size_of: Callable[[Allocation], int]
) -> Allocation | None:
    """The best allocation whose size is within the limit; None where not even the first is.

    Found by halving, so that few sizes are asked for. Sizes are those of real files, which follow
    the expected ones nearly, not exactly: what is chosen may then be a neighbour of the best. A
    larger limit never chooses an earlier allocation, and what is chosen is always within it.

    Args:
        allocations: as `best_allocations` gives them.
        limit: in bytes.
        size_of: what an allocation takes in bytes.
    """
    if size_of(allocations[-1]) <= limit:
        return allocations[-1]
    if size_of(allocations[0]) > limit:
        return None
    fits, fails = 0, len(allocations) - 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if size_of(allocations[middle]) <= limit:
            fits = middle
        else:
            fails = middle
    return allocations[fits]


def _undominated(sizes: Floats, losses: Floats) -> NDArray[np.int64]:
    """Numbers of the pairs that no other is at most as large as in both, by ascending size."""
    order = np.lexsort((losses, sizes))
    falling = losses[order]
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], falling[:-1]]))
    return order[falling < best_before]


def _thinned(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `MOST_POINTS` of them, evenly, both ends included."""
    if len(numbers) <= MOST_POINTS:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, MOST_POINTS).round().astype(np.int64)]

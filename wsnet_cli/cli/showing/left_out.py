"""What of the data was left out, for people: not more lines than one reads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from . import console

if TYPE_CHECKING:
    from ...data.dataset import Failure

MOST_SHOWN = 20
"""Clips or inputs of one kind that are named on stderr."""


def warn_left_out(failures: Iterable[Failure]) -> None:
    """Warn of each of the first few, and say how many there are beside them."""
    waiting = iter(failures)
    for failure in islice(waiting, MOST_SHOWN):
        console.warn(f"left out: {failure.name}: {failure.reason}")
    n_more = sum(1 for _ in waiting)
    if n_more:
        console.warn(f"left out: {n_more} more")

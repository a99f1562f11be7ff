"""`wsnet evaluate --against`: two runs, or several over folds and seeds, on the same clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import console

if TYPE_CHECKING:
    from ..bulk.side_by_side import SideBySide

NAMED_AT_MOST = 10
"""Clips that -v names on either side; --json has all."""


def evaluate_against(first: Path, second: Path, json: bool) -> None:
    """Show how two runs differ on the clips that both held out."""
    from ..bulk.side_by_side import put_side_by_side

    found = put_side_by_side(first, second)
    if json:
        console.print_json(found.as_json())
    else:
        _show(found)


def _show(found: SideBySide) -> None:
    compared = found.comparison
    sides = (found.first, found.second)
    better = (compared.first_better, compared.second_better)
    rows = [
        (str(side.folder), str(len(side.right)), f"{100 * accuracy:.1f}", str(len(clips)))
        for side, accuracy, clips in zip(sides, compared.accuracies, better, strict=True)
    ]
    console.print_table(("run", "seeds", "accuracy %", "clips better"), rows, numbers=(1, 2, 3))
    for side, clips in zip(sides, better, strict=True):
        names = [key.clip for key in side.labels]
        for i in clips[:NAMED_AT_MOST]:
            console.detail(f"better with {side.folder}: {names[i]}")
    low, high = compared.interval
    console.result(
        f"difference {100 * compared.difference:+.1f} % of {len(found.first.labels)} clips "
        f"(95 % interval {100 * low:+.1f} to {100 * high:+.1f} %){_say_p(compared.p_value)}"
    )


def _say_p(p_value: float | None) -> str:
    return "" if p_value is None else f", McNemar's test p = {p_value:.3g}"

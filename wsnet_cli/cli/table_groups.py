"""Which columns of a table stand side by side on a terminal that is too narrow for all of them."""

from __future__ import annotations

from collections.abc import Sequence

FOLDED_TO = 24
"""Letters to which a column of words may be folded before columns move below the others."""
GAP = 3
"""Letters between two columns; one of them stands left of the first, and one right of the last."""


def least_widths(longest: Sequence[int], words: Sequence[int], numbers: Sequence[int]) -> list[int]:
    """The width below which no column should be folded.

    Args:
        longest: letters of the longest cell of each column.
        words: letters of the longest word in each column's heading, which folds between words.
        numbers: columns that never fold.
    """
    return [
        max(word, most if i in numbers else min(most, FOLDED_TO))
        for i, (word, most) in enumerate(zip(words, longest, strict=True))
    ]


def fitted_widths(whole: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Widths of columns side by side: whole where there is room, else the widest give way.

    Args:
        whole: width of each column with nothing folded.
        least: below which one only goes if none has more than that, and never the first.
        width: of the terminal.
    """
    widths = list(whole)
    while _needed(widths) > width:
        giving = [i for i, (now, low) in enumerate(zip(widths, least, strict=True)) if now > low]
        giving = giving or [i for i in range(1, len(widths)) if widths[i] > 1]
        if not giving:
            break
        widths[max(giving, key=lambda i: widths[i])] -= 1
    return widths


def column_groups(least: Sequence[int], width: int) -> list[tuple[int, ...]]:
    """Columns, each group as wide as the terminal at most, and all with the first column.

    There is one group where all fit, or where the first column alone takes half of the width. A
    column that is too wide beside the first stands there alone.

    Args:
        least: width of each column.
        width: of the terminal.
    """
    all_columns = tuple(range(len(least)))
    if len(least) < 3 or _needed(least) <= width or least[0] > width // 2:
        return [all_columns]
    groups: list[tuple[int, ...]] = [(0,)]
    for i in all_columns[1:]:
        group = groups[-1]
        if len(group) > 1 and _needed([least[k] for k in (*group, i)]) > width:
            groups.append((0, i))
        else:
            groups[-1] = (*group, i)
    return groups


def _needed(least: Sequence[int]) -> int:
    return sum(least) + GAP * len(least) - 1

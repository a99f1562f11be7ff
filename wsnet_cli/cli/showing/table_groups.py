"""Which columns of a table stand side by side on a terminal that is too narrow for all of them."""

from __future__ import annotations

from collections.abc import Sequence

FOLDED_TO = 24
"""Letters to which a column of words may be folded before columns move below the others."""
NARROWEST = 2
"""Letters of a column below which it shows nothing: one that is as wide as two takes both."""
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
        least: below which first the first column goes, to a third of the terminal, and only then
            any other.
        width: of the terminal.
    """
    widths = [min(wide, width) for wide in whole]
    for floors in (least, _first_folded(least, width), [NARROWEST] * len(least)):
        while _needed(widths) > width:
            giving = [
                i for i, (now, low) in enumerate(zip(widths, floors, strict=True)) if now > low
            ]
            if not giving:
                break
            widths[max(giving, key=lambda i: widths[i])] -= 1
    return widths


def n_telling(rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> int:
    """How many columns, from the first, tell all rows apart; 1 where columns of words do not.

    >>> n_telling([("a", "x", "1"), ("a", "y", "1")], numbers=[2])
    2
    """
    for n in range(1, max(map(len, rows), default=0)):
        if n > 1 and n - 1 in numbers:
            break
        if len({tuple(row[:n]) for row in rows}) == len(rows):
            return n
    return 1


def column_groups(least: Sequence[int], width: int, n_first: int = 1) -> list[tuple[int, ...]]:
    """Columns, each group as wide as the terminal at most, and all with the first columns.

    There is one group where all fit. The first column is folded where it would take more than a
    third of a terminal that is too narrow. Where any column is too wide beside the first ones, all
    stand beside the very first, and one that is too wide there too stands there alone.

    Args:
        least: width of each column.
        width: of the terminal.
        n_first: columns that are to be in every group, >= 1.
    """
    if len(least) < 3 or _needed(least) <= width:
        return [tuple(range(len(least)))]
    folded = _first_folded(least, width)
    first = tuple(range(n_first))
    if any(_needed([*folded[:n_first], wide]) > width for wide in folded[n_first:]):
        first = (0,)
    groups = [first]
    for i in range(len(first), len(least)):
        group = groups[-1]
        if len(group) > len(first) and _needed([folded[k] for k in (*group, i)]) > width:
            groups.append((*first, i))
        else:
            groups[-1] = (*group, i)
    return groups


def _first_folded(least: Sequence[int], width: int) -> list[int]:
    return [min(least[0], max(NARROWEST, width // 3)), *least[1:]] if least else []


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * len(widths) - 1

"""Which class was taken for which, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .figures import INK, make_svg, short_name

Image = NDArray[np.float64]

MOST_NUMBERED = 16
"""Classes up to which every cell that is not empty has its count."""
MOST_NAMED = 24
"""Classes up to which rows and columns have names; beyond, they have numbers."""
RIGHT, WRONG = "#0d6573", "#b04a06"
"""Cells on the diagonal and beside it: white figures stand out on both, at 5.4 to 1 or more."""
LIGHT = "#fcfcfc"
"""Of figures in strong cells: not quite the white of paper, which turns dark where the page is."""
LEAST_SHADE = 0.12
"""Of a cell with a single clip: it must be seen among many."""
INK_UP_TO = 0.75
"""Shade up to which figures in a cell are in ink: at least 3.8 to 1 on either paper."""
NAME_LETTERS = 18
MOST_LEVEL_LETTERS = 36
"""Beside one another under all columns; longer names are turned."""
STEPS = tuple(digit * 10**power for power in range(9) for digit in (1, 2, 5))
"""From one class that has a number at its side to the next."""
MOST_TICKS = 20


def draw_heat_map(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> bytes:
    """The confusion matrix as SVG; the larger its share of its row, the stronger a cell.

    Args:
        labels: of the classes.
        matrix: clips of each class (rows) that were taken for each (columns), in their order.
    """
    counts = np.asarray(matrix, np.int64)
    n = len(labels)
    side = 4.8 if n <= MOST_NUMBERED else 6.4

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(_cells(counts), interpolation="none", aspect="equal")
        if n <= MOST_NUMBERED:
            _write_counts(axes, counts)
        if n <= MOST_NAMED:
            _name_classes(axes, labels)
        else:
            _number_classes(axes, n)
        axes.set_xlabel("taken for")
        axes.set_ylabel("class")
        axes.tick_params(length=0)

    return make_svg((side, side), paint, paper=False)


def shades(counts: NDArray[np.int64]) -> Image:
    """How strong each cell is, [n, n] in [0, 1]: 0 where it is empty, 1 where it holds its row.

    By the root of its share of the row, which makes rare mistakes visible.
    """
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.sqrt(counts / np.maximum(rows, 1))
    return np.where(counts > 0, LEAST_SHADE + (1 - LEAST_SHADE) * shares, 0.0)


def _cells(counts: NDArray[np.int64]) -> Image:
    """Colours with alpha, so that the paper shows through whatever it is."""
    n = len(counts)
    cells = np.empty((n, n, 4))
    cells[..., :3] = to_rgb(WRONG)
    cells[np.arange(n), np.arange(n), :3] = to_rgb(RIGHT)
    cells[..., 3] = shades(counts)
    return cells


def _write_counts(axes: Axes, counts: NDArray[np.int64]) -> None:
    strength = shades(counts)
    size = 10 if len(counts) <= 10 else 8
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = LIGHT if strength[row, column] > INK_UP_TO else INK
        words = f"{counts[row, column]}"
        axes.text(column, row, words, color=colour, ha="center", va="center", size=size)


def _name_classes(axes: Axes, labels: Sequence[str]) -> None:
    places, names = range(len(labels)), [short_name(label, NAME_LETTERS) for label in labels]
    size = 10 if len(labels) <= MOST_NUMBERED else 9
    n_letters = len(names) * max(map(len, names))
    turn = 90 if n_letters > MOST_LEVEL_LETTERS else 0
    axes.set_xticks(places, names, rotation=turn, size=size, parse_math=False)
    axes.set_yticks(places, names, size=size, parse_math=False)
    _rule(axes, len(labels))


def _number_classes(axes: Axes, n: int) -> None:
    step = next(step for step in STEPS if n / step <= MOST_TICKS)
    places = [number - 1 for number in range(step, n + 1, step)]
    words = [str(place + 1) for place in places]
    axes.set_xticks(places, words)
    axes.set_yticks(places, words)


def _rule(axes: Axes, n: int) -> None:
    """Thin lines between the cells."""
    edges = np.arange(n + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)

"""Whether scores are what they say, as a picture: the share that is right, by score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figures import GREY, ORANGE, TEAL, make_svg

INCHES = 4.6, 4.4

Bins = Sequence[Mapping[str, Any]]


def draw_reliability(bins: Bins, what: str = "clips") -> bytes:
    """The reliability diagram as SVG, and below it how many clips have which score.

    A bar above the diagonal is of clips that are more often right than their scores say.

    Args:
        bins: as `core.measures.reliability.Reliability.as_json` gives them.
        what: they count, in the plural.
    """

    def paint(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _draw_rates(above, bins)
        _draw_counts(below, bins)
        above.set_ylabel(f"{what} that are right, %")
        below.set_ylabel(what)

    return make_svg(INCHES, paint, paper=False)


def _draw_rates(axes: Axes, bins: Bins) -> None:
    axes.plot([0, 100], [0, 100], "--", color=GREY, linewidth=1)
    for found in bins:
        if found["accuracy"] is None:
            continue
        left, right = 100 * found["above"], 100 * found["to"]
        rate = 100 * found["accuracy"]
        axes.bar(left, rate, width=right - left, align="edge", color=TEAL, alpha=0.35, linewidth=0)
        axes.plot([left, right], [rate, rate], color=TEAL, linewidth=2)
        axes.plot(100 * found["score"], rate, "o", color=ORANGE, markersize=4)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 103)
    axes.grid()


def _draw_counts(axes: Axes, bins: Bins) -> None:
    for found in bins:
        width = 100 * (found["to"] - found["above"])
        left = 100 * found["above"] + 0.05 * width
        axes.bar(left, found["n_clips"], width=0.9 * width, align="edge", color=GREY)
    axes.set_xlabel("score, %")
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.grid(axis="y")

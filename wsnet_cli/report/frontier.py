"""Accuracy against kilobytes, as a picture: sampled, narrow and dense networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..core.sizes.frontier import DENSE, KB, KINDS, NARROW, SAMPLED, FrontierPoint, points_of
from .figures import GREY, ORANGE, TEAL, make_svg

INCHES = 7.2, 4.4
LABEL_POINTS = 9
"""Between a name and the point that it stands at."""
ROOM = 1.6
"""By how much the axis of sizes goes on beyond the last point, for its name."""


@dataclass(frozen=True)
class _Look:
    """Told apart in print too: by marker and line."""

    colour: str
    marker: str
    line: str


_LOOKS = {
    SAMPLED: _Look(TEAL, "o", "-"),
    NARROW: _Look(ORANGE, "s", "--"),
    DENSE: _Look(GREY, "D", ":"),
}


def draw_frontier(points: Sequence[FrontierPoint], n_clips: int) -> bytes:
    """The picture as SVG; bars are 95 % intervals.

    Args:
        points: at least one.
        n_clips: that they were measured on.
    """

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for kind in KINDS:
            if found := points_of(kind, points):
                _draw_kind(axes, kind, found, points)
        _finish(axes, points, n_clips)

    return make_svg(INCHES, paint)


def _draw_kind(
    axes: Axes, kind: str, points: list[FrontierPoint], everything: Sequence[FrontierPoint]
) -> None:
    look = _LOOKS[kind]
    sizes = [point.kilobytes for point in points]
    rates = [100 * point.accuracy for point in points]
    below = [100 * (point.accuracy - point.interval[0]) for point in points]
    above = [100 * (point.interval[1] - point.accuracy) for point in points]
    axes.plot(sizes, rates, look.line, color=look.colour, linewidth=1.6)
    axes.errorbar(
        sizes,
        rates,
        # A bound and the rate itself may differ in the last bit, where all clips are right.
        yerr=[[max(0.0, length) for length in lengths] for lengths in (below, above)],
        fmt=look.marker,
        color=look.colour,
        markersize=6,
        elinewidth=1,
        capsize=3,
    )
    last = points[-1]
    right, up = (-1, 1) if kind == DENSE else (1, 1 if _is_best(last, everything) else -1)
    axes.annotate(
        f"{kind} {100 * last.accuracy:.1f} %",
        (last.kilobytes, 100 * last.accuracy),
        xytext=(right * LABEL_POINTS, up * LABEL_POINTS),
        textcoords="offset points",
        color=look.colour,
        va="center",
        ha="left" if right > 0 else "right",
        weight="bold",
    )


def _is_best(last: FrontierPoint, points: Sequence[FrontierPoint]) -> bool:
    """Whether the largest sampled or narrow network is at least as good as that of the other."""
    others = (points_of(kind, points) for kind in (SAMPLED, NARROW) if kind != last.kind)
    return all(last.accuracy >= found[-1].accuracy for found in others if found)


def _finish(axes: Axes, points: Sequence[FrontierPoint], n_clips: int) -> None:
    axes.set_xscale("log")
    sizes = sorted({point.max_bytes or point.n_bytes for point in points})
    ticks = [size / KB for size in sizes]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:,.4g}")
    axes.set_xlim(min(ticks) / 1.2, max(ticks) * ROOM)
    axes.set_xlabel("8-bit model file, KB (1,000 bytes)")
    axes.set_ylabel(f"accuracy on {n_clips:,} held-out clips, %")
    axes.grid(axis="y")

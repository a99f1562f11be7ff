"""What becomes of clips when low scores are not told, as a picture: against the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core.percent import exact
from .figures import GREY, INK, ORANGE, TEAL, make_svg

INCHES = 4.6, 4.4
LOOKS = ((TEAL, "-"), (GREY, "--"), (ORANGE, ":"))
"""Of curves by their place: told apart in print too."""


@dataclass(frozen=True)
class Curve:
    """A share in [0, 1] at each threshold in [0, 1]; None where it is not defined."""

    name: str
    thresholds: Sequence[float]
    shares: Sequence[float | None]


def draw_thresholds(curves: Sequence[Curve], stored: float | None = None) -> bytes:
    """Shares against the threshold, as SVG.

    Args:
        curves: one to three.
        stored: the threshold of the model, drawn as a line; None where it has none.
    """

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for curve, (colour, line) in zip(curves, LOOKS, strict=False):
            _draw(axes, curve, colour, line)
        if stored is not None:
            axes.axvline(100 * stored, color=INK, linewidth=1, label=f"stored: {exact(stored)} %")
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 103)
        axes.set_xlabel("least score that is told, %")
        axes.set_ylabel("%")
        axes.grid()
        figure.legend(loc="outside upper left", ncols=2, frameon=False, handlelength=2.6)

    return make_svg(INCHES, paint, paper=False)


def _draw(axes: Axes, curve: Curve, colour: str, line: str) -> None:
    pairs = zip(curve.thresholds, curve.shares, strict=True)
    known = [(100 * threshold, 100 * share) for threshold, share in pairs if share is not None]
    at, shares = [x for x, _ in known], [y for _, y in known]
    axes.plot(at, shares, line, color=colour, linewidth=1.8, label=curve.name)

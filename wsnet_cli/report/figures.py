"""How pictures look: one style, readable in print, and on a light and a dark page."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..core.quoting import shown

INK, PAPER, FAINT = "#1f2328", "#ffffff", "#d1d9e0"
DARK = {INK: "#e6edf3", PAPER: "#0d1117", FAINT: "#3d444d"}
"""What they become where the reader's page is dark."""
TEAL, ORANGE, GREY = "#1a8fa3", "#c2570c", "#7d8590"
"""Of what is drawn: at least 3.6 to 1 against both papers."""
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "wsnet",
}
"""Text stays text, and names within the file do not change from one drawing to the next. Newer
matplotlib types its keys one by one."""


def make_svg(
    inches: tuple[float, float], paint: Callable[[Figure], None], *, paper: bool = True
) -> bytes:
    """A picture in the common style; the same drawing gives the same bytes.

    Args:
        inches: width and height.
        paint: draws on an empty figure.
        paper: whether the picture has a ground of its own; else that of the page shows through.
    """
    content = io.BytesIO()
    ground: dict[Any, Any] = (
        {} if paper else {"figure.facecolor": "none", "savefig.facecolor": "none"}
    )
    with mpl.rc_context({**STYLE, **ground}):
        figure = Figure(figsize=inches, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        with warnings.catch_warnings():
            # Only measured with the missing letters: they are drawn by whoever shows the picture.
            warnings.filterwarnings("ignore", r"Glyph .* missing", UserWarning)
            figure.savefig(content, format="svg", metadata={"Date": None})
    return _follow_the_page(content.getvalue().decode()).encode()


def short_name(name: str, n_letters: int) -> str:
    """A name as it can stand in a picture: printable, and cut in the middle where it is longer.

    >>> short_name("a rather long name", 9)
    'a ra…name'
    """
    name = shown(name)
    if len(name) <= n_letters:
        return name
    n_end = (n_letters - 1) // 2
    return f"{name[: n_letters - 1 - n_end]}…{name[len(name) - n_end :]}"


def _follow_the_page(svg: str) -> str:
    """With other ink and paper where the page is dark; colours of what is drawn stay."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>@media screen and (prefers-color-scheme: dark){{{rules}}}</style>"
    return svg.replace("<defs>", f"{style}\n <defs>", 1)

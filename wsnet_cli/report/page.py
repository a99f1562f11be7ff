"""The page: one HTML file that needs no network and runs no script."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ..core.counting import plural
from ..core.files import write_text_atomic
from ..data.health.report_tables import alike_text, differs, group_text, value_text
from .pages import environment
from .waveform import draw

MAX_DRAWN = 4
"""Waveforms drawn for one finding, those of the worst clips."""

MAX_LINES = 200
"""Refused files that the page lists; report.json lists more."""

Waveforms = Callable[[int], Iterable[NDArray[np.float32]] | None]


def write_page(
    report: Mapping[str, Any],
    path: str | os.PathLike[str],
    waveforms: Waveforms = lambda _clip: None,
) -> None:
    """Write a health report as one HTML page, the same bytes for the same report and sounds.

    Everything that a report holds is text there: markup in a name is shown, not obeyed, and
    control characters are shown as escapes.

    Args:
        report: as `data/health/report.py` builds it, or as read from report.json.
        path: of the page; replaced as a whole.
        waveforms: gives a clip's samples as mono blocks, by its index, or None where there are
            none. Asked for the examples that are drawn alone.

    Raises:
        FileError: the system refused to write.
    """
    write_text_atomic(path, render(report, waveforms))


def render(report: Mapping[str, Any], waveforms: Waveforms = lambda _clip: None) -> str:
    """Return the page that `write_page` writes."""
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            drawing=lambda clip: _drawing(clip, waveforms),
            max_drawn=MAX_DRAWN,
            max_lines=MAX_LINES,
        )
    )


def _environment() -> jinja2.Environment:
    made = environment()
    made.filters.update(value=value_text, alike=alike_text, group=group_text, plural=plural)
    made.tests["differs"] = differs
    return made


def _drawing(clip: int, waveforms: Waveforms) -> Markup:
    blocks = waveforms(clip)
    return Markup("") if blocks is None else draw(blocks)

"""What every page has in common: templates in which everything is text, and words for numbers."""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from ..core.quoting import shown


def environment() -> jinja2.Environment:
    """Templates of this folder: what stands in a value is shown, not obeyed.

    Markup is escaped, control characters are shown as escapes, and a value that is missing is an
    error. Filters: `count`, `minutes` (of seconds), `percent` (a length within a bar).
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("wsnet_cli.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.filters.update(count=_count, minutes=_minutes, percent=_percent)
    return made


def _printable(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return shown(value)
    return value


def _count(number: int) -> str:
    return f"{number:,}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f}"


def _percent(part: float, whole: float) -> str:
    """A length within a bar, as CSS and SVG take it."""
    return f"{100 * part / whole:.2f}%" if whole else "0%"

"""All that is shown: results on stdout, everything else that is for people on stderr.

The only importer of rich, and only where something is drawn, so that commands start quickly.
Names of files and texts of models may hold control characters: people see them as escapes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.quoting import shown
from ...core.strict_json import json_text
from .table_groups import column_groups, fitted_widths, least_widths, n_telling

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Advance = Callable[[float, str], None]
"""Tells a progress display the share done, in [0, 1], and a few words beside the bar."""

PIPED_WIDTH = 1_000
"""Characters of a table's line where there is no terminal, so that names are not folded."""


@dataclass
class Verbosity:
    """How much is told: -1 results and errors alone, 0 as usual, 1 more; and tracebacks or not."""

    level: int = 0
    debug: bool = False


verbosity = Verbosity()


def say(text: str) -> None:
    """A line on stderr, which is no result: where it cannot be written, the work goes on."""
    try:
        print(shown(text), file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more, or its disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def note(text: str) -> None:
    """A line for people."""
    if verbosity.level >= 0:
        say(text)


def detail(text: str) -> None:
    """A line for people who asked for more with -v."""
    if verbosity.level >= 1:
        say(text)


def warn(text: str) -> None:
    """A line that is shown even with -q."""
    say(f"warning: {text}")


def result(text: str) -> None:
    """A line of the result for people, on stdout."""
    document(shown(text))


def document(text: str) -> None:
    """A result for programs, on stdout: the text as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def silence_stdout() -> None:
    """Let what is still to be written to a closed pipe go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(value: Any) -> None:
    """The one JSON document of a command, on stdout."""
    document(json_text(value))


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    numbers: Sequence[int] = (),
    widths: Sequence[int] = (),
    piece: int | None = None,
) -> None:
    """A table for people, on stdout.

    Args:
        headings: of the columns.
        rows: cells as text; no markup is read from them, and control characters are escaped.
        title: above the table.
        numbers: columns to align to the right.
        widths: least width of each column in letters, for a table that comes in pieces.
        piece: number of the piece, of which only 0 has the headings; None: the table is whole.
    """
    terminal = sys.stdout.isatty()
    console = _stdout_console(None if terminal else PIPED_WIDTH)
    if not terminal or piece is not None:
        columns = _Columns([shown(h) for h in headings], list(rows), numbers, list(widths), piece)
        console.print(columns.table(title))
        return
    for part in _parts(headings, rows, numbers, console.width):
        console.print(part.table(title))
        title = ""


@dataclass
class _Columns:
    """Columns that stand side by side, as `print_table` is given them; `fixed` widths are exact."""

    headings: list[str]
    rows: list[Sequence[str]]
    numbers: Sequence[int]
    widths: list[int]
    piece: int | None = None
    fixed: bool = False

    def table(self, title: str) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=title or None,
            title_justify="left",
            box=SIMPLE_HEAD,
            pad_edge=False,
            show_header=not self.piece,
            show_edge=self.piece is None,
        )
        for i, heading in enumerate(self.headings):
            width = self.widths[i] if self.widths else None
            table.add_column(
                Text(heading),
                justify="right" if i in self.numbers else "left",
                overflow="fold",
                width=width if self.fixed else None,
                min_width=width,
            )
        for row in self.rows:
            table.add_row(*(Text(shown(cell)) for cell in row))
        return table


def _parts(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int], width: int
) -> Iterator[_Columns]:
    """The columns of a table in groups that fit a terminal, each with those that tell its rows."""
    from rich.cells import cell_len

    names = [shown(heading) for heading in headings]
    longest = [max((cell_len(shown(row[i])) for row in rows), default=0) for i in range(len(names))]
    words = [max((cell_len(word) for word in name.split()), default=0) for name in names]
    least = least_widths(longest, words, numbers)
    whole = [max(most, cell_len(name)) for most, name in zip(longest, names, strict=True)]
    for group in column_groups(least, width, n_telling(rows, numbers)):
        yield _Columns(
            [names[i] for i in group],
            [[row[i] for i in group] for row in rows],
            [k for k, i in enumerate(group) if i in numbers],
            fitted_widths([whole[i] for i in group], [least[i] for i in group], width),
            fixed=True,
        )


def _stdout_console(width: int | None) -> Console:
    from rich.console import Console

    class BoundaryConsole(Console):
        """Leaves a closed pipe to the error boundary; rich itself would exit with 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return BoundaryConsole(file=sys.stdout, highlight=False, width=width)


def draws_progress() -> bool:
    """Whether `progress` has a terminal to draw on."""
    return verbosity.level >= 0 and sys.stderr.isatty()


def stdout_is_terminal() -> bool:
    """Whether results are seen by people while they come."""
    return sys.stdout.isatty()


@contextlib.contextmanager
def progress(what: str) -> Iterator[Advance]:
    """A bar with the time left on a terminal; elsewhere nothing is drawn."""
    if not draws_progress():
        yield lambda share, words: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %", markup=False),
        TimeElapsedColumn(),
        TextColumn("left", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0, words="")
        yield lambda share, words: bar.update(task, completed=share, words=shown(words))

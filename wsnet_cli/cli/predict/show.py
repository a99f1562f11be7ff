"""What `wsnet predict` puts on stdout: a table for people, or a format that is text."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...bulk.predicting.request import CLIP
from ...bulk.writers.writer import Counts, Facts
from ...core.percent import beside_threshold, one_place
from ...core.quoting import shown
from ..showing import console
from .checks import TABLE

if TYPE_CHECKING:
    from ...bulk.predicting.answers import Prediction
    from ...bulk.writers.writer import Writer

ROWS_AT_ONCE = 1_000
"""Rows of a table that are held until they are drawn."""

_FLUSH_EVERY_S = 0.1
_SPOOL_BYTES = 1 << 22


@contextmanager
def screen_writer(format_: str, facts: Facts, view: str, live: bool = False) -> Iterator[Writer]:
    """A writer to stdout, to be told the end within the block.

    Args:
        format_: a table, or a format that is text.
        facts: as writers take them.
        view: what a row tells of.
        live: show each row at once.
    """
    if format_ == TABLE:
        yield _TableWriter(view, live, decides=facts.hit is not None)
    elif format_ == "json":
        with tempfile.SpooledTemporaryFile(
            _SPOOL_BYTES, "w+", encoding="utf-8", newline="\n"
        ) as spool:
            yield _SpooledJson(facts, spool)
    else:
        yield _TextWriter(format_, facts, live)


class _TextWriter:
    """Rows as they come; what a reader has got are whole lines whenever it looks."""

    def __init__(self, format_: str, facts: Facts, live: bool) -> None:
        from ...bulk.writers.formats import make_text_writer

        self._every_s = 0.0 if live else _FLUSH_EVERY_S
        self._flushed_at = time.monotonic()
        self._writer = make_text_writer(format_, sys.stdout.write, facts)

    def add(self, prediction: Prediction) -> None:
        self._writer.add(prediction)
        if time.monotonic() - self._flushed_at >= self._every_s:
            sys.stdout.flush()
            self._flushed_at = time.monotonic()

    def end(self, counts: Counts) -> None:
        self._writer.end(counts)
        sys.stdout.flush()


class _SpooledJson:
    """One document, or nothing where the run is stopped: kept aside until it is whole."""

    def __init__(self, facts: Facts, spool: tempfile.SpooledTemporaryFile[str]) -> None:
        from ...bulk.writers.json_document import JsonWriter

        self._spool = spool
        self._writer = JsonWriter(spool.write, facts)

    def add(self, prediction: Prediction) -> None:
        self._writer.add(prediction)

    def end(self, counts: Counts) -> None:
        self._writer.end(counts)
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, sys.stdout)
        sys.stdout.flush()


class _TableWriter:
    """A table; one of many rows is drawn in pieces, whose columns have the widths of the first."""

    def __init__(self, view: str, live: bool, *, decides: bool) -> None:
        self._timed = view != CLIP
        self._percent = beside_threshold if decides else one_place
        self._rows: list[tuple[str, ...]] = []
        self._at_once = 1 if live else ROWS_AT_ONCE
        self._n_pieces = 0
        self._widths: tuple[int, ...] = (4, 9, 9, 16, 7, 6) if live and self._timed else ()
        self._latest = ""

    def add(self, prediction: Prediction) -> None:
        for row in self._cells(prediction):
            self._rows.append(row)
            if len(self._rows) > self._at_once:
                self._draw(self._rows[: self._at_once])
                del self._rows[: self._at_once]
        if self._at_once == 1:
            self._draw(self._rows)
            self._rows.clear()

    def end(self, counts: Counts) -> None:
        if self._n_pieces == 0:
            console.print_table(self._headings, self._rows, numbers=self._numbers)
        elif self._rows:
            self._draw(self._rows)

    @property
    def _headings(self) -> tuple[str, ...]:
        times = ("start s", "end s") if self._timed else ()
        return ("file", *times, "label", "score", "status")

    @property
    def _numbers(self) -> tuple[int, ...]:
        return (1, 2, 4) if self._timed else (2,)

    def _draw(self, rows: list[tuple[str, ...]]) -> None:
        if not self._widths:
            columns = zip(self._headings, *rows, strict=True)
            self._widths = tuple(min(60, max(map(len, map(shown, cells)))) for cells in columns)
        console.print_table(
            self._headings, rows, numbers=self._numbers, widths=self._widths, piece=self._n_pieces
        )
        self._n_pieces += 1

    def _cells(self, p: Prediction) -> list[tuple[str, ...]]:
        is_read = p.status == "ok"
        times = (f"{p.start_s:.2f}", f"{p.end_s:.2f}") if is_read else ("", "")
        between = times if self._timed else ()
        reason = p.error.removeprefix(f"{shown(p.file)}: ")
        rows = []
        if not p.scores:
            status = f"{p.status}: {reason}" if reason else p.status
            rows.append((p.file, *between, "", "", status))
        for rank, score in enumerate(p.scores):
            first = (p.file, *between) if rank == 0 else ("",) * (1 + len(between))
            status = "" if rank else p.status
            rows.append((*first, score.label, f"{self._percent(score.score)} %", status))
        return rows

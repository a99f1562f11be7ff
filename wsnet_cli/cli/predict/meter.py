"""How far a prediction of many inputs is, and what became of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ...bulk.predicting.answers import DOUBTS, FAILED, Answer, readable
from ...bulk.predicting.pace import Pace
from ...bulk.writers.writer import Counts
from ..showing import console
from ..showing.left_out import MOST_SHOWN
from .show import ROWS_AT_ONCE

NOTE_EVERY_S = 60.0
"""How often a long run says how far it is, where no bar can be drawn."""


def warn_of_failures(answers: Iterable[Answer]) -> None:
    """Say of the first inputs that failed why they did."""
    failed = (answer for answer in answers if answer.status == FAILED)
    for _, answer in zip(range(MOST_SHOWN), failed, strict=False):
        console.warn(answer.error)


def warn_doubt(doubt: str, name: str, n_inputs: int = 1) -> None:
    """Warn that what is said of an input, and of others, may mean less than it seems to."""
    others = f" and {n_inputs - 1:,} more (-v names them)" if n_inputs > 1 else ""
    console.warn(f"{readable(name)}{others}: {DOUBTS[doubt]}")


class Meter:
    """Counts answers, and tells how far a run is.

    Args:
        n_inputs: that there are.
        on_screen: the format that stdout is getting meanwhile, or None.
    """

    def __init__(self, n_inputs: int, on_screen: str | None) -> None:
        self.counts = Counts()
        self.pace = Pace()
        self._n_inputs = n_inputs
        self._doubted: dict[str, tuple[str, int]] = {}  # the first name, and how many
        # A bar and rows that come meanwhile would get into each other's way.
        held = on_screen is None or on_screen == "json"
        few = on_screen == "table" and n_inputs <= ROWS_AT_ONCE
        self._may_draw = held or few or not console.stdout_is_terminal()
        self._noted_at = time.monotonic()
        self._advance: console.Advance = lambda share, words: None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw a bar meanwhile, where there is a terminal for it."""
        if not self._may_draw:
            yield
            return
        with console.progress("predicting") as self._advance:
            yield

    def add(self, answer: Answer, is_known: bool = False) -> None:
        """Count one more."""
        self.counts.add(answer)
        for doubt in answer.doubts:
            console.detail(f"{readable(answer.name)}: {DOUBTS[doubt]}")
            first, n = self._doubted.get(doubt, (answer.name, 0))
            self._doubted[doubt] = (first, n + 1)
        if not is_known:
            self.pace.add(answer.duration_s)
        share = self.counts.inputs / self._n_inputs
        name = answer.name.rpartition("/")[2]
        self._advance(share, f"{self.counts.inputs:,}/{self._n_inputs:,}  {self.pace}  {name}")
        if not console.draws_progress() and time.monotonic() - self._noted_at >= NOTE_EVERY_S:
            self._noted_at = time.monotonic()
            console.note(f"{self.counts.inputs:,} of {self._n_inputs:,}; {self._left()}{self.pace}")

    def sum_up(self) -> None:
        """Say at the end what became of the inputs."""
        counts = self.counts
        if counts.inputs > 1 or counts.failed or counts.skipped:
            skipped = f", {counts.skipped:,} skipped" if counts.skipped else ""
            speed = f"; {self.pace}" if self.pace.n_files > 1 else ""
            console.note(f"{counts.ok:,} classified, {counts.failed:,} failed{skipped}{speed}")
        for doubt in sorted(self._doubted):
            warn_doubt(doubt, *self._doubted[doubt])

    def how_far(self) -> str:
        """How many inputs are through, in words."""
        return f"{self.counts.inputs:,} of {self._n_inputs:,} inputs are"

    def _left(self) -> str:
        n_left = self._n_inputs - self.counts.inputs
        if not self.pace.n_files:
            return ""
        return f"about {self.pace.seconds_for(n_left) / 60:,.0f} min left; "

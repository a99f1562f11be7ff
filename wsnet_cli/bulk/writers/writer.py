"""What every writer is given, and what it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..predicting.answers import FAILED, OK, SKIPPED, Answer, Prediction

Write = Callable[[str], object]
"""Takes the next piece of text."""


@dataclass(frozen=True)
class Facts:
    """What is true of all rows.

    Args:
        model: as the user named it.
        labels: of the model.
        sample_rate: of the model, in Hz.
        channel: that was heard, from 1; None: the average of all.
        multi_label: whether each score is of its label by itself.
        hit: as `terms.Terms` has it.
    """

    model: str
    labels: tuple[str, ...]
    sample_rate: int
    channel: int | None = None
    multi_label: bool = False
    hit: tuple[float, ...] | None = None


@dataclass
class Counts:
    """How many inputs there were, and what became of them.

    >>> counts = Counts()
    >>> counts.add(Answer("a.wav", "error", error="a.wav: is empty"))
    >>> counts
    Counts(inputs=1, ok=0, failed=1, skipped=0)
    """

    inputs: int = 0
    ok: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, answer: Answer) -> None:
        """Count one more input."""
        self.inputs += 1
        self.ok += answer.status == OK
        self.failed += answer.status == FAILED
        self.skipped += answer.status == SKIPPED


class Writer(Protocol):
    """Turns predictions into one format while they come; nothing that was written is kept."""

    def add(self, prediction: Prediction) -> None:
        """Write what comes next."""

    def end(self, counts: Counts) -> None:
        """Write what comes last."""

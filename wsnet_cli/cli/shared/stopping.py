"""Signals that stop a command, so that it can say how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ...core.errors import Interrupted
from .exits import EXIT_INTERRUPTED, EXIT_TERMINATED


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM raises `Terminated`; outside the main thread it cannot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within the block a signal waits for its end, and is raised there.

    What belongs together, such as one row in several files, is then written to all or to none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {n: signal.signal(n, lambda number, frame: came.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    for late in came:
        signal.raise_signal(late)


def stopped(by: KeyboardInterrupt, words: str) -> Interrupted:
    """The error that ends a command which a signal stopped.

    Args:
        by: what was raised; `Terminated` where it was SIGTERM.
        words: what is kept, and what to do.
    """
    if isinstance(by, Terminated):
        return Interrupted(f"terminated: {words}", EXIT_TERMINATED)
    return Interrupted(f"interrupted: {words}", EXIT_INTERRUPTED)

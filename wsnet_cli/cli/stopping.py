"""Signals that stop a command, so that it can say how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..core.errors import Interrupted
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
def explained(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into one line.

    Args:
        how_to_go_on: asked for when one comes: what is kept, and what to do.

    Raises:
        Interrupted: one came.
    """
    with terminable():
        try:
            yield
        except KeyboardInterrupt as error:
            is_term = isinstance(error, Terminated)
            raise Interrupted(
                f"{'terminated' if is_term else 'interrupted'}: {how_to_go_on()}",
                EXIT_TERMINATED if is_term else EXIT_INTERRUPTED,
            ) from error

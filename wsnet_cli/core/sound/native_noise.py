"""Keeps what libmpg123 writes straight to the process's stderr away from the user."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator


class _NativeSilence:
    """Points descriptor 2 at the null device while at least one thread is inside `hold`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._saved: int | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        with self._lock:
            self._n_inside += 1
            if self._n_inside == 1:
                self._saved = self._redirect()
        try:
            yield
        finally:
            with self._lock:
                self._n_inside -= 1
                if self._n_inside == 0 and self._saved is not None:
                    os.dup2(self._saved, 2)
                    os.close(self._saved)
                    self._saved = None

    @staticmethod
    def _redirect() -> int | None:
        try:
            saved = os.dup(2)
        except OSError:  # stderr is closed, or no descriptor is left: noise is the lesser evil
            return None
        try:
            null = os.open(os.devnull, os.O_WRONLY)
        except OSError:
            os.close(saved)
            return None
        os.dup2(null, 2)
        os.close(null)
        return saved


_SILENCE = _NativeSilence()


def silence_native(wanted: bool) -> contextlib.AbstractContextManager[None]:
    """Silence the process's stderr while the context is held by any thread, where it is wanted."""
    return _SILENCE.hold() if wanted else contextlib.nullcontext()

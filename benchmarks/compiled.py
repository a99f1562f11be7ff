"""The environment of an installed package: byte code is there before anything is timed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def compiled_environment() -> Iterator[dict[str, str]]:
    """Variables for child processes: byte code is kept in a folder of its own.

    The first child of each kind compiles what it imports, as an installer would have; so each
    command should run once before it is timed.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield environment

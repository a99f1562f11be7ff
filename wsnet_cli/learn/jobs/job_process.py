"""A run's process as its parent sees it: started, listened to, asked to stop, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from ..run.request import Request
from .job_child import Message

THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
"""Environment variables by which torch and numpy's BLAS choose their threads when imported."""

Tell = Callable[[Message | None], None]
"""Is given each message, from a thread; None when there will be no more."""


class JobProcess:
    """A process that trains what a request asks for.

    Args:
        request: of the run.
        tell: is told what it says.
    """

    def __init__(self, request: Request, tell: Tell) -> None:
        self._told: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wsnet_cli.learn.jobs.job_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env=_environment(request.threads),
        )
        # A process that died at once is told of by the end of its output.
        with contextlib.suppress(OSError):
            self._stdin.write(TypeAdapter(Request).dump_json(request) + b"\n")
            self._stdin.flush()
        self._reader = threading.Thread(target=self._read, args=(tell,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def ask_to_stop(self) -> None:
        """Let it save and end."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def end(self) -> str:
        """Wait for it to end; how it did where it did not end by itself, else nothing."""
        code = self._process.wait()
        self._reader.join()
        self.ask_to_stop()
        self._told.seek(0)
        lines = self._told.read().decode("utf-8", "replace").strip().splitlines()
        self._told.close()
        if code == 0:
            return ""
        if code < 0:
            return f"its process was ended by {_name_of(-code)}"
        last = lines[-1] if lines else "it said nothing"
        return f"its process ended with exit code {code}: {last}"

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.end()

    def _read(self, tell: Tell) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # cut off in its midst by a kill
                    tell(json.loads(line))
        tell(None)


def _environment(threads: int | None) -> dict[str, str]:
    """Ours, with this package to be found, and a number of threads for every library."""
    package_parent = str(Path(__file__).resolve().parents[3])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads is not None else {}
    return {**os.environ, **limits, "PYTHONPATH": os.pathsep.join(paths)}


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

"""The measuring process: started with one thread for every library, which reads that on import.

The parent writes the request as an argument; the child answers with lines of JSON on stdout:
progress, then the document or the error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ..core import errors
from ..core.errors import WsnetError
from .rounds import Advance
from .run import Request, run_bench

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
"""Environment variables by which numpy's BLAS and torch choose their threads."""


def measure(request: Request, advance: Advance = lambda share, words: None) -> dict[str, Any]:
    """Run `run_bench` where every library has one thread: in a child process, or here.

    Here it runs if this process was started with ONE_THREAD itself.

    Raises: WsnetError: as `run_bench`, or the child process broke down.
    """
    if all(os.environ.get(name) == value for name, value in ONE_THREAD.items()):
        return run_bench(request, advance)
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "wsnet_cli.bench.child", json.dumps(asdict(request))]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, stdout=subprocess.PIPE, stderr=told, env=environment
        )
        assert process.stdout is not None
        try:
            answer = _listen(process.stdout, advance)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        told.seek(0)
        return _open(answer, code, told.read())


def _listen(lines: Iterable[bytes], advance: Advance) -> dict[str, Any]:
    """Pass progress on; return the last line that is not progress."""
    answer: dict[str, Any] = {}
    for line in lines:
        message = json.loads(line)
        if "share" in message:
            advance(message["share"], message["words"])
        else:
            answer = message
    return answer


def _open(answer: dict[str, Any], code: int, told: bytes) -> dict[str, Any]:
    """The document; or the child's error raised here."""
    if "document" in answer:
        document: dict[str, Any] = answer["document"]
        return document
    if "error" in answer:
        kind: type[WsnetError] = getattr(errors, answer["kind"])
        raise kind(answer["error"])
    lines = told.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else "it said nothing"
    raise WsnetError(f"the measuring process ended with exit code {code}: {last}")


def main() -> None:
    """Measure what the argument asks for; answer on stdout."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what a library prints must not stand among our lines
        answer(json.loads(sys.argv[1]), answers)


def answer(asked: dict[str, Any], answers: IO[str]) -> None:
    """Measure what was asked for as `asdict(Request)`; write lines of JSON."""

    def say(message: dict[str, Any]) -> None:
        answers.write(f"{json.dumps(message)}\n")
        answers.flush()

    try:
        say({"document": run_bench(Request(**asked), lambda s, w: say({"share": s, "words": w}))})
    except WsnetError as error:
        say({"error": str(error), "kind": type(error).__name__})


if __name__ == "__main__":
    main()

"""Runs commands in a process of its own, and tells of each what it did: see `test_hostile_models`.

Reads a JSON list of command lines from stdin and writes a JSON line for each: exit code, what it
said on stderr, seconds, bytes of memory that it took at most beside what was there before, and what
was executed or opened that should not have been.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path

FORBIDDEN = (
    *("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen"),
    "socket.connect",
)
SENTINEL = "executed"
"""As corpus/hostile.py has it."""
caught: list[str] = []
watching = False


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: remember what a model file has no business to cause."""
    if not watching:
        return
    made = event == "os.mkdir" and SENTINEL in str(arguments[0])
    opened = event == "open" and "passwd" in str(arguments[0])
    if event == "subprocess.Popen" and arguments[0] == "uname":  # torch asks what machine it is on
        return
    if event in FORBIDDEN or made or opened:
        caught.append(f"{event} {arguments!r}")


def run(command: list[str]) -> dict[str, object]:
    """One command line, through the door that the script `wsnet` uses."""
    global watching
    from wsnet_cli import __main__

    out, err, code = io.StringIO(), io.StringIO(), 0
    caught.clear()
    sys.argv = ["wsnet", *command]
    forget_peak()
    before = memory("VmRSS")
    started, watching = time.perf_counter(), True
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            __main__.main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
    seconds, watching = time.perf_counter() - started, False
    told, more = err.getvalue(), memory("VmHWM") - before
    return {"code": code, "told": told, "seconds": seconds, "more": more, "caught": list(caught)}


def memory(name: str) -> int:
    """Bytes that this process holds (VmRSS), or held at most (VmHWM); 0 on another system."""
    status = Path("/proc/self/status")
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(found[1]) if found else 0


def forget_peak() -> None:
    """Let VmHWM begin anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    sys.addaudithook(watch)
    for line in json.load(sys.stdin):
        print(json.dumps(run(line)), flush=True)

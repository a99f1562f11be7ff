"""Train the rows of benchmarks/rows.yaml, each as one job over folds and seeds.

python benchmarks/run_rows.py DATA JOBS [ROW ...] [--seeds N] [--first N] [--folds 1,2] [--device D]
[--jobs N] [--rows FILE] [--list]: DATA is the folder of all data sets, JOBS where the jobs lie, as
JOBS/runs/ROW. Every row is one command, `wsnet train`, in a process of its own; a row that another
one learns from comes before it. What is finished is passed over and what was stopped goes on, so
the same command may be given again at any time; with more seeds, only those that are missing are
trained, from `--first` on where those before it were trained elsewhere. `--list` prints the
commands with $DATA, as for a start from nothing, and trains nothing. Exit code 1 if a row failed,
130 if it was stopped.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from row_jobs import Step, plan_row, shown
from rows_file import ROWS_FILE, Row, read_rows

from wsnet_cli.core.errors import WsnetError

STOPPED = 130
STOP_CODES = (STOPPED, 143, -signal.SIGINT, -signal.SIGTERM)
"""With which a child that was told to stop ends."""


def command_of(step: Step, row: Row, data: str, asked: argparse.Namespace) -> list[str]:
    """What comes after `wsnet`."""
    command = ["train", f"{data}/{row.place.folder}", *step.options]
    command += ["--device", asked.device] if asked.device else []
    return [*command, "--jobs", str(asked.jobs)] if asked.jobs else command


def train(command: list[str], root: Path) -> int:
    """Run one command in the folder of the jobs; its exit code. Signals are left to the child."""
    child = subprocess.Popen([sys.executable, "-m", "wsnet_cli", *command], cwd=root)
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the child was told too; it saves and ends
                continue
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> int:
    """Train, or list; the exit code."""
    asked = parse()
    rows = read_rows(asked.rows_file)
    names, failed = rows.choose(asked.rows), []
    root = None if asked.list else asked.jobs_root
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
    for name in names:
        row = rows.rows[name]
        if row.runs_of is not None:
            print(f"{name}: nothing to train, it is of the runs of {row.runs_of}", file=sys.stderr)
            continue
        if row.teacher in failed:
            print(f"{name}: left out, its teacher failed", file=sys.stderr)
            failed.append(name)
            continue
        for step in plan_row(rows, name, root, asked.seeds, asked.folds, asked.first):
            words = command_of(step, row, "$DATA", asked)
            if root is None:
                print(shown(words))
                continue
            print(f"{name}: {shown(words)}", file=sys.stderr, flush=True)
            code = train(command_of(step, row, str(asked.data_root.resolve()), asked), root)
            if code in STOP_CODES:
                return STOPPED
            if code:
                failed.append(name)
                break
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def parse() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_root", type=Path, metavar="DATA")
    parser.add_argument("jobs_root", type=Path, metavar="JOBS")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--seeds", type=int, help="in place of those of the rows")
    parser.add_argument("--first", type=int, default=0, help="the first seed, if not 0")
    parser.add_argument("--folds", help="such as 1,2; default all")
    parser.add_argument("--device")
    parser.add_argument("--jobs", type=int, help="runs at once")
    parser.add_argument("--rows", dest="rows_file", type=Path, default=ROWS_FILE, help="a file")
    parser.add_argument("--list", action="store_true", help="print the commands")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WsnetError as error:
        sys.exit(f"error: {error}")

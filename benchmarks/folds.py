"""How long folds take, by several processes with few threads or one after the other with more.

python benchmarks/folds.py DATA [-c esc10-wsnet] [--epochs 2] [--fold all] [--ways 2x1 1x2]
[--rounds 3]: trains the folds in each way, JxT being J runs at once of T threads each, round after
round, so that whatever else the machine does falls on all ways alike. The clips are decoded before
the first. Prints wall and processor seconds (medians), and the wall time over that of the first way
in the same round. Exit code 1 if ways with as many threads do not give the same models.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter


@dataclass(frozen=True)
class Timing:
    """Of one job: wall and processor seconds of all its processes, and a digest of its models."""

    wall_s: float
    cpu_s: float
    models: str


def train(arguments: list[str], way: str, work: Path, name: str) -> Timing:
    """Train all folds in one way."""
    jobs, threads = way.split("x")
    command = [sys.executable, "-m", "wsnet_cli", "train", *arguments, "--device", "cpu", "-q"]
    command += ["--jobs", jobs, "--threads", threads, "--name", name, "--json"]
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = perf_counter()
    done = subprocess.run(command, cwd=work, env=environment, check=True, stdout=subprocess.PIPE)
    wall_s = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    document = json.loads(done.stdout)
    digest = hashlib.sha256()
    for run in document["runs"]:
        digest.update((work / document["job"] / run["run"] / "model.wsnet").read_bytes())
    return Timing(wall_s, cpu_s, digest.hexdigest())


def show(timings: dict[str, list[Timing]]) -> None:
    """A table in Markdown."""
    first = next(iter(timings.values()))
    print("| runs at once | threads of each | wall s | processor s | wall, over the first |")
    print("|---|---|---|---|---|")
    for way, rounds in timings.items():
        jobs, threads = way.split("x")
        wall_s = statistics.median(t.wall_s for t in rounds)
        cpu_s = statistics.median(t.cpu_s for t in rounds)
        ratios = [t.wall_s / f.wall_s for t, f in zip(rounds, first, strict=True)]
        span = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {jobs} | {threads} | {wall_s:.1f} | {cpu_s:.1f} | {span} |")


def main() -> None:
    """Time each way in rounds; print the table."""
    parser = argparse.ArgumentParser(description="Time folds in several ways.")
    parser.add_argument("data", type=Path)
    parser.add_argument("-c", "--config", default="esc10-wsnet")
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--fold", default="all")
    parser.add_argument("--ways", nargs="+", default=["2x1", "1x2"])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    arguments = [str(asked.data.absolute()), "-c", asked.config, "--epochs", asked.epochs]
    arguments += ["--fold", asked.fold]
    timings: dict[str, list[Timing]] = {way: [] for way in asked.ways}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        os.environ["WSNET_CACHE"] = str(work / "cache")
        decode = [str(asked.data.absolute()), "-c", asked.config, "--epochs", "1", "--dry-run"]
        command = [sys.executable, "-m", "wsnet_cli", "train", *decode, "-q"]
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
        for number in range(asked.rounds):
            for way in asked.ways:
                timing = train(arguments, way, work, f"{way}-{number}")
                timings[way].append(timing)
                print(f"{way}: {timing.wall_s:.1f} s", file=sys.stderr, flush=True)
    show(timings)
    by_threads: dict[str, set[str]] = {}
    for way, rounds in timings.items():
        by_threads.setdefault(way.split("x")[1], set()).update(t.models for t in rounds)
    if any(len(models) > 1 for models in by_threads.values()):
        sys.exit("the same threads gave different models")


if __name__ == "__main__":
    main()

"""Kill `wsnet prepare` at random moments, go on, and compare what it writes, byte for byte.

python benchmarks/kill_prepare.py FOLDER... [--kills 50] [--seconds 30] [--seed 0]: copies of the
audio files of the folders, no two of them equal, so many that a run takes at least so many seconds,
and some files that cannot be read. A run that nobody kills is the reference. Then rounds, each into
a folder of its own: the command is started, killed with SIGKILL at a moment drawn uniformly from
what it still has to do, and started again, up to five times, and then left to end; a run that ends
before its kill ends its round. Rounds go on until there were so many kills. Each round's folder
must hold the files of the reference, with the same bytes, and no other.

Exit code 1 if any differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from kill_predict import BROKEN, contents, run_and_kill, run_whole
from linked_sets import make_different, recordings

KILLS_PER_ROUND = 5


def command(source: Path, out: Path) -> list[str]:
    """What is run, killed, and run again."""
    wsnet = [sys.executable, "-m", "wsnet_cli", "prepare", str(source), "-o", str(out)]
    return [*wsnet, "--rate", "16000", "--report", "-q", "--json"]


def make_source(files: list[Path], seconds: float, work: Path) -> tuple[Path, float]:
    """A data set that takes so long, and how long it takes; its prepared folder stays."""
    n_files = 200
    while True:
        source, out = work / "source", work / "reference"
        for folder in (source, out):
            shutil.rmtree(folder, ignore_errors=True)
        make_different(files, n_files, source)
        label = min(source.iterdir())
        for name, content in BROKEN.items():
            (label / name).write_bytes(content)
        whole_s = run_whole(command(source, out))
        print(f"{n_files:,} files: {whole_s:.1f} s", flush=True)
        if whole_s >= seconds:
            return source, whole_s
        n_files = int(n_files * max(1.3, 1.2 * seconds / whole_s))


def play_round(source: Path, out: Path, whole_s: float, kills: int, rng: random.Random) -> int:
    """Start and kill up to so many times, then let it end; how many kills hit."""
    left_s, hits = whole_s, 0
    for _ in range(kills):
        after_s = rng.uniform(0, left_s)
        started = perf_counter()
        if not run_and_kill(command(source, out), after_s):
            return hits
        hits += 1
        left_s = max(2.0, left_s - (perf_counter() - started))
    run_whole(command(source, out))
    return hits


def main() -> None:
    """All rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source, whole_s = make_source(recordings(asked.folders), asked.seconds, work)
        expected = contents(work / "reference")
        n_kills, n_wrong, n_rounds = 0, 0, 0
        while n_kills < asked.kills:
            out = work / "killed"
            shutil.rmtree(out, ignore_errors=True)
            kills = min(KILLS_PER_ROUND, asked.kills - n_kills)
            n_kills += (hits := play_round(source, out, whole_s, kills, rng))
            n_rounds += 1
            seen = contents(out)
            wrong = sorted(key for key in {*seen, *expected} if seen.get(key) != expected.get(key))
            n_wrong += bool(wrong)
            verdict = f"differs in {wrong}" if wrong else "equal"
            print(f"round {n_rounds}: {hits} kills, {verdict}", flush=True)
    print(f"{n_kills} kills in {n_rounds} rounds, {len(expected)} files; {n_wrong} rounds differ")
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()

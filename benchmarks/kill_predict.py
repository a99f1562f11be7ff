"""Kill `wsnet predict` at random moments, go on, and compare what it writes, byte for byte.

python benchmarks/kill_predict.py FOLDER [KILLS] [SECONDS] [SEED]: a folder of links to the audio
files of FOLDER, so many times that an uninterrupted run takes at least SECONDS (30), and some files
that cannot be read. Its outputs (CSV, JSON, JSON lines, Parquet, a Raven table for each recording,
embeddings) are the reference. Then rounds, each on outputs of its own: the same command is started
and killed with SIGKILL at a moment drawn uniformly from what it still has to do, and started again,
up to five times, and then left to end; a run that ends before its kill ends its round. Rounds go on
until there were KILLS (50) kills. Each round's files must be those of the reference, with the same
bytes, and nothing else may be left beside them.

Exit code 1 if any differs.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter

from usage import answer_help

from wsnet_cli.bulk.inputs.sources import list_inputs

FORMATS = "csv,json,jsonl,parquet,raven"
KILLS_PER_ROUND = 5
BROKEN = {"empty.wav": b"", "text.wav": b"no audio\n", "cut.wav": b"RIFF\x24\x00\x00\x00WAVE"}
EXIT_SOME_FAILED = 3
ENDING = "ending, all done"


def command(inputs: Path, out: Path) -> list[str]:
    """What is run, killed, and run again."""
    return [
        *(sys.executable, "-m", "wsnet_cli", "predict", str(inputs), "-m", "esc10", "--top-k", "3"),
        *("--format", FORMATS, "-o", str(out / "tables"), "--embeddings", str(out / "e.npy"), "-q"),
    ]


def link(files: list[str], folder: Path, n_copies: int) -> None:
    """Add links to files, each so many times, and the broken ones."""
    folder.mkdir()
    for copy in range(n_copies):
        for number, file in enumerate(files):
            suffix = Path(file).suffix
            (folder / f"{copy:03}-{number:05}{suffix}").symlink_to(Path(file).resolve())
    for name, content in BROKEN.items():
        (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder, hidden ones too, but for locks.

    A kill between the end of the work and that of the process leaves one, which holds nobody.
    """
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".wsnet-lock")
    }


def run_whole(arguments: list[str]) -> float:
    """Seconds of a run that nobody kills."""
    started = perf_counter()
    code = subprocess.run(arguments, check=False, stdout=subprocess.DEVNULL).returncode
    if code != EXIT_SOME_FAILED:
        sys.exit(f"{arguments}: exit code {code}; expected {EXIT_SOME_FAILED}")
    return perf_counter() - started


def run_and_kill(arguments: list[str], after_s: float) -> bool:
    """Start a run and kill it; False if it has ended before."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    try:
        code = process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    if code != EXIT_SOME_FAILED:
        sys.exit(f"{arguments}: exit code {code}; expected {EXIT_SOME_FAILED}")
    return False


def state_of(out: Path) -> str:
    """In what a kill has hit a run, in a word, as far as its files tell."""
    names = [path.name for path in out.rglob("*")]
    if any(name.endswith(".wsnet-part") for name in names):
        return "writing an output"
    journals = [path for path in out.rglob("*.wsnet-journal") if path.stat().st_size]
    if any(not name.startswith(".") and name != "tables" for name in names):
        return "between outputs" if journals else ENDING
    return "predicting" if journals else "starting"


def one_round(
    inputs: Path, out: Path, whole_s: float, n_kills: int, rng: random.Random
) -> tuple[list[str], float]:
    """Kill a run up to so many times, then let it end; what the kills hit, and the seconds used."""
    hit: list[str] = []
    used_s = 0.0
    arguments = command(inputs, out)
    while len(hit) < n_kills:
        after_s = rng.uniform(0, max(1.0, whole_s - used_s))
        if not run_and_kill(arguments, after_s):
            return hit, used_s
        used_s += after_s
        hit.append(state_of(out))
        if hit[-1] == ENDING:
            return hit, used_s
    return hit, used_s + run_whole(arguments)


def main() -> None:
    """Kill, compare and print."""
    files = list_inputs([sys.argv[1]]).names
    n_wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    least_s = float(sys.argv[3]) if len(sys.argv) > 3 else 30.0
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 0)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n_copies, whole_s = 1, 0.0
        while whole_s < least_s:
            inputs = folder / f"in-{n_copies}"
            link(files, inputs, n_copies)
            reference = folder / f"reference-{n_copies}"
            whole_s = run_whole(command(inputs, reference))
            if whole_s < least_s:
                n_copies = max(n_copies + 1, round(1.1 * n_copies * least_s / whole_s))
        expected = contents(reference)
        n_inputs = len(files) * n_copies + len(BROKEN)
        print(f"{n_inputs} inputs, {whole_s:.1f} s uninterrupted, {len(expected)} files written")
        hit: Counter[str] = Counter()
        n_rounds = n_wrong = 0
        while hit.total() < n_wanted:
            out = folder / f"out-{n_rounds}"
            n_kills = min(KILLS_PER_ROUND, n_wanted - hit.total())
            what, used_s = one_round(inputs, out, whole_s, n_kills, rng)
            hit.update(what)
            n_rounds += 1
            found = contents(out)
            n_wrong += found != expected
            different = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
            verdict = f"DIFFERENT: {', '.join(different)}" if different else "equal"
            print(
                f"round {n_rounds}: killed {len(what)} times, {used_s:.0f} s; {verdict}", flush=True
            )
        print(
            f"{hit.total()} kills in {n_rounds} rounds: {n_rounds - n_wrong} equal, {n_wrong} not"
        )
        print(", ".join(f"{n} while {what}" for what, n in hit.most_common()))
    sys.exit(1 if n_wrong else 0)


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    main()

"""`wsnet prepare` beside a plain loop of soundfile and soxr with as many workers.

python benchmarks/prepare.py ESC10_AUDIO FSDD_RECORDINGS [N [ROUNDS]]

Two sets of N files (20,000) out of all recordings: hard links, of which wsnet decodes each
different one once; and copies that differ in some bytes behind the sound, so that every one must be
decoded. In each round `wsnet prepare` into a new folder and the loop take turns, the loop by
threads and by processes; ratios are of rates within a round, medians over the rounds. Then `wsnet
prepare` again into the same folder, which must decode nothing.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from compiled import compiled_environment
from linked_sets import make_different, make_linked, recordings
from usage import answer_help

from wsnet_cli.core.parallel import count_workers

RATE = 22_050
CHUNK = 32
POOLS: dict[str, type[Executor]] = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}


def read_by_hand(path: str) -> int:
    """Samples of a file, read by the shortest program."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return len(soxr.resample(samples.mean(axis=1), rate, RATE, quality="HQ"))


def plain_loop(pool: str, folder: str) -> None:
    """What a child process of this script does: read every file, in a pool of workers."""
    files = [str(file) for file in sorted(Path(folder).rglob("*")) if file.is_file()]
    with POOLS[pool](count_workers(None, len(files))) as executor:
        assert sum(executor.map(read_by_hand, files, chunksize=CHUNK)) > 0


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Seconds that a command takes, and what it prints."""
    start = perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    return perf_counter() - start, done.stdout.decode()


def prepare_command(source: Path, out: Path) -> list[str]:
    """`wsnet prepare`, telling in JSON what it did."""
    wsnet = [sys.executable, "-m", "wsnet_cli", "prepare", str(source), "-o", str(out)]
    return [*wsnet, "--rate", str(RATE), "--json", "-q"]


def compare(name: str, source: Path, out: Path, n_rounds: int, environment: dict[str, str]) -> None:
    """Take turns, and print the rates."""
    n_files = sum(file.is_file() for file in source.rglob("*"))
    ratios: dict[str, list[float]] = {pool: [] for pool in POOLS}
    rates = []
    for _ in range(n_rounds):
        shutil.rmtree(out, ignore_errors=True)
        seconds, text = timed(prepare_command(source, out), environment)
        rates.append(n_files / seconds)
        for pool in POOLS:
            plain = [sys.executable, __file__, "--plain", pool, str(source)]
            plain_s, _ = timed(plain, environment)
            ratios[pool].append(plain_s / seconds)
    decoded = json.loads(text)["decoded"]
    again_s, text = timed(prepare_command(source, out), environment)
    print(f"\n{name}: {n_files:,} files, {decoded:,} decoded, median of {n_rounds} rounds")
    print(f"  wsnet prepare: {statistics.median(rates):,.0f} files a second")
    for pool in POOLS:
        print(f"  its rate over that of the loop by {pool}: {statistics.median(ratios[pool]):.2f}")
    print(f"  again: {again_s:.1f} s, {json.loads(text)['decoded']} decoded", flush=True)


def main(folders: list[Path], n_files: int, n_rounds: int) -> None:
    """Both sets."""
    files = recordings(folders)
    with compiled_environment() as environment, tempfile.TemporaryDirectory() as work:
        for name, make in (("links", make_linked), ("different files", make_different)):
            source = Path(work, name.replace(" ", "-"))
            make(files, n_files, source)
            compare(name, source, Path(work, "out"), n_rounds, environment)
            shutil.rmtree(source)


if __name__ == "__main__":
    answer_help(__doc__, n_needed=2)
    if sys.argv[1] == "--plain":
        plain_loop(*sys.argv[2:])
    else:
        numbers = [int(word) for word in sys.argv[3:]]
        main([Path(sys.argv[1]), Path(sys.argv[2])], *(numbers + [20_000, 3][len(numbers) :]))

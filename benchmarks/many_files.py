"""What `wsnet predict` takes for a thousand and for a hundred thousand small files.

python benchmarks/many_files.py [MANY] [FEW] [ROUNDS]: makes MANY (100,000) files of about 3 kB, a
quarter of a second of noise each, in folders of a thousand, and FEW (1,000) more. For either lot
`wsnet predict FOLDER -o out.csv` runs in a process of its own: its peak memory, seconds a file
without the start, seconds until the first answer is in the journal, and how long it takes to list
the files. The few are run ROUNDS (5) times, half of them after the many, which are run once;
medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import soundfile
from usage import answer_help

PER_FOLDER = 1_000
RATE = 6_000
LIST = """
import sys
from time import perf_counter
from wsnet_cli.bulk.inputs.sources import list_inputs
started = perf_counter()
n = len(list_inputs([sys.argv[1]]).names)
print(n, perf_counter() - started)
"""


def make_files(folder: Path, n_files: int) -> None:
    """Write so many different files below a folder."""
    rng = np.random.default_rng(0)
    sound = (8_000 * rng.standard_normal(RATE // 4 + n_files)).astype(np.int16)
    for number in range(n_files):
        inner = folder / f"{number // PER_FOLDER:03}"
        if number % PER_FOLDER == 0:
            inner.mkdir(parents=True)
        soundfile.write(inner / f"{number:06}.wav", sound[number : number + RATE // 4], RATE)


def predict(folder: Path, out: Path) -> tuple[float, float, int]:
    """Seconds of a run, seconds until its first answer is on the disk, and its peak in bytes."""
    command = [sys.executable, "-m", "wsnet_cli", "predict", str(folder), "-m", "esc10", "-q"]
    journal = out.with_name(f".{out.name}.wsnet-journal")
    started = perf_counter()
    first = 0.0
    with subprocess.Popen([*command, "-o", str(out)]) as child:
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while not first and os.waitid(os.P_PID, child.pid, ended) is None:
            sleep(0.005)
            if journal.exists() and journal.read_bytes()[:4096].count(b"\n") > 1:
                first = perf_counter() - started
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command}: exit code {child.returncode}")
    return seconds, first, usage.ru_maxrss * 1024


def seconds_to_list(folder: Path) -> float:
    """Of a fresh process, its imports left out."""
    command = [sys.executable, "-c", LIST, str(folder)]
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    return float(result.stdout.split()[1])


def main() -> None:
    """Measure and print."""
    n_many, n_few, n_rounds = (
        int(sys.argv[i + 1]) if len(sys.argv) > i + 1 else default
        for i, default in enumerate((100_000, 1_000, 5))
    )
    with tempfile.TemporaryDirectory() as name:
        few, many, one = Path(name) / "few", Path(name) / "many", Path(name) / "one"
        for folder, n_files in ((one, 1), (few, n_few), (many, n_many)):
            make_files(folder, n_files)
        predict(one, Path(name) / "warm.csv")
        start_s = statistics.median(
            predict(one, Path(name) / f"one-{i}.csv")[0] for i in range(n_rounds)
        )
        results: dict[int, list[tuple[float, float, int]]] = {n_few: [], n_many: []}
        for i in range(n_rounds):
            results[n_few].append(predict(few, Path(name) / f"few-{i}.csv"))
            if i == n_rounds // 2:
                results[n_many].append(predict(many, Path(name) / "many.csv"))
        times: dict[int, float] = {}
        for n_files, folder in ((n_few, few), (n_many, many)):
            seconds, firsts, peaks = zip(*results[n_files], strict=True)
            times[n_files] = (statistics.median(seconds) - start_s) / n_files
            print(
                f"{n_files:7} files: {1e3 * times[n_files]:.3f} ms a file, first answer after "
                f"{statistics.median(firsts):.2f} s, peak {statistics.median(peaks) / 2**20:.1f} "
                f"MiB, listed in {seconds_to_list(folder):.2f} s"
            )
        more = statistics.median(p for _, _, p in results[n_many]) - statistics.median(
            p for _, _, p in results[n_few]
        )
        print(
            f"{more / 2**20:.1f} MiB more; {times[n_many] / times[n_few]:.2f} times a file's time"
        )


if __name__ == "__main__":
    answer_help(__doc__)
    main()

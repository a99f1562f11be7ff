"""What `wsnet prepare` takes for a thousand and for a hundred thousand small files.

python benchmarks/prepare_scale.py [MANY] [FEW] [ROUNDS]: makes MANY (100,000) files of about 3 kB,
a quarter of a second of noise each and no two alike, in ten class folders, and FEW (1,000) more.
Each lot is prepared in a process of its own: its peak memory, and seconds a file without the start.
The few are run ROUNDS (5) times, half of them after the many, which are run once; medians. Then the
many again, of which nothing must be decoded.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile
from usage import answer_help

N_CLASSES = 10
RATE = 6_000
N_SAMPLES = RATE // 4


def make_files(folder: Path, n_files: int, seed: int) -> None:
    """Write so many different files into class folders."""
    rng = np.random.default_rng(seed)
    for number in range(n_files):
        inner = folder / f"class{number % N_CLASSES}"
        if number < N_CLASSES:
            inner.mkdir(parents=True)
        sound = (8_000 * rng.standard_normal(N_SAMPLES)).astype(np.int16)
        soundfile.write(inner / f"{number:06}.wav", sound, RATE)


def prepare(source: Path, out: Path) -> tuple[float, float, int]:
    """Seconds of a run, its peak in MiB, and how many files it decoded."""
    wsnet = [sys.executable, "-m", "wsnet_cli", "prepare", str(source), "-o", str(out)]
    result = out.with_suffix(".json")
    started = perf_counter()
    with (
        result.open("w") as stdout,
        subprocess.Popen([*wsnet, "--rate", "8000", "-q", "--json"], stdout=stdout) as child,
    ):
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{wsnet}: exit code {child.returncode}")
    return seconds, usage.ru_maxrss / 1024, json.loads(result.read_text())["decoded"]


def main() -> None:
    """Measure and print."""
    n_many, n_few, n_rounds = (
        int(sys.argv[i + 1]) if len(sys.argv) > i + 1 else default
        for i, default in enumerate((100_000, 1_000, 5))
    )
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        lots = {"start": 2 * N_CLASSES, "few": n_few, "many": n_many}
        for seed, (lot, n_files) in enumerate(lots.items()):
            make_files(work / lot, n_files, seed)
        start_s = statistics.median(
            prepare(work / "start", work / f"s{i}")[0] for i in range(n_rounds)
        )
        few = []
        for i in range(n_rounds):
            few.append(prepare(work / "few", work / f"few{i}"))
            if i == n_rounds // 2:
                many = prepare(work / "many", work / "out-many")
        again = prepare(work / "many", work / "out-many")
        few_s, few_mib = (statistics.median(run[i] for run in few) for i in range(2))
        few_ms, many_ms = (few_s - start_s) / n_few * 1e3, (many[0] - start_s) / n_many * 1e3
        print(f"{n_few:,} files: {few_ms:.3f} ms a file, peak {few_mib:.1f} MiB")
        print(f"{n_many:,} files: {many_ms:.3f} ms a file, peak {many[1]:.1f} MiB")
        print(f"{many[1] - few_mib:.1f} MiB more; {many_ms / few_ms:.2f} times a file's time")
        print(f"again: {again[0]:.1f} s, {again[2]} decoded, peak {again[1]:.1f} MiB")


if __name__ == "__main__":
    answer_help(__doc__)
    main()

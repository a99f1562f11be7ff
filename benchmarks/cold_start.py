"""Seconds from typing `wsnet predict CLIP` to its end.

python benchmarks/cold_start.py CLIP [ROUNDS]: whole processes, interleaved with one that imports
numpy, soundfile and soxr alone; prints medians and the median of the paired ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter


def seconds(command: list[str]) -> float:
    """Wall-clock time of a child process that must succeed."""
    started = perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return perf_counter() - started


def main() -> None:
    """Measure and print."""
    clip = sys.argv[1]
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    commands = {
        "predict": [sys.executable, "-m", "wsnet_cli", "predict", clip, "-q"],
        "imports": [sys.executable, "-c", "import numpy, soundfile, soxr"],
    }
    rounds = [
        {name: seconds(command) for name, command in commands.items()} for _ in range(n_rounds)
    ]
    for name in commands:
        times = [times[name] for times in rounds]
        print(f"{name}: median {statistics.median(times):.3f} s, slowest {max(times):.3f} s")
    ratios = [times["predict"] / times["imports"] for times in rounds]
    print(f"ratio: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()

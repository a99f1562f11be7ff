"""Memory that `wsnet predict` takes for ten minutes of sound and for an hour.

python benchmarks/long_clip.py [MODEL]: makes 44.1 kHz recordings in a temporary folder (the hour of
WAV takes 320 MB there) and prints the peak resident memory of a child process for each.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile

RATE = 44_100
MINUTES = (10, 60)
MOST_MIB = 150
MOST_GROWTH = 1.1


def write_noise(path: Path, minutes: int) -> None:
    """Write noise with a quiet minute in the middle, a minute at a time."""
    rng = np.random.default_rng(0)
    minute = (3_000 * rng.standard_normal(60 * RATE)).astype(np.int16)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as out:
        for number in range(minutes):
            out.write(minute * (number != minutes // 2))


def measure(clip: Path, model: str) -> tuple[float, float]:
    """Seconds and peak MiB of `wsnet predict` in a process of its own, which must succeed."""
    arguments = ["predict", str(clip), "-m", model, "-q", "--format", "csv"]
    command = [sys.executable, "-m", "wsnet_cli", *arguments]
    started = perf_counter()
    with Path(os.devnull).open("w") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)]
        process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: failed")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss: bytes there, KiB elsewhere
    return perf_counter() - started, usage.ru_maxrss / unit


def main() -> None:
    """Make, measure, print."""
    model = sys.argv[1] if len(sys.argv) > 1 else "esc10"
    print(f"{'clip':12} {'s':>7} {'x real time':>11} {'peak MiB':>9}")
    peaks: dict[str, list[float]] = {"wav": [], "flac": []}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            for kind, found in peaks.items():
                clip = Path(folder) / f"{minutes}-min.{kind}"
                write_noise(clip, minutes)
                seconds, peak = measure(clip, model)
                clip.unlink()
                found.append(peak)
                print(f"{clip.name:12} {seconds:7.2f} {60 * minutes / seconds:11.0f} {peak:9.1f}")
    for kind, (short, long) in peaks.items():
        held = long <= MOST_MIB and long <= MOST_GROWTH * short
        print(
            f"{kind}: the hour takes {long / short:.2f} times what ten minutes take; "
            f"at most {MOST_GROWTH} times and {MOST_MIB} MiB: {'held' if held else 'NOT HELD'}"
        )


if __name__ == "__main__":
    main()

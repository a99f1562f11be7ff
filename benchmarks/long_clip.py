"""Memory and time that a long recording takes, for its score and for its timeline.

python benchmarks/long_clip.py [MODEL] [--minutes 10 600] [--rate 8000]: makes a recording of each
length in a temporary folder (600 minutes at 8 kHz take 576 MB there as WAV), and measures a child
process for each: `wsnet predict` for one score, and the windows of `Classifier.hear_windows`,
merged into events, for the timeline, which must be complete to the last window.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile

MOST_MIB = 150
MOST_GROWTH = 1.1


def write_noise(path: Path, minutes: int, rate: int) -> None:
    """Write noise with a quiet minute in the middle, a minute at a time."""
    rng = np.random.default_rng(0)
    minute = (3_000 * rng.standard_normal(60 * rate)).astype(np.int16)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as out:
        for number in range(minutes):
            out.write(minute * (number != minutes // 2))


def timeline(clip: Path, model: str) -> None:
    """Hear all windows of a clip, as the child process; fail where one is missing."""
    from wsnet_cli.bulk.predicting.events import find_events
    from wsnet_cli.engine.session import Classifier
    from wsnet_cli.engine.timeline import WindowScores

    classifier = Classifier.load(model)
    windows = classifier.hear_windows(classifier.open_file(clip))
    ends_s: list[float] = []
    n_windows = 0

    def counted(part: WindowScores) -> WindowScores:
        nonlocal n_windows
        n_windows += len(part.scores)
        ends_s[:] = [float(part.ends_s[-1])]
        return part

    n_events = sum(1 for _ in find_events(map(counted, windows)))
    audio = classifier.model.audio
    n_samples = round(windows.duration_s * audio.sample_rate)
    expected = 1 - (audio.window_samples - n_samples) // audio.hop_samples
    if abs(ends_s[0] - windows.duration_s) > 0.01 or abs(n_windows - expected) > 1:
        raise SystemExit(f"{n_windows} windows to {ends_s[0]} s of {windows.duration_s} s")
    print(f"  {n_windows} windows, {n_events} events, the last window ends at {ends_s[0]:.2f} s")


def measure(arguments: Sequence[str], *, quiet: bool) -> tuple[float, float]:
    """Seconds and peak MiB of python with these arguments, which must succeed."""
    command = [sys.executable, *arguments]
    started = perf_counter()
    with Path(os.devnull).open("w") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)] if quiet else []
        process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: failed")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss: bytes there, KiB elsewhere
    return perf_counter() - started, usage.ru_maxrss / unit


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="esc10")
    parser.add_argument("--minutes", nargs=2, type=int, default=(10, 60))
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--timeline-of", type=Path, help="the child's side")
    options = parser.parse_args()
    if options.timeline_of:
        timeline(options.timeline_of, options.model)
        return
    print(f"{'clip':12} {'what':8} {'s':>7} {'x real time':>11} {'peak MiB':>9}", flush=True)
    peaks: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            for kind in ("wav", "flac"):
                clip = Path(folder) / f"{minutes}-min.{kind}"
                write_noise(clip, minutes, options.rate)
                predict = ["-m", "wsnet_cli", "predict", str(clip), "-m", options.model, "-q"]
                listen = [__file__, options.model, "--timeline-of", str(clip)]
                for what, arguments in (("score", predict), ("timeline", listen)):
                    seconds, peak = measure(arguments, quiet=what == "score")
                    peaks.setdefault((kind, what), []).append(peak)
                    pace = 60 * minutes / seconds
                    print(f"{clip.name:12} {what:8} {seconds:7.2f} {pace:11.0f} {peak:9.1f}")
                clip.unlink()
    for (kind, what), (short, long) in peaks.items():
        held = long <= MOST_MIB and long <= MOST_GROWTH * short
        print(
            f"{kind}, {what}: the long one takes {long / short:.2f} times the short one's memory; "
            f"at most {MOST_GROWTH} times and {MOST_MIB} MiB: {'held' if held else 'NOT HELD'}"
        )


if __name__ == "__main__":
    main()

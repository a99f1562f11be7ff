"""What `wsnet compress` keeps over all folds: accuracy before and after, paired, and bytes.

python benchmarks/compression.py JOB DATA --bits 8 32KB 4 [--seed 0] [--device cpu] [--jobs 1]: JOB
is the folder of `wsnet train DATA --fold all`. Each of its runs is compressed by the command, to so
many bits everywhere or into so many KB, with its own fold held out and no gate, and both models are
measured on that fold. Prints a row for each: the accuracies over all folds, their difference with
its 95 % interval (recordings drawn again), clips lost and gained, and the files' bytes, the largest
against those of the dense SoundNet-8 with ten classes in float32. Files that are there already, in
JOB/compressed/, are measured again and not made again. `--json FILE` writes the same numbers and
what was said of each clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsnet_cli.bulk.before_after import BeforeAfter, measure_both
from wsnet_cli.bulk.clip_audio import FileAudio
from wsnet_cli.bulk.labelled import clips_of_data
from wsnet_cli.core.artifact import load_model
from wsnet_cli.core.bootstrap import number_recordings
from wsnet_cli.core.evaluation import recording_of
from wsnet_cli.core.paired import compare

DENSE_BYTES = 11_530_152
"""SoundNet-8 with global average pooling and ten outputs, with batch norm, in float32."""
KB = "KB"
TARGETS = (180, 310)
"""Ratios that files are held against."""
COLUMNS = (
    *("bits", "before %", "after %", "difference in points (95 %)", "lost / gained", "bytes"),
    *("largest of dense", "by fold, %"),
)


@dataclass(frozen=True)
class Fold:
    """One run: its fold, the file made of it, and what both models said."""

    name: str
    n_bytes: int
    outcome: BeforeAfter


def compress(run: Path, fold: str, target: Path, arguments: argparse.Namespace, bits: str) -> None:
    """By the command, as anyone would."""
    asked = ["--max-kb", bits.removesuffix(KB)] if bits.endswith(KB) else ["--bits", bits]
    command = [sys.executable, "-m", "wsnet_cli", "compress", str(run), *asked]
    command += ["--data", str(arguments.data), "--fold", fold, "--max-drop", "100"]
    command += ["--seed", str(arguments.seed), "--device", arguments.device, "-o", str(target)]
    if arguments.no_fine_tune:
        command.append("--no-fine-tune")
    if arguments.jobs > 1:
        command += ["--threads", "1"]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def measure_bits(
    runs: list[tuple[str, Path]], arguments: argparse.Namespace, bits: str
) -> list[Fold]:
    """Compress what is not compressed yet, and measure all folds."""
    folder = arguments.job / "compressed"
    folder.mkdir(exist_ok=True)
    suffix = f"q{bits}" if bits.isdigit() else bits
    targets = [(f, run, folder / f"{run.name}.{suffix}.wsnet") for f, run in runs]
    missing = [(run, f, target) for f, run, target in targets if not target.exists()]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done in [pool.submit(compress, *item, arguments, bits) for item in missing]:
            done.result()
    return [_measure(f, run, target, arguments.data) for f, run, target in targets]


def _measure(fold: str, run: Path, target: Path, data: Path) -> Fold:
    before, after = load_model(run / "model.wsnet"), load_model(target)
    outcome = measure_both(before, after, clips_of_data(data, fold), FileAudio())
    return Fold(fold, target.stat().st_size, outcome)


def pool(folds: list[Fold]) -> dict[str, Any]:
    """The folds together, as plain values."""
    before = np.concatenate([f.outcome.before.right for f in folds])
    after = np.concatenate([f.outcome.after.right for f in folds])
    clips = [clip for f in folds for clip in f.outcome.before.clips]
    recordings = number_recordings(recording_of(clip.file, clip.group) for clip in clips)
    found = compare(after[np.newaxis], before[np.newaxis], recordings)
    largest = max(f.n_bytes for f in folds)
    return {
        "n_clips": len(clips),
        "n_recordings": int(recordings.max()) + 1,
        "before": found.accuracies[1],
        "after": found.accuracies[0],
        "difference": found.difference,
        "difference_interval": list(found.interval),
        "n_lost": len(found.second_better),
        "n_gained": len(found.first_better),
        "p_value": found.p_value,
        "bytes": [f.n_bytes for f in folds],
        "dense_ratio": DENSE_BYTES / largest,
        "folds": [
            {"fold": f.name, "before": f.outcome.values[0], "after": f.outcome.values[1]}
            for f in folds
        ],
        "clips": [
            {"clip": clip.file, "before": bool(b), "after": bool(a)}
            for clip, b, a in zip(clips, before, after, strict=True)
        ],
    }


def show(bits: str, row: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    low, high = row["difference_interval"]
    folds = ", ".join(f"{100 * f['before']:.1f} to {100 * f['after']:.1f}" for f in row["folds"])
    return (
        f"| {bits} | {100 * row['before']:.2f} | {100 * row['after']:.2f} | "
        f"{100 * row['difference']:+.2f} ({100 * low:+.2f} to {100 * high:+.2f}) | "
        f"{row['n_lost']} / {row['n_gained']} | {min(row['bytes']):,} to {max(row['bytes']):,} | "
        f"1/{row['dense_ratio']:.0f} | {folds} |"
    )


def main() -> None:
    """Compress, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bits", nargs="+", default=["8", "4"])
    parser.add_argument("--no-fine-tune", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = json.loads((arguments.job / "results.json").read_text())
    runs = [(str(run["fold"]), arguments.job / run["run"]) for run in results["runs"]]
    targets = ", ".join(f"1/{n} is {DENSE_BYTES // n:,} bytes" for n in TARGETS)
    print(f"{arguments.job.name}: {len(runs)} folds; of the dense SoundNet-8, {targets}\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    rows = {}
    for bits in arguments.bits:
        rows[bits] = pool(measure_bits(runs, arguments, bits))
        print(show(bits, rows[bits]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

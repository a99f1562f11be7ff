"""What `wsnet compress` keeps over all folds: accuracy before and after, paired, and bytes.

python benchmarks/compression.py JOB [JOB ...] DATA --bits 8 32KB 4 [--seed 0] [--device cpu]
[--jobs 1]: JOB is the folder of `wsnet train DATA --fold all`; several are of other seeds. Each of
their runs is compressed by the command, to so many bits everywhere or into so many KB, with its own
fold held out and no gate, and both models are measured on that fold. Prints a row for each: the
accuracies over all folds, their difference with its 95 % interval (recordings drawn again, each
clip with its mean over seeds), clips right less and more often, and the files' bytes, the largest
against those of the dense SoundNet-8 with ten classes in float32. Files that are there already, in
JOB/compressed/, are measured again and not made again. `--json FILE` writes the same numbers and
what was said of each clip, for `benchmarks/compression_table.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from results_table import DENSE_REFERENCE_BYTES, in_points
from row_files import write_json

from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.clips.labelled import clips_of_data
from wsnet_cli.bulk.compressing.before_after import BeforeAfter, measure_both
from wsnet_cli.core.errors import DataError
from wsnet_cli.core.measures.bootstrap import number_recordings
from wsnet_cli.core.measures.evaluation import recording_of
from wsnet_cli.core.measures.paired import compare
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.run_files import MODEL, RESULTS

KB = "KB"
TARGETS = (180, 310)
"""Ratios that files are held against."""
COLUMNS = (
    *("bits", "before %", "after %", "difference in points (95 %)", "lost / gained", "bytes"),
    *("largest of dense", "by fold, %"),
)

HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


@dataclass(frozen=True)
class Fold:
    """One run: its fold, bytes of its file and of the one made of it, and what both said."""

    name: str
    n_bytes_before: int
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
    if arguments.at_once > 1:
        command += ["--threads", "1"]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def runs_in(job: Path) -> list[tuple[str, Path]]:
    """Fold and folder of each run of a job."""
    results = json.loads((job / RESULTS).read_text())
    return [(str(run["fold"]), job / run["run"]) for run in results["runs"]]


def measure_bits(
    job: Path, runs: list[tuple[str, Path]], arguments: argparse.Namespace, bits: str
) -> list[Fold]:
    """Compress what of a job is not compressed yet, and measure all folds."""
    folder = job / "compressed"
    folder.mkdir(exist_ok=True)
    suffix = f"q{bits}" if bits.isdigit() else bits
    targets = [(f, run, folder / f"{run.name}.{suffix}.wsnet") for f, run in runs]
    missing = [(run, f, target) for f, run, target in targets if not target.exists()]
    with ThreadPoolExecutor(arguments.at_once) as pool:
        for done in [pool.submit(compress, *item, arguments, bits) for item in missing]:
            done.result()
    return [_measure(f, run, target, arguments.data) for f, run, target in targets]


def _measure(fold: str, run: Path, target: Path, data: Path) -> Fold:
    source = run / MODEL
    before, after = load_model(source), load_model(target)
    outcome = measure_both(before, after, clips_of_data(data, fold), FileAudio())
    return Fold(fold, source.stat().st_size, target.stat().st_size, outcome)


def pool(seeds: list[list[Fold]]) -> dict[str, Any]:
    """The folds of all seeds together, as plain values.

    Raises: DataError: the seeds held out other clips.
    """
    clips = [clip for f in seeds[0] for clip in f.outcome.before.clips]
    names = [clip.file for clip in clips]
    for folds in seeds:
        if [clip.file for f in folds for clip in f.outcome.before.clips] != names:
            raise DataError("jobs that held out other clips; expected those of one row")
    before, after = (
        np.stack([np.concatenate([side(f.outcome).right for f in folds]) for folds in seeds])
        for side in (attrgetter("before"), attrgetter("after"))
    )
    recordings = number_recordings(recording_of(clip.file, clip.group) for clip in clips)
    found = compare(after, before, recordings)
    sizes = [f.n_bytes for folds in seeds for f in folds]
    return {
        "n_seeds": len(seeds),
        "n_clips": len(clips),
        "n_recordings": int(recordings.max()) + 1,
        "before": found.accuracies[1],
        "after": found.accuracies[0],
        "difference": found.difference,
        "difference_interval": list(found.interval),
        "n_lost": len(found.second_better),
        "n_gained": len(found.first_better),
        "p_value": found.p_value,
        "bytes_before": max(f.n_bytes_before for folds in seeds for f in folds),
        "bytes": sizes,
        "dense_ratio": DENSE_REFERENCE_BYTES / max(sizes),
        "folds": [
            {
                "fold": same[0].name,
                "before": float(np.mean([f.outcome.values[0] for f in same])),
                "after": float(np.mean([f.outcome.values[1] for f in same])),
            }
            for same in zip(*seeds, strict=True)
        ],
        "clips": names,
        "right_before": before.astype(int).tolist(),
        "right_after": after.astype(int).tolist(),
    }


def show(bits: str, row: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    folds = ", ".join(f"{100 * f['before']:.1f} to {100 * f['after']:.1f}" for f in row["folds"])
    return (
        f"| {bits} | {100 * row['before']:.2f} | {100 * row['after']:.2f} | {points_of(row)} | "
        f"{row['n_lost']} / {row['n_gained']} | {min(row['bytes']):,} to {max(row['bytes']):,} | "
        f"1/{row['dense_ratio']:.0f} | {folds} |"
    )


def points_of(row: dict[str, Any]) -> str:
    """The difference in points, with its interval."""
    return in_points(row["difference"], row["difference_interval"])


def main() -> None:
    """Compress, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="+", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--bits", nargs="+", default=["8", "4"])
    parser.add_argument("--no-fine-tune", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", dest="at_once", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    targets = ", ".join(f"1/{n} is {DENSE_REFERENCE_BYTES // n:,} bytes" for n in TARGETS)
    print(f"{len(arguments.jobs)} seeds; of the dense SoundNet-8, {targets}\n")
    print(HEAD)
    rows = {}
    for bits in arguments.bits:
        seeds = [measure_bits(job, runs_in(job), arguments, bits) for job in arguments.jobs]
        rows[bits] = pool(seeds)
        print(show(bits, rows[bits]), flush=True)
    if arguments.json:
        write_json(arguments.json, rows)


if __name__ == "__main__":
    main()

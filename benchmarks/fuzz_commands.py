"""Damaged model and resume files by the command line: refused, or a command that works as it says.

python benchmarks/fuzz_commands.py [N] [--seed S]: N (200) files, half of them damaged blindly, half
lies with a right digest, each given to `info`, `predict`, `compress`, `evaluate` and `train
--from`, and N blind damages of a run's last.safetensors to `train --resume`. Counted for each:
refused (exit code 1, 2 or 4, and one line of an error), done (exit code 0, of a lie), silent (exit
code 0, of a blind damage that changed a byte), and traceback (of any kind, "bug in wsnet", a
warning, or something executed). The last two may not be.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fuzz_mutations import damage, lie
from fuzz_seeds import seed_files
from hostile_models import measure, run_to_resume, write_sounds

REFUSED, DONE, SILENT, BAD = "refused", "done", "silent", "traceback"
COLUMNS = (REFUSED, DONE, SILENT, BAD)


def outcome(row: dict[str, object], *, blind: bool) -> str:
    """What became of one command."""
    told = str(row["told"])
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    if "Traceback" in told or "bug in wsnet" in told or row["caught"] or "Warning:" in told:
        return BAD
    if row["code"] == 0:
        return SILENT if blind else DONE
    return REFUSED if row["code"] in (1, 2, 4) and len(errors) == 1 else BAD


def main() -> None:
    """Damage, run, count; exit code 1 where anything was silent or worse."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wsnet-fuzz-"))
    data = write_sounds(folder / "data", ("dog", "crying baby"))
    run = run_to_resume(data, folder)
    clip = str(data / "dog" / "0.wav")
    seeds, paths = seed_files(), []
    for number in range(options.n):
        dice = random.Random(f"{options.seed}:{number}")  # noqa: S311 - to be made again
        content = (damage, lie)[number % 2](seeds[dice.choice(list(seeds))], dice)
        paths.append(folder / f"{number}.wsnet")
        paths[-1].write_bytes(content)
    kinds = {
        "info": lambda path: ["info", str(path)],
        "predict": lambda path: ["predict", clip, "-m", str(path)],
        "compress": lambda path: ["compress", str(path), "-o", f"{path}.small"],
        "evaluate": lambda path: ["evaluate", str(path), str(data)],
        "train --from": lambda path: [
            *("train", str(data), "--from", str(path), "--epochs", "1", "-q", "--device", "cpu"),
            *("--name", f"of-{path.stem}"),
        ],
    }
    print(f"{'':16}" + "".join(f"{name:>12}" for name in COLUMNS))
    n_bad = 0
    for kind, command in kinds.items():
        told = measure([command(path) for path in paths], folder)
        n_bad += show(kind, told, paths, lambda number: number % 2 == 0)
    state = (run / "last.safetensors").read_bytes()
    runs, unchanged = [], set()  # zeros may change places with zeros
    for number in range(options.n):
        dice = random.Random(f"{options.seed}:resume:{number}")  # noqa: S311 - to be made again
        runs.append(folder / f"resume-{number}")
        shutil.copytree(run, runs[-1])
        content = damage(state, dice)
        unchanged |= {number} if content == state else set()
        (runs[-1] / "last.safetensors").write_bytes(content)
    told = measure([["train", "--resume", str(path), "-q"] for path in runs], folder)
    n_bad += show("train --resume", told, runs, lambda number: number not in unchanged)
    shutil.rmtree(folder)
    sys.exit(n_bad > 0)


def show(kind: str, told: list[dict[str, object]], paths: list[Path], is_blind: object) -> int:
    """A row of the table; return how many ended as they may not."""
    outcomes = [outcome(row, blind=is_blind(number)) for number, row in enumerate(told)]
    for path, row, found in zip(paths, told, outcomes, strict=True):
        if found in (SILENT, BAD):
            print(f"{kind}, {path.name}: {found}: {row}", file=sys.stderr)
    counts = Counter(outcomes)
    print(f"{kind:16}" + "".join(f"{counts[name]:12,}" for name in COLUMNS), flush=True)
    return counts[SILENT] + counts[BAD]


if __name__ == "__main__":
    main()

"""Hostile model files through every command that reads one: refused, in what time and memory.

python benchmarks/hostile_models.py: each file of tests/corpus/hostile.py is handed to `info`,
`predict`, `compress`, `evaluate`, `train --from`, and as the state of a run to `train --resume`,
all in one process for each command. Bars: refused with exit code 2 (1 to resume) and one line,
nothing executed or opened, 2 seconds, and 500 MB above what the process took before. Imports count
for neither: the first run of each command, on a file that is no model, is not shown.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from usage import answer_help

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from corpus.hostile import SENTINEL, write_hostile  # noqa: E402 - found by the line above

CODES = {"train --resume": {1, 2}}
"""Of a refusal; a state that is of another run or version is no wrong usage."""
MOST_SECONDS, MOST_BYTES = 2.0, 500_000_000


def write_sounds(folder: Path, labels: tuple[str, ...] = ("a", "b")) -> Path:
    """Two classes of a few short noises."""
    rng = np.random.default_rng(0)
    for label in labels:
        (folder / label).mkdir(parents=True)
        for i in range(6):
            samples = 0.1 * rng.standard_normal(8_000)
            soundfile.write(folder / label / f"{i}.wav", samples, 8_000)
    return folder


def run_to_resume(data: Path, folder: Path) -> Path:
    """A run folder as training leaves it."""
    options = ["-c", "demo", "--epochs", "1", "--set", "train.batch_size=4", "--device", "cpu"]
    command = [sys.executable, "-m", "wsnet_cli", "train", str(data), *options, "--name", "run"]
    subprocess.run([*command, "-q"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return folder / "runs" / "run"


def measure(commands: list[list[str]], folder: Path) -> list[dict[str, object]]:
    """What the child tells of each command."""
    child = [sys.executable, str(ROOT / "tests" / "hostile_child.py")]
    done = subprocess.run(
        child, input=json.dumps(commands), capture_output=True, text=True, cwd=folder, timeout=600
    )
    if done.returncode:
        sys.exit(f"the child died: {done.returncode}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """Measure and print; exit code 1 where a bar is not met."""
    folder = Path(tempfile.mkdtemp(prefix="wsnet-hostile-"))
    files = write_hostile(folder)
    data = write_sounds(folder / "data")
    run = run_to_resume(data, folder)
    (folder / "none.wsnet").write_bytes(b"no model")
    clip, out = str(data / "a" / "0.wav"), str(folder / "out.wsnet")
    kinds = {
        "info": lambda path: ["info", str(path)],
        "predict": lambda path: ["predict", clip, "-m", str(path)],
        "compress": lambda path: ["compress", str(path), "-o", out],
        "evaluate": lambda path: ["evaluate", str(path), str(data)],
        "train --from": lambda path: ["train", str(data), "--from", str(path), "-q"],
        "train --resume": lambda path: ["train", "--resume", str(path), "-q"],
    }
    n_bad = 0
    print(f"{'':34}" + "".join(f"{kind:>18}" for kind in kinds))
    rows: dict[str, list[str]] = {name: [] for name in files}
    for kind, command in kinds.items():
        places = {"": folder / "none.wsnet", **files}
        if kind == "train --resume":
            places = {name: _as_resume_file(run, path) for name, path in places.items()}
        told = measure([command(path) for path in places.values()], folder)
        for name, row in zip(files, told[1:], strict=True):
            more = row["more"]
            good = (
                row["code"] in CODES.get(kind, {2})
                and row["told"].count("\n") == 1
                and not row["caught"]
            )
            good = good and row["seconds"] <= MOST_SECONDS and more <= MOST_BYTES
            n_bad += not good
            rows[name].append(f"{row['seconds']:6.2f} s {more / 1e6:4.0f} MB{' ' if good else '!'}")
            if not good:
                print(f"{kind}, {name}: {row}", file=sys.stderr)
    for name, cells in rows.items():
        print(f"{name:34}" + "".join(f"{cell:>18}" for cell in cells))
    n_bad += (folder / SENTINEL).exists()
    shutil.rmtree(folder)
    print(f"{n_bad} beyond {MOST_SECONDS} s or {MOST_BYTES / 1e6:.0f} MB, told wrongly or executed")
    sys.exit(n_bad > 0)


def _as_resume_file(run: Path, path: Path) -> Path:
    """A copy of the run with that file, or whatever it is, for its state."""
    copy = run.with_name(f"run-{path.stem}")
    shutil.copytree(run, copy)
    (copy / "last.safetensors").unlink()
    path.rename(copy / "last.safetensors")
    return copy


if __name__ == "__main__":
    answer_help(__doc__)
    main()

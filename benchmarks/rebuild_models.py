"""Build a model that ships again, and tell how far it is the one that ships.

python benchmarks/rebuild_models.py NAME $DATA [-o FOLDER]: NAME is `digits` or `esc10`; the folder
$DATA holds the data sets, `fsdd` (the Free Spoken Digit Dataset) and `esc10` (ESC-10 in ESC-50's
layout). Trains, compresses and evaluates with the commands of RECIPES, in FOLDER, by default
runs/rebuilt-NAME. What is there already is not made again: a training that was stopped goes on.
Prints bytes and accuracy of both files on the same clips, and whether the files are the same. Other
processors, and other versions of torch, round in another order, so that other bytes are no fault.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsnet_cli.core.locate import find_shipped
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes

DATA, MODEL = "$DATA", "MODEL"
"""Stand in commands for the folder of data sets, and for a model file."""


@dataclass(frozen=True)
class Recipe:
    """The commands that make and judge a model; `run` is the folder that training writes."""

    train: str
    run: str
    compress: str
    evaluate: str
    clips: str

    @property
    def small_file(self) -> str:
        """What compressing writes, below the folder it works in."""
        return f"{self.run}/model.q8.wsnet"


DIGITS = "$DATA/fsdd --pattern '{label}_{group}_{index:test=0-4}'"
RECIPES = {
    "digits": Recipe(
        train=f"wsnet train {DIGITS} -c digits-16kb --seed 0 --threads 1 --device cpu",
        run="runs/digits-16kb",
        compress="wsnet compress runs/digits-16kb",
        evaluate=f"wsnet evaluate MODEL {DIGITS}",
        clips="the clips of the official test, which neither was trained on",
    ),
    "esc10": Recipe(
        train="wsnet train $DATA/esc10 -c esc10-maps-131kb --fold none"
        " --seed 0 --threads 1 --device cpu",
        run="runs/esc10-maps-131kb",
        compress="wsnet compress runs/esc10-maps-131kb",
        evaluate="wsnet evaluate MODEL $DATA/esc10",
        clips="the clips that both were trained on: how alike they are, not how good",
    ),
}


def run(command: str, folder: Path, words: dict[str, Path], *more: str) -> str:
    """What a command of RECIPES prints, run in a folder; ends the script if it fails."""
    name, *arguments = shlex.split(command)
    for sign, path in words.items():
        arguments = [argument.replace(sign, str(path)) for argument in arguments]
    print(f"+ {shlex.join([name, *arguments])}", file=sys.stderr)
    call = [sys.executable, "-m", "wsnet_cli", *arguments, *more]
    done = subprocess.run(call, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def rebuild(recipe: Recipe, data: Path, folder: Path) -> Path:
    """Train and compress what is not there yet; the 8-bit file."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / recipe.run / "model.wsnet").exists():
        begun = (folder / recipe.run).exists()
        command = f"wsnet train --resume {recipe.run}" if begun else recipe.train
        run(command, folder, {DATA: data})
    if not (folder / recipe.small_file).exists():
        run(recipe.compress, folder, {DATA: data})
    return folder / recipe.small_file


def measure(recipe: Recipe, path: Path, data: Path, folder: Path) -> dict[str, Any]:
    """The measures of a model file."""
    words = {DATA: data, MODEL: path}
    document: dict[str, Any] = json.loads(run(recipe.evaluate, folder, words, "--json", "--quiet"))
    return document


def likeness(shipped: Path, rebuilt: Path) -> str:
    """Whether two files are the same, or hold the same network, weights and labels."""
    ours, theirs = shipped.read_bytes(), rebuilt.read_bytes()
    if ours == theirs:
        return "the same bytes"
    provenance = load_model(shipped).provenance
    alike = (replace(load_model(path), provenance=provenance) for path in (shipped, rebuilt))
    if len({model_to_bytes(model) for model in alike}) == 1:
        return "the same network and weights; other words on where they come from"
    return "other weights"


def row(name: str, path: Path, found: dict[str, Any]) -> str:
    """A row of the table: bytes and accuracy."""
    low, high = found["accuracy_interval"]
    right = f"{found['n_right']} of {found['n_clips']}, {100 * found['accuracy']:.2f} %"
    return f"| {name} | {path.stat().st_size:,} | {right} ({100 * low:.1f} to {100 * high:.1f} %) |"


def main() -> None:
    """Rebuild one model and print how it compares."""
    parser = argparse.ArgumentParser(description="Build a model that ships again.")
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    recipe, data = RECIPES[asked.name], asked.data.absolute()
    folder = (asked.out or Path("runs", f"rebuilt-{asked.name}")).absolute()
    files = {"shipped": find_shipped(asked.name), "rebuilt": rebuild(recipe, data, folder)}
    print("| file | bytes | right (95 % interval) |\n|---|---|---|")
    for name, path in files.items():
        print(row(name, path, measure(recipe, path, data, folder)))
    print(f"\non {recipe.clips}\n{likeness(**files)}\nwritten: {files['rebuilt']}")


if __name__ == "__main__":
    main()

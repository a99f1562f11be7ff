"""What fine-tuning wins back of what few bits lose, and how the ways to do it compare.

python benchmarks/fine_tuning.py RUN [--bits 6 5 4] [--ways rounded teacher ...] [--epochs 30]
[--rate R] [--seeds 1]: RUN is the folder of a finished run, or of one over folds, whose data lies
where it was. A row for each number of bits and way, over all folds and seeds: right held-out clips
before and after in percent, the difference in points with its 95 % interval, the mean loss of the
last three epochs on the training part, and the minutes of a fold.

ways: `rounded`: no training; `teacher`: the default; `labels`: the same without the model as
teacher; `teacher-alone`: without labels; `chosen-steps`: as `teacher`, but the step of a layer's
codes is not trained: it is the one of least squared error, chosen anew at each step.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.quant import QuantizedTensor, quantize
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.modules.affine import (
    FILTERS,
    add_fake_quantization,
    affine,
    export_quantized,
    holders,
    weighted_blocks,
)
from wsnet_cli.learn.modules.fake_quantization import straight_through
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.prepared import PreparedData, find_data, prepare_data
from wsnet_cli.learn.run.run_folder import open_run_folder
from wsnet_cli.learn.training.trainer import EpochRow
from wsnet_cli.learn.tuning.fine_tune import FineTuning, fine_tune, recipe
from wsnet_cli.learn.tuning.tune_loop import Tuner

CPU = torch.device("cpu")
LAST_EPOCHS = 3


class Losses(SilentListener):
    """Keeps the loss of each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def epoch(self, row: EpochRow) -> None:
        """Note it."""
        self.losses.append(row.loss)


@dataclass(frozen=True)
class Fold:
    """A finished run: its model, and its data."""

    model: Model
    data: PreparedData
    config_file: str


@dataclass
class Tally:
    """Right clips before and after, over folds and seeds."""

    before: list[bool] = field(default_factory=list)
    after: list[bool] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)


class ChosenStep(nn.Module):
    """Symmetric codes whose step is that of least squared error each time: a parametrization."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def forward(self, real: Tensor) -> Tensor:
        """The values of the codes that `quantize` gives."""
        return straight_through(real, torch.from_numpy(self.quantized(real).values()))

    def quantized(self, real: Tensor) -> QuantizedTensor:
        """These codes."""
        return quantize(real.detach().numpy(), self.bits)


def chosen_steps(model: Model, bits: int, fold: Fold, settings: FineTuning, told: Losses) -> Model:
    """Fine-tuned with steps that are chosen anew each time."""
    config, small = recipe(model, load_config(fold.config_file), settings), compress(model, bits)
    torch.manual_seed(settings.seed)
    classifier = affine(model)
    add_fake_quantization(classifier, small)
    for block in weighted_blocks(classifier):
        inner, _ = holders(block)
        for name in FILTERS:
            if parametrize.is_parametrized(inner, name):
                parametrize.remove_parametrizations(inner, name, leave_parametrized=False)
                parametrize.register_parametrization(inner, name, ChosenStep(bits))
    Tuner(classifier, model, fold.data, config, settings, CPU).run(told)
    return replace(small, weights=export_quantized(classifier))


def tuned(model: Model, bits: int, fold: Fold, settings: FineTuning, told: Losses) -> Model:
    """Fine-tuned as `wsnet compress` does."""
    config = recipe(model, load_config(fold.config_file), settings)
    return fine_tune(model, bits, "symmetric", fold.data, config, settings, told, CPU)


def rounded(model: Model, bits: int, fold: Fold, settings: FineTuning, told: Losses) -> Model:
    """Not trained."""
    return compress(model, bits)


Way = Callable[[Model, int, Fold, FineTuning, Losses], Model]
TEACHER = FineTuning.teacher_share
WAYS: dict[str, tuple[Way, float]] = {
    "rounded": (rounded, TEACHER),
    "teacher": (tuned, TEACHER),
    "labels": (tuned, 0.0),
    "teacher-alone": (tuned, 1.0),
    "chosen-steps": (chosen_steps, TEACHER),
}
"""What each does, and the share of the teacher in the loss."""


def folds_of(path: Path) -> Iterator[Fold]:
    """The finished runs in a folder, or the one that it is."""
    paths = (
        [path]
        if (path / "config.yaml").is_file()
        else sorted(p.parent for p in path.glob("*/env.json"))
    )
    for each in paths:
        folder = open_run_folder(each)
        words = folder.read_environment()
        config = load_config(str(folder.config))
        found = find_data(Path(words["data"]), words["layout"], words["pattern"])
        data = prepare_data(found, config, words["fold"])
        yield Fold(load_model(folder.model), data, str(folder.config))


def right(model: Model, data: PreparedData) -> list[bool]:
    """Of each held-out clip, by the engine."""
    classifier, rate = Classifier(model), model.audio.sample_rate
    classes = data.classes(data.test)
    scores = [classifier.classify(data.packed.samples(i), rate) for i in data.test]
    named = [model.labels[int(row.argmax())] for row in scores]
    return [data.dataset.labels[k] == label for k, label in zip(classes, named, strict=True)]


def row(tally: Tally) -> str:
    """Points before and after, their difference and its interval by bootstrap of the clips."""
    before, after = (np.array(side, float) for side in (tally.before, tally.after))
    drawn = np.random.default_rng(0).integers(0, len(before), (10_000, len(before)))
    low, high = 100 * np.quantile((after - before)[drawn].mean(axis=1), [0.025, 0.975])
    loss = f"{np.mean(tally.losses):.4f}" if tally.losses else "-"
    change = 100 * (after - before).mean()
    return (
        f"{100 * before.mean():7.2f} {100 * after.mean():7.2f} {change:+7.2f} "
        f"[{low:+.2f} {high:+.2f}]  loss {loss}  {np.mean(tally.minutes):.1f} min"
    )


def main() -> None:
    """Print a row for each number of bits and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--bits", type=int, nargs="+", default=[6, 5, 4])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--epochs", type=int, default=FineTuning.epochs)
    parser.add_argument("--rate", type=float, default=FineTuning.rate)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folds = list(folds_of(asked.run))
    for bits in asked.bits:
        for name in asked.ways:
            way, share = WAYS[name]
            tally = Tally()
            for fold in folds:
                before = right(fold.model, fold.data)
                for seed in range(1 if name == "rounded" else asked.seeds):
                    settings = FineTuning(asked.epochs, asked.rate, share, seed=seed)
                    told, started = Losses(), perf_counter()
                    small = way(fold.model, bits, fold, settings, told)
                    tally.minutes.append((perf_counter() - started) / 60)
                    tally.before += before
                    tally.after += right(small, fold.data)
                    tally.losses += told.losses[-LAST_EPOCHS:]
            print(f"{bits} bits  {name:<14} {row(tally)}", flush=True)


if __name__ == "__main__":
    main()

"""What teachers do: a small network trained by labels alone and by a larger one, on the same clips.

python benchmarks/distillation.py DATA [PATTERN [EPOCHS [SEEDS]]]: dense SoundNet-8 of half the
channels is the teacher, one of an eighth the student, both trained for EPOCHS (6) epochs with the
same recipe; for each of SEEDS (1) seeds the student is trained alone and taught. Told are the
held-out accuracy, the share of held-out clips for which teacher and student name the same class,
and the mean divergence of the student's scores from the teacher's. Then the time of a training step
with the teacher beside the step without, in turn: the median of paired ratios.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from usage import answer_help

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.model import Model
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.prepared import PreparedData
from wsnet_cli.learn.run.ready import Ready, make_ready
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run import start_run
from wsnet_cli.learn.run.running import make_trainer
from wsnet_cli.learn.teachers.model_source import find_sources
from wsnet_cli.learn.team.team import Team

TEACHER_WIDTH, STUDENT_WIDTH = 0.5, 0.125
STEPS = 40
FROM_DATA = "from_data: [rate, window, pooling]"


def configure(width: float, epochs: int, seed: int, teacher: Path | None = None) -> Config:
    """A dense network of some width, and its recipe."""
    settings = (f"network.width={width}", f"train.epochs={epochs}", f"train.seed={seed}")
    more = (
        *settings,
        "train.warmup_epochs=1",
        "train.evaluate_every=0",
        "augment.mixing_share=0.2",
    )
    values = {} if teacher is None else {"train.distill.teachers": [str(teacher)]}
    return parse_config(FROM_DATA, "this script", (*settings, *more), values)


def prepare(request: Request) -> Ready:
    """Data and network of a request."""
    sources = find_sources(request.config)
    return make_ready(request, sources, SilentListener(), Team(), torch.device("cpu"))


def scores_of(model: Model, data: PreparedData) -> np.ndarray:
    """Scores of the held-out clips, [n, K]."""
    classifier, rate = Classifier(model), model.audio.sample_rate
    return np.stack([classifier.classify(data.packed.samples(i), rate) for i in data.test])


def compare(name: str, model: Model, data: PreparedData, teacher: np.ndarray) -> None:
    """A row: accuracy, agreement with the teacher, divergence from it."""
    scores = scores_of(model, data)
    right = np.mean(scores.argmax(axis=1) == data.classes(data.test))
    same = np.mean(scores.argmax(axis=1) == teacher.argmax(axis=1))
    said, floor = teacher.astype(np.float64), 1e-9
    apart = np.sum(said * (np.log(said + floor) - np.log(scores + floor)), axis=1).mean()
    print(f"{name:<18} {right:8.1%} {same:14.1%} {apart:10.3f}", flush=True)


def step_ratios(alone: Ready, taught: Ready) -> list[float]:
    """The time of a step with teachers over that of one without, of steps in turn."""
    trainers = [make_trainer(ready) for ready in (alone, taught)]
    ratios = []
    for _ in range(STEPS):
        times = []
        for trainer in trainers:
            started = perf_counter()
            trainer.run_epoch(lambda: True)
            times.append(perf_counter() - started)
        ratios.append(times[1] / times[0])
    return ratios[5:]


def main(source: str, pattern: str = "", epochs: str = "6", seeds: str = "1") -> None:
    """Train, compare, time."""
    with tempfile.TemporaryDirectory() as folder:
        request = Request(
            source=Path(source),
            config=configure(TEACHER_WIDTH, int(epochs), 0),
            preset="teacher",
            name="teacher",
            pattern=pattern or None,
            device="cpu",
            threads=1,
            runs=Path(folder),
        )
        teacher = start_run(request, SilentListener())
        data = prepare(request).data
        scores = scores_of(teacher.model, data)
        print(f"{len(data.train)} clips to train on, {len(data.test)} held out, {epochs} epochs")
        print(f"{'':<18} {'accuracy':>8} {'as the teacher':>14} {'divergence':>10}")
        compare("teacher", teacher.model, data, scores)
        for seed in range(int(seeds)):
            for name, model in (("alone", None), ("taught", teacher.folder.model)):
                config = configure(STUDENT_WIDTH, int(epochs), seed, model)
                student = replace(request, config=config, name=f"{name}-{seed}")
                result = start_run(student, SilentListener())
                compare(f"{name}, seed {seed}", result.model, data, scores)
        both = [
            prepare(replace(request, config=configure(STUDENT_WIDTH, int(epochs), 0, model)))
            for model in (None, teacher.folder.model)
        ]
        ratios = step_ratios(*both)
    print(
        f"a step with the teacher takes {statistics.median(ratios):.2f} times as long "
        f"(quartiles {', '.join(f'{q:.2f}' for q in statistics.quantiles(ratios))})"
    )


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    main(*sys.argv[1:])

"""What a run will take, from a few of its steps."""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import dataclass
from time import perf_counter

import torch

from ...core.configuration.settings import audio_settings
from ...core.errors import UsageError
from ..modules.network import WaveformClassifier
from ..training.held_out import look_at
from .ready import Ready
from .running import make_trainer

WARM_UP_STEPS = 2
"""Steps that are not measured: the first ones take memory and choose kernels."""
MEASURED_STEPS = 8
LOOKS = 8
"""Clips whose look is measured."""
SPARE = 0.95
"""Share of the hours that is planned with; the rest is for what varies."""


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Args:
        epochs: that are planned.
        steps: of all epochs.
        seconds_per_step: median.
        seconds: of the whole run, from its first step to its last look.
        memory_bytes: the most that this process (or its GPU) has held so far; None: not known.
        disk_bytes: of the run folder, twice the resume file included, since it is written beside.
    """

    epochs: int
    steps: int
    seconds_per_step: float
    seconds: float
    memory_bytes: int | None
    disk_bytes: int


def measure_steps(ready: Ready) -> Estimate:
    """Take a few steps on a trainer that is thrown away, and look at a few clips.

    Args:
        ready: of the run.

    Raises:
        TrainingError: a step fails.
    """
    trainer = make_trainer(ready)
    times: list[float] = []
    while len(times) < WARM_UP_STEPS + MEASURED_STEPS and not trainer.done:
        started = perf_counter()

        def note() -> bool:
            nonlocal started
            times.append(perf_counter() - started)
            started = perf_counter()
            return len(times) >= WARM_UP_STEPS + MEASURED_STEPS

        trainer.run_epoch(note)
    trainer.close()
    step_s = statistics.median(times[WARM_UP_STEPS:] or times)
    arrays, _ = trainer.state()
    n_state = sum(array.nbytes for array in arrays.values())
    n_model = ready.network.n_parameters * 4
    steps = trainer.n_steps
    return Estimate(
        epochs=ready.config.train.epochs,
        steps=steps,
        seconds_per_step=step_s,
        seconds=step_s * steps + _looks_s(ready, trainer.averaged_model()),
        memory_bytes=peak_memory(ready.device),
        disk_bytes=2 * n_state + n_model,
    )


def fit_into(hours: float, estimate: Estimate, planned: int) -> int:
    """The epochs that fit into so many hours, at most as many as are planned.

    Raises:
        UsageError: not one does.
    """
    per_epoch = estimate.seconds / planned
    epochs = min(planned, math.floor(SPARE * 3600 * hours / per_epoch))
    if epochs < 1:
        raise UsageError(
            f"--max-hours {hours:g}: an epoch takes about {per_epoch / 3600:.2g} h; "
            "expected time for one or more"
        )
    return epochs


def peak_memory(device: torch.device) -> int | None:
    """The most bytes that were held: of the GPU where one is used, else of this process.

    Returns: None where the system does not tell.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _looks_s(ready: Ready, model: WaveformClassifier) -> float:
    """Seconds of all looks at clips that are not trained on, and of the measuring at the end."""
    train, data = ready.config.train, ready.data
    n_looks = 2 + (train.epochs // train.evaluate_every if train.evaluate_every else 0)
    n_clips = n_looks * len(data.test) + train.epochs * len(data.validation)
    sample = (data.test or data.validation)[:LOOKS]
    if not sample:
        return 0.0
    audio = audio_settings(ready.config.audio)
    started = perf_counter()
    classes, members = data.classes(sample), data.members
    look_at(model, data.packed, sample, classes, audio, ready.device, members)
    return (perf_counter() - started) / len(sample) * n_clips

"""What the files of a run's folder, and of the folder of several runs, are called."""

from __future__ import annotations

from pathlib import Path

MODEL = "model.wsnet"
"""What predict, evaluate and compress take."""
CHECKPOINT = "last.safetensors"
"""All that resuming needs."""
CONFIG = "config.yaml"
"""The whole configuration, from the beginning on."""
ENVIRONMENT = "env.json"
"""Versions, and where the data was."""
SPLIT = "split.csv"
"""Every clip and its part."""
EPOCHS = "metrics.csv"
"""A row for every epoch."""
CURVES = "curves.svg"
"""The picture of these rows."""
METRICS = "metrics.json"
"""Measures of the held-out clips; written last of all, so that a run that has it has ended."""
CONFUSION = "confusion.csv"
"""How often each class was taken for each other one."""
PREDICTIONS = "predictions.csv"
"""What was said of each held-out clip."""
START = "start.wsnet"
"""The model that a run began from."""

JOB = "job.json"
"""What is asked of several runs, from the beginning on."""
RESULTS = "results.json"
"""What several runs say together, once they have ended."""
RESULTS_TABLE = "results.csv"
"""The same, a row for each run."""
SWEEP = "sweep.json"
"""What is asked of a sweep, in the folder that its jobs lie in."""


def holds_runs(folder: Path) -> bool:
    """Whether a folder is that of several runs over folds and seeds, finished or not."""
    return (folder / RESULTS).is_file() or can_continue_runs(folder)


def can_continue_runs(folder: Path) -> bool:
    """Whether a folder says what is asked of several runs, so that they can be gone on with."""
    return (folder / JOB).is_file()

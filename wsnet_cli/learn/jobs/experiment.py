"""One request trained over folds and seeds: which runs these are, and bringing all to their end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ...core.errors import TrainingError, UsageError
from ...core.quoting import quoted
from ...core.run_files import JOB
from ...data.dataset import DataSet
from ...data.dividing.splits import N_MADE_FOLDS
from ..environment import absolute, choose_device
from ..run.divided import divide_each
from ..run.job_teachers import check_jobs, keep_models
from ..run.listener import Listener
from ..run.prepared import PreparedData
from ..run.ready import make_ready
from ..run.request import Request
from ..run.run_folder import RunFolder, check_outside, check_run_name, locked
from ..run_names import run_names
from ..teachers.model_source import find_sources
from ..team.team import Team
from .experiment_folder import Experiment, open_experiment, place_experiment, say_passed_over
from .experiment_results import Results, write_results
from .jobs import Job, JobsListener, choose_n_workers, run_jobs

ALL_FOLDS = "all"


class ExperimentListener(Listener, JobsListener, Protocol):
    """Is told of the preparation, as of a run, and then of the runs."""

    def planned(self, data: PreparedData, n_runs: int, n_workers: int, folder: Path) -> None:
        """So many runs are about to go on in this folder, so many at once."""


@dataclass(frozen=True)
class Done:
    """Where the runs are, and what they say together."""

    folder: Path
    results: Results


def start_experiment(
    request: Request, seeds: Sequence[int], n_workers: int | None, listener: ExperimentListener
) -> Done:
    """Train a request for each fold and seed, or go on with that where it was stopped.

    The clips are decoded and compared once, before any run. The folder is `request.runs/name`; one
    that holds other things is left alone, and `name-2`, `name-3`, ... is taken.

    Args:
        request: `name` is of the whole, `fold` is `all`, names with commas between, or None;
            `threads` are those of each run, one by default.
        seeds: at least one.
        n_workers: processes at once, or None for as many as are good.
        listener: is told of progress.

    Raises:
        WsnetError: as `run.start_run` and `jobs.run_jobs`.
    """
    check_run_name(request.name)
    check_outside(request.source, request.runs)
    request = replace(request, threads=request.threads or 1, source=Path(absolute(request.source)))
    experiment, data = _plan(request, tuple(seeds), listener)
    folder = place_experiment(experiment, force=request.force)
    if line := say_passed_over(experiment, JOB, "job", folder):
        listener.remark(line)
    return _train(experiment, data, folder, n_workers, listener)


def resume_experiment(
    folder: Path,
    source: Path | None,
    device: str | None,
    n_workers: int | None,
    listener: ExperimentListener,
) -> Done:
    """Go on with what is missing; runs that came to their end are not repeated.

    Args:
        folder: of all the runs.
        source: the data, or None for where it was.
        device: to train on, or None for that of before.
        n_workers: as in `start_experiment`.
        listener: is told of progress.

    Raises:
        TrainingError: the data is not that of the runs.
        WsnetError: as `start_experiment`.
    """
    before = open_experiment(folder)
    request = before.request
    request = replace(request, source=source or request.source, device=device or request.device)
    experiment, data = _plan(request, before.seeds, listener)
    if before.models and experiment.models != before.models:
        raise TrainingError(
            f"{folder}: the models that its runs start from or learn from have changed since it "
            "began; expected the same to resume: start anew instead"
        )
    if (experiment.data, experiment.folds) != (before.data, before.folds):
        raise TrainingError(
            f"{request.source}: its clips, labels, folds or parts are not those of {folder}; "
            "expected the same to resume: start anew instead"
        )
    return _train(experiment, data, folder, n_workers, listener)


def jobs_of(experiment: Experiment, folder: Path) -> list[Job]:
    """A job for each fold and seed, in this order, in a folder of its name within `folder`."""
    request = replace(experiment.request, runs=folder, force=False, models=experiment.models)
    jobs = []
    for (fold, seed), name in run_names(experiment.folds, experiment.seeds).items():
        train = request.config.train.model_copy(update={"seed": seed})
        config = request.config.model_copy(update={"train": train})
        jobs.append(Job(name, replace(request, name=name, fold=fold, config=config)))
    return jobs


def resolve_folds(asked: str | None, dataset: DataSet) -> tuple[str | None, ...]:
    """The folds to hold out in turn.

    Args:
        asked: `all`, names with commas between, or None, which leaves the choice to each run.
        dataset: whose folds are used; where it has none, those that are made by content.

    Raises:
        UsageError: it has no such folds, or one stands there twice.
    """
    if asked is None or asked == "none" or asked in dataset.folds:
        return (asked,)
    if not dataset.folds and dataset.clips.split_words:
        raise UsageError(
            f"--fold {asked}: the data set has a split of its own and no folds; leave it out "
            "(wsnet prepare --folds 5 makes folds, where the split is not the authors')"
        )
    made = tuple(str(number + 1) for number in range(N_MADE_FOLDS))
    known = dataset.folds or made
    if asked == ALL_FOLDS:
        return known
    folds = tuple(part.strip() for part in asked.split(","))
    for fold in folds:
        if fold not in known:
            raise UsageError(
                f"--fold: no fold {quoted(fold)}; expected all or of {', '.join(known)}"
            )
    if len(set(folds)) < len(folds):
        raise UsageError(f"--fold {asked}: expected every fold once")
    return folds


def _plan(
    request: Request, seeds: tuple[int, ...], listener: Listener
) -> tuple[Experiment, PreparedData]:
    """Decode and compare the clips, and say which runs there are."""
    all_of_it = replace(request, fold="none", max_hours=None)
    sources = find_sources(request.config)
    device = choose_device(request.device)
    data = make_ready(all_of_it, sources, listener, Team(), device).data
    folds = resolve_folds(request.fold, data.dataset)
    validation = request.config.train.validation
    splits = divide_each(data.dataset, data.packed, folds, validation, data.together)
    check_jobs(sources.jobs, data, splits)
    if request.force:
        keep_models(sources, request.runs / request.name)
    return Experiment(request, folds, seeds, digest_of(data), sources.digest), data


def _train(
    experiment: Experiment,
    data: PreparedData,
    folder: Path,
    n_workers: int | None,
    listener: ExperimentListener,
) -> Done:
    jobs = jobs_of(experiment, folder)
    request = experiment.request
    device = choose_device(request.device).type
    n_workers = choose_n_workers(n_workers, len(jobs), request.threads or 1, device)
    with locked(RunFolder(folder)):
        listener.planned(data, len(jobs), n_workers, folder)
        go_on = f"go on with: wsnet train --resume {folder}"
        outcomes = run_jobs(jobs, n_workers, listener, go_on=go_on)
        results = Results.of(outcomes, [(job.request.fold, seed_of(job)) for job in jobs])
        write_results(folder, results)
    return Done(folder, results)


def seed_of(job: Job) -> int:
    """The seed of a job's run."""
    return job.request.config.train.seed


def digest_of(data: PreparedData) -> str:
    """Of the clips' content, labels, and all that divides them; not of their names."""
    digest = hashlib.sha256()
    clips = data.dataset.clips
    for i in range(len(clips)):
        clip = clips[i]
        line = (data.packed.content_keys[i], clip.label, clip.fold, clip.split, clip.group)
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()

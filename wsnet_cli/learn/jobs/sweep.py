"""Accuracy against size: sampled, plain and dense networks trained over folds and seeds."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import DataError, UsageError
from ...core.files import explain_os_errors, write_json_atomic, write_text_atomic
from ...core.measures.pooled import RunMeasures, pool
from ...core.run_files import SWEEP
from ...core.sizes.frontier import FRONTIER_HEADER, KINDS, FrontierPoint
from ...core.tables import csv_text
from ..environment import absolute, choose_device
from ..run.divided import refuse_faults
from ..run.from_data import settle
from ..run.job_teachers import check_jobs, keep_models
from ..run.prepared import PreparedData, find_data, prepare_data
from ..run.ready import check_teachers
from ..run.request import Request
from ..run.run_folder import RunFolder, check_outside, check_run_name, locked
from ..teachers.model_source import find_sources
from ..tuning.small_form import measure_small_form
from .experiment import ExperimentListener, digest_of, jobs_of, resolve_folds, seed_of
from .experiment_folder import Experiment, clear_runs, place, say_passed_over
from .experiment_results import Results, write_results
from .jobs import Job, Outcome, choose_n_workers, run_jobs
from .sweep_plan import Plan, Planned, plan_sweep

FRONTIER_FILES = ("frontier.csv", "frontier.json", "frontier.svg")


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Args:
        folder: of all its runs.
        points: by kind and size; of those networks whose runs are all finished, those of sizes
            that an earlier command asked for too.
        left_out: networks that were not trained, and why.
        failed: runs that failed, and why.
    """

    folder: Path
    points: tuple[FrontierPoint, ...]
    left_out: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "points": [point.as_json() for point in self.points],
            "left_out": [{"point": name, "reason": reason} for name, reason in self.left_out],
            "failed": [{"run": name, "error": error} for name, error in self.failed],
        }


def run_sweep(
    request: Request,
    sizes: Sequence[int],
    seeds: Sequence[int],
    n_workers: int | None,
    listener: ExperimentListener,
) -> Swept:
    """Train a sampled and a plain network for each size and the dense one, or go on with it.

    Whether all sizes can be met is known before a clip is decoded. Runs lie in
    `runs/name/<network>/`, each in a folder for its fold and seed; with the same request, whatever
    the sizes, runs that came to their end are not repeated and others go on. Largest networks are
    trained first, so that processes end at about the same time.

    Args:
        request: `name` is of the whole, `fold` as for `start_experiment`; its configuration is
            sampled.
        sizes: of 8-bit files, in bytes, different.
        seeds: at least one.
        n_workers: processes at once, or None for as many as are good.
        listener: is told of progress.

    Raises:
        WsnetError: as `sweep_plan.plan_sweep`, `experiment.start_experiment` and `jobs.run_jobs`;
            nothing would be held out.
    """
    check_run_name(request.name)
    check_outside(request.source, request.runs)
    if request.fold == "none":
        raise UsageError("--fold none: a sweep measures on what is held out; expected a fold")
    request = replace(request, threads=request.threads or 1, source=Path(absolute(request.source)))
    sources = find_sources(request.config)
    found = find_data(request.source, request.layout, request.pattern)
    settled = settle(request.config, found)
    if settled.chosen:
        listener.remark(f"from the data: {', '.join(settled.chosen)}")
    check_teachers(sources, settled.config, found)
    plan = plan_sweep(settled.config, sizes, request.preset, found, sources)
    listener.remark(f"networks: {', '.join(map(_say_network, plan.networks))}")
    datas: dict[str | None, PreparedData] = {}
    faults: list[DataError] = []
    for fold in resolve_folds(request.fold, found.dataset):
        try:
            data = prepare_data(found, settled.config, fold, listener.decoded)
        except DataError as error:
            faults.append(error)
            continue
        if data.test:
            datas[fold] = data
    refuse_faults(faults, datas)
    if not datas:
        raise DataError(f"{request.source}: {data.split.how}; a sweep measures on held-out clips")
    check_jobs(sources.jobs, data, {fold: one.split for fold, one in datas.items()})
    if request.force:
        keep_models(sources, request.runs / request.name)
    digest = digest_of(next(iter(datas.values())))
    experiment = Experiment(request, tuple(datas), tuple(seeds), digest, sources.digest)
    folder = place(experiment, SWEEP, _clear if request.force else None)
    if line := say_passed_over(experiment, SWEEP, "sweep", folder):
        listener.remark(line)
    return _train(experiment, plan, datas, folder, n_workers, listener)


def _train(
    experiment: Experiment,
    plan: Plan,
    datas: Mapping[str | None, PreparedData],
    folder: Path,
    n_workers: int | None,
    listener: ExperimentListener,
) -> Swept:
    jobs = {network.name: _jobs(experiment, network, folder) for network in plan.networks}
    by_size = sorted(plan.networks, key=lambda network: -(network.max_bytes or float("inf")))
    all_jobs = [job for network in by_size for job in jobs[network.name]]
    request = experiment.request
    device = choose_device(request.device).type
    n_workers = choose_n_workers(n_workers, len(all_jobs), request.threads or 1, device)
    with locked(RunFolder(folder)):
        listener.planned(next(iter(datas.values())), len(all_jobs), n_workers, folder)
        outcomes = {out.name: out for out in run_jobs(all_jobs, n_workers, listener)}
        for name, its_jobs in jobs.items():
            _write_results(folder / name, its_jobs, outcomes)
        points = [
            _measure(network, jobs[network.name], outcomes, datas, listener)
            for network in sorted(plan.networks, key=lambda network: KINDS.index(network.kind))
        ]
        failed = [(out.name, out.error) for out in outcomes.values() if out.error is not None]
        points += _of_earlier_sizes(folder, jobs)
        known = sorted(filter(None, points), key=FrontierPoint.by_kind_and_size)
        swept = Swept(folder, tuple(known), plan.left_out, tuple(failed))
        _write(swept)
    return swept


def _jobs(experiment: Experiment, network: Planned, folder: Path) -> list[Job]:
    """The runs of a network, named after it too."""
    own = replace(experiment, request=replace(experiment.request, config=network.config))
    jobs = jobs_of(own, folder / network.name)
    return [Job(f"{network.name}/{job.name}", job.request) for job in jobs]


def _measure(
    network: Planned,
    jobs: Sequence[Job],
    outcomes: Mapping[str, Outcome],
    datas: Mapping[str | None, PreparedData],
    listener: ExperimentListener,
) -> FrontierPoint | None:
    """The point of a network; None where one of its runs failed."""
    runs: list[RunMeasures] = []
    sizes: list[tuple[int, int]] = []
    for job in jobs:
        finished, fold = outcomes[job.name].finished, job.request.fold
        if finished is None:
            return None
        small = measure_small_form(finished.folder, datas[fold], listener)
        runs.append(RunMeasures(job.name, fold, seed_of(job), small.n_bytes, small.measures))
        sizes.append((small.n_bytes, small.n_parameters))
    pooled = pool(runs)
    assert pooled.all_runs.accuracy is not None
    assert pooled.interval is not None
    return FrontierPoint(
        point=network.name,
        kind=network.kind,
        max_bytes=network.max_bytes,
        n_bytes=max(n for n, _ in sizes),
        n_weights=sizes[0][1],
        n_clips=pooled.all_runs.n_clips,
        accuracy=pooled.all_runs.accuracy,
        interval=pooled.interval,
    )


def _of_earlier_sizes(folder: Path, now: Collection[str]) -> list[FrontierPoint]:
    """What earlier commands found of networks that are still there, and are none of these."""
    try:
        points = json.loads((folder / "frontier.json").read_bytes())["points"]
        known = [FrontierPoint.from_json(values) for values in points]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # none, or damaged
    return [one for one in known if one.point not in now and (folder / one.point).is_dir()]


def _write_results(folder: Path, jobs: Sequence[Job], outcomes: Mapping[str, Outcome]) -> None:
    """What the runs of a network say before they are compressed, as several runs are written."""
    own = [replace(outcomes[job.name], name=job.name.rpartition("/")[2]) for job in jobs]
    places = [(job.request.fold, seed_of(job)) for job in jobs]
    write_results(folder, Results.of(own, places))


def _say_network(network: Planned) -> str:
    return f"{network.name} (width {network.config.network.width:.3g})"


def _write(swept: Swept) -> None:
    """frontier.csv, where there is a point, then frontier.json. Raises: FileError."""
    table = swept.folder / "frontier.csv"
    if swept.points:
        rows = [point.as_cells() for point in swept.points]
        write_text_atomic(table, csv_text(FRONTIER_HEADER, rows))
    else:
        with explain_os_errors("delete", table):
            table.unlink(missing_ok=True)
    write_json_atomic(swept.folder / "frontier.json", swept.as_json())


def _clear(folder: Path) -> None:
    """Delete what an earlier sweep wrote."""
    for name in (*FRONTIER_FILES, SWEEP):
        (folder / name).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name.startswith(KINDS) and path.is_dir() and not path.is_symlink():
            clear_runs(path)

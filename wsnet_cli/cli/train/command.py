"""`wsnet train`: train a classifier on a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.configuration.presets import DEFAULT_PRESET
from ...core.errors import UsageError
from ...core.run_files import can_continue_runs
from ..shared import options
from ..shared.light import require
from ..shared.sizes import to_bytes
from ..shared.waiting import let_threads_sleep
from ..showing import console
from ..showing.metrics_tables import show_metrics
from ..showing.training import is_first, listening
from .checks import (
    check_config,
    check_data,
    check_layout,
    refuse_beside_resume,
    run_name,
)
from .many import (
    choose_seeds,
    refuse_beside_job,
    refuse_beside_run,
    resume_many,
    train_many,
)

if TYPE_CHECKING:
    from ...learn.run.listener import Listener
    from ...learn.run.request import Request
    from ...learn.run.run import Result

MOST_HOURS = 100_000


def train(
    context: typer.Context,
    data: options.DataArgument = None,
    config: Annotated[
        str, typer.Option("-c", "--config", help="A preset's name or a YAML file.")
    ] = DEFAULT_PRESET,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Go on from a model's network and weights."),
    ] = None,
    teachers: Annotated[
        list[str] | None,
        typer.Option(
            "--teacher",
            metavar="MODEL",
            help="Learn from a model, or a job's runs of the same fold; may be repeated.",
        ),
    ] = None,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[
        str | None,
        typer.Option(
            "--fold",
            help="Hold out a fold (2), several (1,3) or each in turn (all); none: no clip.",
        ),
    ] = None,
    seeds: options.Seeds = None,
    jobs: options.RunsAtOnce = None,
    epochs: options.Epochs = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of torch.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Of the run folder; default the preset's name.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Go on with this interrupted run.")
    ] = None,
    max_kb: options.MaxKb = None,
    max_hours: Annotated[
        float | None,
        typer.Option("--max-hours", help="Plan only as many epochs as fit into so many hours."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Log for TensorBoard, in the run folder.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take; train nothing.")
    ] = False,
    settings: options.Set = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Train a classifier on a folder with one sub-folder of recordings per class.

    Writes runs/<name>/, with model.wsnet in it; of several folds or seeds, a folder for each run
    and results.json.

    Example: wsnet train sounds/ -c esc10-wsnet --fold 1 --set train.lr=1e-3
    """
    require("torch", "sklearn", "matplotlib")
    let_threads_sleep()
    overrides = list(settings or [])
    overrides += [f"train.epochs={epochs}"] if epochs is not None else []
    overrides += [f"train.seed={seed}"] if seed is not None else []
    if max_hours is not None and not 0 < max_hours <= MOST_HOURS:
        raise UsageError(f"--max-hours {max_hours:g}; expected more than 0, at most {MOST_HOURS:,}")
    of_one_run = {"--max-hours": max_hours, "--tensorboard": tensorboard or None}
    if resume:
        refuse_beside_resume(context)
        if data is not None:
            check_data(data)
        if can_continue_runs(resume):
            refuse_beside_job({"--epochs": epochs, **of_one_run})
            resume_many(resume, data, device, jobs, json)
            return
        refuse_beside_run(jobs)
        with listening(tensorboard) as listener:
            result = _resume(resume, data, device, epochs, max_hours, listener)
    else:
        source = check_data(data)
        check_layout(layout, pattern)
        checked = check_config(config, overrides, start, teachers)
        preset = run_name(config)
        several = choose_seeds(fold, seeds, seed, checked.train.seed)
        # torch is imported only now that all else is known to be right
        from ...learn.run.request import Request

        request = Request(
            source=source,
            config=checked,
            preset=preset,
            name=name or preset,
            layout=layout,
            pattern=pattern,
            fold=fold,
            device=device,
            threads=threads,
            force=force,
            max_hours=max_hours,
            max_bytes=to_bytes("--max-kb", max_kb),
        )
        if several:
            refuse_beside_job({"--dry-run": dry_run or None, **of_one_run})
            train_many(request, several, jobs, json)
            return
        refuse_beside_run(jobs)
        if dry_run:
            _estimate(request, json)
            return
        from ...learn.run.run import start_run

        with listening(tensorboard) as listener:
            result = start_run(request, listener)
    if is_first():
        _show(result, json)


def _resume(
    run: Path,
    data: Path | None,
    device: str,
    epochs: int | None,
    max_hours: float | None,
    listener: Listener,
) -> Result:
    from ...learn.run.run import resume_run

    return resume_run(run, data, device, listener, epochs=epochs, max_hours=max_hours)


def _estimate(request: Request, json: bool) -> None:
    """Say what a run would take."""
    from ...learn.run.run import estimate_run
    from ..showing.training import show_estimate

    with listening() as listener:
        estimate = estimate_run(request, listener)
    if json:
        console.print_json(asdict(estimate))
    else:
        show_estimate(estimate)


def _show(result: Result, json: bool) -> None:
    metrics = result.metrics
    if json:
        console.print_json(
            {
                "run": str(result.folder.path),
                "model": str(result.folder.model),
                "bytes": result.n_bytes,
                "metrics": metrics.as_json() if metrics else None,
            }
        )
        return
    if metrics:
        show_metrics(metrics)
    console.note(f"model: {result.folder.model.absolute()} ({result.n_bytes:,} bytes)")
    console.note(f"next: wsnet compress {result.folder.path}")

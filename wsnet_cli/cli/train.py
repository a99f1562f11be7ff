"""`wsnet train`: train a classifier on a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import UsageError
from . import console, options
from .evaluate import show_metrics

if TYPE_CHECKING:
    from ..learn.run import Result

DEFAULT_PRESET = "default"


def train(
    data: options.DataArgument = None,
    config: Annotated[
        str, typer.Option("-c", "--config", help="A preset's name or a YAML file.")
    ] = DEFAULT_PRESET,
    fold: Annotated[
        str | None, typer.Option("--fold", help="Fold to hold out; none trains on everything.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0)] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, mps.")] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of torch.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Of the run folder; default the preset's name.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Go on with this interrupted run.")
    ] = None,
    settings: options.Set = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Train a classifier on a folder with one sub-folder of recordings per class.

    Writes runs/<name>/, with model.wsnet in it.

    Example: wsnet train sounds/ -c esc10-wsnet --fold 1 --set train.lr=1e-3
    """
    overrides = list(settings or [])
    overrides += [f"train.epochs={epochs}"] if epochs is not None else []
    overrides += [f"train.seed={seed}"] if seed is not None else []
    if resume:
        _refuse_beside_resume(config, fold, name, overrides)
    elif data is None:
        raise UsageError("DATA is missing; expected a folder with a sub-folder per class")
    _check_data(data)

    from ..core.config_file import load_config
    from ..learn.run import Request, resume_run, start_run
    from .training import ConsoleListener

    with ConsoleListener() as listener:
        if resume:
            result = resume_run(resume, data, device, listener)
        else:
            assert data is not None
            checked = load_config(config, overrides)
            request = Request(
                data,
                checked,
                config,
                name or _run_name(config),
                fold,
                device,
                threads,
                force,
            )
            result = start_run(request, listener)
    _show(result, json)


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


def _check_data(data: Path | None) -> None:
    """Say at once what would otherwise be said after seconds of importing torch."""
    if data is not None and not data.exists():
        raise UsageError(f"{data}: no such folder or manifest; expected the data to train on")


def _refuse_beside_resume(
    config: str, fold: str | None, name: str | None, overrides: list[str]
) -> None:
    given = [
        flag
        for flag, present in (
            ("--config", config != DEFAULT_PRESET),
            ("--fold", fold is not None),
            ("--name", name is not None),
            ("--set, --epochs and --seed", bool(overrides)),
        )
        if present
    ]
    if given:
        raise UsageError(
            f"--resume: {', '.join(given)} cannot change in the middle of a run; leave it out, "
            "or start a new run"
        )


def _run_name(config: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(config).stem).lstrip(".-") or "run"

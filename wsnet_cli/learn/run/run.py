"""A whole training run: data, network, training, model file and measures, in one run folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.configuration.config_file import dump_config, load_config
from ...core.errors import TrainingError, UsageError
from ...core.files import remove_stale, write_text_atomic
from ...core.run_files import ENVIRONMENT
from ..environment import absolute, choose_device, describe_machine
from ..teachers.model_source import find_sources, kept_sources
from ..team.team import Team
from ..team.torch_team import joined
from .estimate import Estimate, fit_into, measure_steps
from .finish import Result as Result
from .job_teachers import with_teachers
from .listener import Listener
from .prepared import layout_now
from .ready import Ready, make_ready
from .request import Request
from .run_folder import (
    RunFolder,
    check_outside,
    check_run_name,
    locked,
    new_run_folder,
    open_run_folder,
)
from .running import Run, save_every_s


def start_run(request: Request, listener: Listener) -> Result:
    """Train from the beginning.

    Raises:
        TrainingError: the models that it needs are not those of `request.models`.
        WsnetError: bad data, configuration or device; interrupted after saving; a full disk.
    """
    check_run_name(request.name)
    check_outside(request.source, request.runs)
    save_every_s()  # wrong values are told before any work
    sources = find_sources(request.config)
    if request.models and sources.digest != request.models:
        raise TrainingError(
            "the models to start from or to learn from have changed since the runs beside it "
            "began; expected the same for all: start anew"
        )
    with joined(choose_device(request.device)) as (team, device):
        ready = make_ready(request, sources, listener, team, device)
        ready = with_teachers(ready, request.fold, listener)
        if request.max_hours is not None:
            ready = _within(ready, request.max_hours, listener)
        folder = _new_folder(request, team)
        with locked(folder, team):
            if team.rank == 0:
                ready.sources.save(folder.path)
                write_text_atomic(folder.config, dump_config(ready.config))
                folder.write_split(ready.data.dataset, ready.data.packed, ready.data.split)
                folder.write_json(ENVIRONMENT, _environment(request, ready))
            run = Run(folder, request.preset, ready, listener, request.max_hours)
            return run.finish([])


def resume_run(
    path: Path,
    source: Path | None,
    device_name: str,
    listener: Listener,
    *,
    epochs: int | None = None,
    max_hours: float | None = None,
) -> Result:
    """Go on with an interrupted run where it stopped; the outcome is as if it never had.

    Args:
        path: the run's folder.
        source: the data, or None for where it was.
        device_name: as in `Request`.
        listener: is told of progress.
        epochs: as many in all, not fewer than before; the learning rate then follows the schedule
            over the new total. None: as many as before.
        max_hours: after so long it stops and saves.

    Raises:
        TrainingError: data, classes or configuration are not those of the run.
        WsnetError: as `start_run`.
    """
    save_every_s()
    folder = open_run_folder(path)
    environment = folder.read_environment()
    config = load_config(str(folder.config))
    if not folder.checkpoint.is_file():
        raise UsageError(f"{path}: nothing was saved to resume from; start the run again")
    if epochs is not None and epochs < config.train.epochs:
        raise UsageError(
            f"--epochs {epochs}: {path} is of {config.train.epochs} epochs; expected as many or "
            "more, or a new run"
        )
    if epochs is not None:
        train = config.train.model_copy(update={"epochs": epochs})
        config = config.model_copy(update={"train": train})
    data = source or Path(str(environment.get("data")))
    request = Request(
        source=data,
        config=config,
        preset=str(environment.get("preset")),
        name=path.name,
        layout=layout_now(data, environment.get("layout")),
        pattern=environment.get("pattern"),
        fold=environment.get("fold"),
        device=device_name,
        threads=environment.get("threads"),
    )
    sources = kept_sources(config, path)
    with joined(choose_device(device_name)) as (team, device), locked(folder, team):
        if team.rank == 0:
            remove_stale(path)
        ready = make_ready(request, sources, listener, team, device)
        run = Run(folder, request.preset, ready, listener, max_hours)
        rows = run.restore()
        if team.rank == 0:
            folder.write_json(ENVIRONMENT, {**environment, "data": absolute(request.source)})
            write_text_atomic(folder.config, dump_config(config))
        return run.finish(rows)


def estimate_run(request: Request, listener: Listener) -> Estimate:
    """What a run would take, from a few of its steps; nothing is written but the cache.

    Raises:
        WsnetError: as `start_run`.
    """
    sources = find_sources(request.config)
    with joined(choose_device(request.device)) as (team, device):
        ready = make_ready(request, sources, listener, team, device)
        ready = with_teachers(ready, request.fold, listener)
        if request.max_hours is not None:
            ready = _within(ready, request.max_hours, listener)
        return measure_steps(ready)


def _within(ready: Ready, hours: float, listener: Listener) -> Ready:
    """The same with as few epochs as fit, and a word where these are fewer than were planned."""
    planned = ready.config.train.epochs
    epochs = fit_into(hours, measure_steps(ready), planned)
    # The first process decides: they have not measured the same.
    epochs = int(ready.team.share(str(epochs).encode() if ready.team.rank == 0 else None))
    if epochs == planned:
        return ready
    listener.remark(f"{epochs} instead of {planned} epochs, to end within {hours:g} h")
    train = ready.config.train.model_copy(update={"epochs": epochs})
    return replace(ready, config=ready.config.model_copy(update={"train": train}))


def _new_folder(request: Request, team: Team) -> RunFolder:
    """The first process makes it; the others are told where it is."""
    name = None
    if team.rank == 0:
        made = new_run_folder(request.name, force=request.force, root=request.runs)
        name = os.fsencode(made.path)
    return RunFolder(Path(os.fsdecode(team.share(name))))


def _environment(request: Request, ready: Ready) -> dict[str, Any]:
    """What a reader of the run may want to know, and where its data was."""
    return {
        "data": absolute(request.source),
        "layout": ready.data.dataset.layout,
        "pattern": request.pattern,
        "preset": request.preset,
        "fold": request.fold,
        **describe_machine(ready.device),
        "processes": ready.team.size,
        "leaks": ready.sources.warnings(ready.data.content(ready.data.test)),
    }

"""`wsnet sweep`: accuracy against the size of the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.configuration.presets import DEFAULT_PRESET
from ..core.errors import TrainingError
from ..core.files import write_atomic
from ..core.sizes.frontier import KB
from .shared import options
from .shared.light import require
from .shared.sizes import parse_sizes
from .shared.waiting import let_threads_sleep
from .showing import console
from .train.checks import check_config, check_data, check_layout, run_name
from .train.many import choose_seeds, told_when_stopped

if TYPE_CHECKING:
    from ..learn.jobs.sweep import Swept

DEFAULT_SIZES = "16,32,64,128"
PICTURE = "frontier.svg"


def sweep(
    data: options.DataArgument = None,
    sizes: Annotated[
        str, typer.Option("--kb", metavar="KB,KB,...", help="Sizes of the 8-bit files.")
    ] = DEFAULT_SIZES,
    config: Annotated[
        str, typer.Option("-c", "--config", help="A preset's name or a YAML file, sampled.")
    ] = DEFAULT_PRESET,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[
        str | None,
        typer.Option("--fold", help="Hold out a fold (2), several (1,3) or each in turn (all)."),
    ] = None,
    seeds: options.Seeds = None,
    jobs: options.RunsAtOnce = None,
    epochs: options.Epochs = None,
    seed: options.Seed = None,
    device: options.Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of each run; default 1.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Of the folder of all runs.")] = "sweep",
    settings: options.Set = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Train a sampled and a plain network of each size and the dense one; compare them.

    Writes runs/<name>/, with a folder for each network, frontier.csv, .json and .svg. The same
    command again goes on where it stopped.

    Example: wsnet sweep sounds/ --kb 16,32,64,128 --seeds 3
    """
    require("torch", "sklearn", "matplotlib")
    let_threads_sleep()
    overrides = list(settings or [])
    overrides += [f"train.epochs={epochs}"] if epochs is not None else []
    overrides += [f"train.seed={seed}"] if seed is not None else []
    wanted = parse_sizes("--kb", sizes)
    source = check_data(data)
    check_layout(layout, pattern)
    checked = check_config(config, overrides, None, None)
    several = choose_seeds(fold, seeds, seed, checked.train.seed) or (checked.train.seed,)
    # torch is imported only now that all else is known to be right
    from ..learn.jobs.sweep import run_sweep
    from ..learn.run.request import Request
    from .showing.jobs_meter import JobsMeter

    request = Request(
        source=source,
        config=checked,
        preset=run_name(config),
        name=name,
        layout=layout,
        pattern=pattern,
        fold=fold,
        device=device,
        threads=threads,
        force=force,
    )
    with told_when_stopped(), JobsMeter() as listener:
        swept = run_sweep(request, wanted, several, jobs, listener)
    _show(swept, _draw(swept), json)


def _draw(swept: Swept) -> Path | None:
    """Draw the picture where there is a point; its path. One of other points goes."""
    picture = swept.folder / PICTURE
    if not swept.points:
        picture.unlink(missing_ok=True)
        return None
    from ..report.frontier import draw_frontier

    write_atomic(picture, draw_frontier(swept.points, swept.points[0].n_clips))
    return picture


def _show(swept: Swept, picture: Path | None, json: bool) -> None:
    if json:
        shown = None if picture is None else str(picture)
        console.print_json({"sweep": str(swept.folder), "picture": shown, **swept.as_json()})
    else:
        if swept.points:
            show_points(swept)
        for name, reason in swept.left_out:
            console.note(f"{name}: left out: {reason}")
        if picture is not None:
            console.note(f"picture: {picture.absolute()}")
    if swept.failed:
        (name, line), n = swept.failed[0], len(swept.failed)
        more = f" (and {n - 1} more)" if n > 1 else ""
        raise TrainingError(f"{n} run{'s' if n > 1 else ''} failed: {name}: {line}{more}")


def show_points(swept: Swept) -> None:
    """The table of networks; there is at least one."""
    rows = []
    for point in swept.points:
        low, high = (f"{100 * bound:.1f}" for bound in point.interval)
        size, rate = f"{point.n_bytes / KB:,.1f}", f"{100 * point.accuracy:.1f}"
        rows.append((point.point, size, f"{point.n_weights:,}", rate, f"{low} to {high}"))
    headings = ("network", "KB at 8 bits", "weights and constants", "accuracy %", "95 % interval")
    console.print_table(headings, rows, numbers=(1, 2, 3, 4))
    console.result(f"on {swept.points[0].n_clips:,} held-out clips, by the engine that predicts")

"""`wsnet info`: what a model or preset is made of; or what there is to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import UsageError
from ..core.files import exists
from .shared import options
from .showing import console
from .showing.ledger_table import show_ledger

if TYPE_CHECKING:
    from ..core.describe import NetworkTable
    from ..engine.report import EngineReport

ASSUMED_CLASSES = 10
"""Of a preset, which has none before it is trained; as many as ESC-10 and the digits have."""


def info(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL or PRESET]", help="Without it, all presets, models and runs are listed."
        ),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option("--classes", min=2, help="Classes assumed for a preset; 10 if not given."),
    ] = None,
    engine: Annotated[
        bool, typer.Option("--engine", help="How the engine computes each layer, and why.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show the layers of a model or preset with their compactness, weights, bytes and arithmetic.

    Example: wsnet info esc10-wsnet --engine
    """
    if what is None:
        flag = "--engine" if engine else "--classes" if classes is not None else ""
        if flag:
            raise UsageError(f"{flag}: expected a MODEL or PRESET as well")
        _list(json)
        return
    from ..core.configuration.config_file import find_config
    from ..core.configuration.presets import preset_names
    from ..core.describe import describe_model_file, describe_preset
    from ..core.locate import find_model, shipped_names

    is_preset = what in preset_names() or Path(what).suffix in (".yaml", ".yml")
    if not (is_preset or what in shipped_names() or exists(Path(what))):
        find_config(what, shipped_names())  # refuses, and offers what is near, and what ships
    if is_preset:
        table = describe_preset(what, ASSUMED_CLASSES if classes is None else classes)
    elif classes is None:
        table = describe_model_file(find_model(what))
    else:
        raise UsageError(f"--classes {classes}: {what} is a model and has its own; leave it out")
    plan = _plan(table) if engine else None
    if json:
        console.print_json(table.as_json() | ({"engine": plan.as_json()} if plan else {}))
        return
    _show(table)
    if plan:
        _show_plan(plan)


def _plan(table: NetworkTable) -> EngineReport:
    from ..engine.report import engine_report

    return engine_report(table.network, table.n_samples)


def _show_plan(plan: EngineReport) -> None:
    console.result(f"engine: {plan.name}")
    if plan.note:
        console.result(f"  {plan.note}")
    ways = sorted({way for layer in plan.layers for way in layer.nanoseconds})
    rows = [
        (
            layer.name,
            layer.way,
            *(_microseconds(layer.nanoseconds.get(way)) for way in ways),
            layer.why,
        )
        for layer in plan.layers
    ]
    headings = ("layer", "way", *(f"us {way}" for way in ways), "why")
    console.print_table(headings, rows, numbers=range(2, 2 + len(ways)))


def _microseconds(nanoseconds: float | None) -> str:
    return "" if nanoseconds is None else f"{nanoseconds / 1000:.1f}"


def _show(table: NetworkTable) -> None:
    console.result(table.title)
    for name, value in table.facts.items():
        console.result(f"  {name}: {value}")
    rows = [
        (
            row.name,
            row.kind,
            row.filters,
            row.sampling,
            f"{row.compactness:.1f}x",
            f"{row.n_weights:,}",
            f"{row.n_bytes:,}",
            *(_millions(row.multiply_adds[way]) for way in table.ways),
        )
        for row in table.rows
    ]
    totals = (
        *("total", "", "", "", f"{table.compactness:.1f}x"),
        *(f"{table.n_weights:,}", f"{table.n_bytes:,}"),
        *(_millions(n) for n in table.total_multiply_adds.values()),
    )
    headings = (
        *("layer", "kind", "filters", "sampling", "compact", "weights", "bytes"),
        *(f"M mult-adds {way}" for way in table.ways),
    )
    console.print_table(headings, [*rows, totals], numbers=range(4, len(headings)))
    if table.ledger:
        show_ledger(table.ledger)


def _millions(n: int) -> str:
    return f"{n / 1e6:.2f}"


def _list(json: bool) -> None:
    from ..core.describe import list_presets, list_runs, list_shipped

    found: dict[str, list[dict[str, Any]]] = {
        "presets": list_presets(),
        "models": list_shipped(),
        "runs": list_runs(Path("runs")),
    }
    if json:
        console.print_json(found)
        return
    titles = {"presets": "presets", "models": "models that ship", "runs": "runs in runs/"}
    for key, title in titles.items():
        rows = [
            tuple("-" if value is None else str(value) for value in entry.values())
            for entry in found[key]
        ]
        if rows:
            console.print_table(tuple(found[key][0]), rows, title=title)
        else:
            console.result(f"{title}: none")

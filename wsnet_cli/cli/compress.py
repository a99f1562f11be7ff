"""`wsnet compress`: make a model small."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import UsageError
from ..core.files import exists, is_folder
from . import console, options
from .ledger_table import ledger_json, show_ledger


def compress(
    model: options.ModelArgument,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write there; default <stem>.q8.wsnet beside the model."),
    ] = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Write the 8-bit file of a model and show what it takes in bytes.

    Example: wsnet compress runs/default -o sounds.q8.wsnet
    """
    from ..core.artifact import load_model, save_model
    from ..core.ledger import make_ledger
    from ..core.locate import find_model
    from ..core.model import compress as to_8_bits

    source = find_model(model)
    target = out or _default_target(source)
    if is_folder(target):
        raise UsageError(f"-o {target}: is a folder; expected a file's name")
    if exists(target) and not force:
        raise UsageError(f"{target}: exists; give another name with -o, or --force")
    small = to_8_bits(load_model(source))
    n_bytes = save_model(target, small)
    ledger = make_ledger(small, n_bytes)
    if json:
        console.print_json({"model": str(source), "out": str(target), **ledger_json(ledger)})
        return
    show_ledger(ledger)
    console.note(f"written: {target.absolute()}")


def _default_target(source: Path) -> Path:
    """Beside the model, but never inside the installed package."""
    from ..core.locate import SUFFIX, shipped_folder

    name = f"{source.name.removesuffix(SUFFIX).removesuffix('.q8')}.q8{SUFFIX}"
    return Path(name) if source.parent == shipped_folder() else source.with_name(name)

"""Options that several commands share, with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..showing.console import verbosity


def _set_quiet(value: bool) -> None:
    if value:
        verbosity.level = -1


def _set_verbose(value: bool) -> None:
    if value:
        verbosity.level = 1


def _set_debug(value: bool) -> None:
    if value:
        verbosity.debug = True


Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", callback=_set_quiet, help="Only results, warnings and errors."),
]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", callback=_set_verbose, help="Tell more on the way.")
]
Debug = Annotated[
    bool, typer.Option("--debug", callback=_set_debug, help="Show a traceback if something fails.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "-s", "--set", metavar="KEY=VALUE", help="Set any configuration key; may be repeated."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--workers",
        min=1,
        show_default=False,
        help="Files worked on at once; by default one for each processor.",
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="NAME",
        show_default=False,
        help="Read DATA as class-folders, manifest, esc-50, urbansound8k, ...; else found out.",
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="TEXT",
        show_default=False,
        help="How DATA's files are named, such as {label}_{group}_{index}.",
    ),
]
MaxKb = Annotated[
    float | None,
    typer.Option(
        "--max-kb",
        metavar="KB",
        show_default=False,
        help="Choose width and sampling so that the 8-bit file fits; 1 KB is 1,000 bytes.",
    ),
]
Seeds = Annotated[
    str | None, typer.Option("--seeds", help="How many seeds, or which: 3, or 0,1,2.")
]
RunsAtOnce = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, show_default=False, help="Runs at once; by default one a processor."
    ),
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Sets train.epochs.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Sets train.seed.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, mps.")]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model file, a run folder, or a shipped model.")
]
DataArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        help="A folder with a sub-folder per class, a manifest, or a known data set.",
    ),
]

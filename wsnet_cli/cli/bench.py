"""`wsnet bench`: how fast models run here, against other ways of running them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..core.counting import plural
from .shared import options
from .showing import console


def bench(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL or PRESET]...",
            help="To time; by default SoundNet-8, dense, narrow and sampled, on one window of 5 s.",
        ),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Some of native, numpy, onnxruntime, onnxruntime-2d, torch and torch-compile; "
            "without it all but the last, which takes a while to compile.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is timed.")] = 30,
    seconds: Annotated[
        float | None, typer.Option(min=0.001, help="Length of a window; else the model's own.")
    ] = None,
    clip: Annotated[
        str | None, typer.Option(metavar="FILE", help="Audio to run on in place of noise.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Windows in one call; times are for one window.")
    ] = 1,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads of the native engine, which share a batch.")
    ] = 1,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL[/PEER]", help="What ratios refer to; else the last model."),
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Time each layer of the native engine too.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, noise and order.")] = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Time models in the engines of wsnet, in torch and in ONNX Runtime, one thread each.

    Everything runs once in each round, in random order; ratios compare times of the same round.
    Logits are compared first, and nothing is timed that computes something else.

    Example: wsnet bench esc10 esc10-narrow --seconds 5 --layers
    """
    from ..bench.child import measure
    from ..bench.run import Request

    names = tuple(name.strip() for name in peers.split(",")) if peers is not None else ()
    request = Request(
        tuple(models or ()), names, rounds, seconds, clip, batch, threads, layers, against, seed
    )
    with console.progress("measuring") as advance:
        document = measure(request, advance)
    for reason in _reasons(document["left_out"]):
        console.note(reason)
    if json:
        console.print_json(document)
    else:
        _show(document)


def _reasons(left_out: list[dict[str, str]]) -> list[str]:
    """One line for every peer and reason, whatever the models."""
    return list(dict.fromkeys(f"{row['peer']} is left out: {row['reason']}" for row in left_out))


def _show(document: dict[str, Any]) -> None:
    reference = document["reference"]
    rows = [
        (
            row["subject"],
            row["peer"],
            f"{row['median_ms']:.3f}",
            "{:.3f} to {:.3f}".format(*row["quartiles_ms"]),
            f"{row['ratio']:.2f}x",
            "{:.2f} to {:.2f}".format(*row["ratio_range"]),
        )
        for row in document["results"]
    ]
    headings = (
        *("model", "run by", "ms", "half of the rounds", "time"),
        "nine rounds of ten",
    )
    console.print_table(headings, rows, numbers=(2, 3, 4, 5))
    machine, n_threads = document["machine"], document["threads"]
    threads = "one thread" if n_threads == 1 else f"{n_threads} threads, peers with one"
    console.note(
        f"time: relative to {reference['subject']} run by {reference['peer']}; "
        f"{plural(document['rounds'], 'round')}, {threads}; {machine['processor']}"
    )
    if document["layers"]:
        _show_layers(document["layers"])


def _show_layers(layers: list[dict[str, Any]]) -> None:
    rows = [
        (
            row["subject"],
            row["layer"],
            row["way"],
            f"{row['multiply_adds'] / 1e6:.2f}",
            f"{row['median_us']:.1f}",
            "{:.1f} to {:.1f}".format(*row["quartiles_us"]),
            "" if row["multiply_adds_ns"] is None else f"{row['multiply_adds_ns']:.1f}",
            f"{row['estimated_us']:.1f}",
        )
        for row in layers
    ]
    headings = (
        *("model", "layer", "way", "M mult-adds", "us", "half of the rounds"),
        *("mult-adds/ns", "us by the plan"),
    )
    console.print_table(headings, rows, title="native engine, by layer", numbers=range(3, 8))

"""`wsnet predict`: classify files, or what a recorder sends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import ParameterError, UsageError
from ...core.locate import DEFAULT_MODEL, find_model, find_shipped
from ..shared import options
from ..shared.exits import EXIT_SOME_FAILED
from ..showing import console

if TYPE_CHECKING:
    from ...bulk.inputs.sources import Inputs
    from ...bulk.predicting.request import Request
    from ...bulk.writers.writer import Counts, Facts
    from ...core.sound.pcm import PcmFormat
    from ...engine.session import Classifier
    from .checks import Delivery


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Audio files, folders, globs, @LIST (a file of names), or - (standard input).",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="Model file, run folder, or shipped model."),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, help="Labels per clip or window; 1 without this."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Least score of a label that is told.")
    ] = None,
    no_unknown: Annotated[
        bool,
        typer.Option("--no-unknown", help="Tell the best label, whatever the model's thresholds."),
    ] = False,
    aggregate: Annotated[
        str | None,
        typer.Option(
            "--aggregate", help="How windows become a clip's scores: mean (the default) or max."
        ),
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="A row for each window instead of each clip.")
    ] = False,
    window: Annotated[
        float | None,
        typer.Option("--window", metavar="SECONDS", help="Length of a window; a timeline."),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option("--hop", metavar="SECONDS", help="From window to window; a timeline."),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="One row for neighbouring windows of one label.")
    ] = False,
    gap: Annotated[
        float | None,
        typer.Option("--gap", metavar="SECONDS", help="Longest gap that --merge closes."),
    ] = None,
    channel: Annotated[
        int | None,
        typer.Option("--channel", min=1, help="Hear this channel, from 1, not the average of all."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="table, csv, json, jsonl, parquet, audacity, raven; or several, with commas.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write to this file, or folder, instead of stdout."),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option("--embeddings", help="Write features there too: .npy, .csv or .parquet."),
    ] = None,
    sort_into: Annotated[
        Path | None,
        typer.Option("--sort-into", help="Copy each file into a folder of its label in there."),
    ] = None,
    link: Annotated[bool, typer.Option("--link", help="Make links there, not copies.")] = False,
    raw_rate: Annotated[
        int | None,
        typer.Option("--raw-rate", min=1, help="Standard input has no header: its rate in Hz."),
    ] = None,
    raw_format: Annotated[
        str | None,
        typer.Option("--raw-format", help="How its samples are written; s16le without this."),
    ] = None,
    raw_channels: Annotated[
        int | None, typer.Option("--raw-channels", min=1, help="Its channels; 1 without this.")
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Begin again, and write over outputs that are there."),
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Classify audio files.

    A file that cannot be read gets a row that says why, and exit code 3. With -o, a run that was
    stopped goes on where it was when the same command is given again.

    Example: wsnet predict clip.wav recordings/ --top-k 3 -o labels.csv

    Example: arecord -f S16_LE -r 16000 | wsnet predict - --threshold 0.8
    """
    from .checks import check_view, make_delivery, make_request

    live = inputs == ["-"]
    request = make_request(
        top_k=top_k,
        threshold=threshold,
        timeline=timeline,
        window=window,
        hop=hop,
        merge=merge,
        gap=gap,
        aggregate=aggregate,
        channel=channel,
        features=embeddings is not None,
        live=live,
        no_unknown=no_unknown,
    )
    delivery = make_delivery(
        format_=format_,
        json=json,
        out=out,
        embeddings=embeddings,
        sort_into=sort_into,
        link=link,
        force=force,
    )
    check_view(request, delivery)
    raw = _raw_format(raw_rate, raw_format, raw_channels, live)
    counts = _run(inputs, model, request, delivery, workers, live, raw)
    if counts.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _run(
    words: list[str],
    model: str | None,
    request: Request,
    delivery: Delivery,
    workers: int | None,
    live: bool,
    raw: PcmFormat | None,
) -> Counts:
    from ...core.parallel import count_workers
    from .run import run_shown

    path = find_shipped(DEFAULT_MODEL) if model is None else find_model(model)
    if model is None:
        console.note(
            f"no model named: using {DEFAULT_MODEL}, which ships with wsnet (-m names one)"
        )
    if live:
        return _run_live(path, model, request, delivery, raw)
    inputs = _list(words, delivery)
    targets = None
    if delivery.is_durable:
        from .durable import plan_targets, run_durable

        targets = plan_targets(delivery, inputs.names)
    classifier, facts, request = _load(path, model, request)
    n_workers = count_workers(workers, len(inputs.names))
    if targets:
        return run_durable(classifier, inputs, request, targets, facts, n_workers, path)
    return run_shown(classifier, inputs, request, delivery.formats[0], facts, n_workers)


def _run_live(
    path: Path, model: str | None, request: Request, delivery: Delivery, raw: PcmFormat | None
) -> Counts:
    from .live import check_live, run_live

    check_live(delivery)
    classifier, facts, request = _load(path, model, request)
    return run_live(classifier, request, delivery, facts, raw)


def _load(path: Path, model: str | None, request: Request) -> tuple[Classifier, Facts, Request]:
    """The model in the windows that are asked for, what is true of all rows, and what is asked."""
    from ...bulk.predicting.predict import fit
    from ...bulk.predicting.terms import terms_of
    from ...bulk.writers.writer import Facts
    from ...engine.session import Classifier

    classifier = fit(Classifier.load(path), request)
    several, decides = classifier.multi_label, classifier.model.calibration.decides
    request = request.settled(multi_label=several, decides=decides)
    facts = Facts(
        model=model or DEFAULT_MODEL,
        labels=classifier.labels,
        sample_rate=classifier.model.audio.sample_rate,
        channel=request.channel,
        multi_label=several,
        hit=terms_of(classifier.model, request).hit,
    )
    return classifier, facts, request


def _list(words: list[str], delivery: Delivery) -> Inputs:
    from ...bulk.inputs.sources import STDIN, list_inputs
    from .checks import check_inputs

    if STDIN in words:
        raise UsageError("- is standard input; expected no other input beside it")
    inputs = list_inputs(words)
    check_inputs(words, inputs.names, delivery)
    return inputs


def _raw_format(
    rate: int | None, encoding: str | None, n_channels: int | None, live: bool
) -> PcmFormat | None:
    """How samples without a header are written; None where there is a header.

    Raises: UsageError: options without what they belong to, or a value out of range.
    """
    if rate is None:
        if encoding or n_channels:
            raise UsageError(
                "--raw-format and --raw-channels belong to --raw-rate, which is missing"
            )
        return None
    if not live:
        raise UsageError("--raw-rate is of standard input; expected the input - and no other")
    from ...core.sound.pcm import PcmFormat

    try:
        return PcmFormat(rate, encoding or "s16le", n_channels or 1)
    except ParameterError as error:
        raise UsageError(f"samples without a header (--raw-...): {error}") from error

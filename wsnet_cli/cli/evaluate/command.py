"""`wsnet evaluate`: measure a model on labelled clips."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import UsageError
from ...core.run_files import holds_runs
from ..shared import options
from ..shared.clips import Choice, choose_clips, measure_clips, warn_known, warn_of_leaks
from ..shared.exits import EXIT_SOME_FAILED
from ..shared.light import require
from ..showing import console
from ..showing.metrics_tables import show_folds, show_metrics
from .against import evaluate_against
from .report import Pages, check_report, report_model, say_data, say_speed
from .runs import evaluate_runs
from .unknown import extras, find_background, measure_unknown, show_unknown

if TYPE_CHECKING:
    from ...bulk.clips.clip_audio import ClipAudio
    from ...bulk.evaluating.evaluate import Evaluation
    from ...bulk.inputs.sources import Inputs
    from ...data.dataset import Clip


def evaluate(
    model: options.ModelArgument,
    data: options.DataArgument = None,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[str | None, typer.Option("--fold", help="Only this fold of DATA.")] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="OTHER", help="Compare MODEL with this run or model."),
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            "--background", metavar="DIR", help="Audio of none of the labels: false alarms."
        ),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(
            "--hop", metavar="SECONDS", help="Between starts of windows; default MODEL's."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="DIR", help="Write the measures into this folder."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="DIR", help="Write the same and report.html, a page to look at."
        ),
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Measure a model on labelled clips, or on the held-out part of its own run.

    MODEL may be the folder of several runs over folds and seeds: what they said of the clips that
    they held out is measured together. With --against, MODEL and OTHER are compared: runs by what
    they said then, models (or runs, with DATA) on the same clips now.

    Example: wsnet evaluate runs/default -o measures/
    """
    from ...bulk.evaluating.evaluation_files import AGAINST_FILES, EVALUATION_FILES, check_target

    choice = Choice(data, fold, layout, pattern)
    if out is not None:
        names = EVALUATION_FILES if against is None else AGAINST_FILES
        check_target("-o", out, names, force=force)
    if report is not None:
        if against is not None:
            raise UsageError("--report and --against: expected one of them")
        check_report(report, force=force)
    noises = None
    if background is not None:
        noises = find_background(background, against is not None or holds_runs(Path(model)))
    if hop is not None and (against is not None or holds_runs(Path(model))):
        raise UsageError("--hop: what runs said then is measured; expected one model, alone")
    if against is not None:
        evaluate_against(model, against, choice, workers, out, json)
    elif holds_runs(Path(model)):
        if data is not None:
            raise UsageError(
                f"{model}: holds several runs, and what they said of their held-out clips is "
                "measured; expected one of its runs to measure on DATA"
            )
        evaluate_runs(Path(model), out, report, json)
    else:
        _evaluate_model(model, hop, choice, noises, workers, out, report, json)


def _evaluate_model(
    model: str,
    hop: float | None,
    choice: Choice,
    background: Inputs | None,
    workers: int | None,
    out: Path | None,
    report: Path | None,
    json: bool,
) -> None:
    require("sklearn")
    from ...core.locate import find_model
    from ...core.parallel import count_workers
    from ...engine.session import Classifier

    path = find_model(model)
    classifier = Classifier.load(path)
    if hop is not None:
        classifier = classifier.recut(None, hop)
    clips, audio = choose_clips(path, choice)
    if choice.source is None:
        known = warn_of_leaks(path)
    else:
        known = warn_known(path, classifier, clips, audio)
    start = time.perf_counter()
    outcome = measure_clips(classifier, clips, audio, workers)
    seconds = time.perf_counter() - start
    told, alarms = measure_unknown(classifier, outcome.evaluated, background, workers)
    document: dict[str, Any] = {
        "model": str(path),
        "hop_s": classifier.model.audio.hop_s,
        **replace(outcome, extras=extras(told, alarms)).as_json(),
    }
    if alarms:
        document["failed"] = [*document["failed"], *document["background"]["failed"]]
    for folder in dict.fromkeys((out, report)):
        if folder is not None:
            _write(folder, document, outcome, clips, audio)
    if report is not None:
        pages = Pages(report, say_data(choice, len(outcome.clips)), (known,) if known else ())
        speed = say_speed(seconds, len(clips), count_workers(workers, len(clips)), classifier)
        report_model(pages, path, classifier, document, outcome.evaluated, audio, speed)
    if json:
        console.print_json(document)
    else:
        show_folds(outcome.evaluated.folds)
        show_metrics(outcome.metrics)
        show_unknown(told, alarms)
    if outcome.failures or (alarms and alarms.failures):
        raise typer.Exit(EXIT_SOME_FAILED)


def _write(
    out: Path,
    document: dict[str, object],
    outcome: Evaluation,
    clips: Sequence[Clip],
    audio: ClipAudio,
) -> None:
    from ...bulk.clips.clip_audio import contents_of
    from ...bulk.evaluating.evaluation_files import write_evaluation

    contents = contents_of(outcome.evaluated, clips, audio)
    for path in write_evaluation(out, document, outcome.evaluated, contents):
        console.note(f"written: {path.absolute()}")

"""`wsnet evaluate`: measure a model on labelled clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import UsageError
from . import console, options
from .evaluate_against import evaluate_against
from .exits import EXIT_SOME_FAILED
from .left_out import warn_left_out
from .light import require

if TYPE_CHECKING:
    from ..bulk.clip_audio import ClipAudio
    from ..bulk.evaluate import Evaluation
    from ..core.metrics import Metrics
    from ..core.multi_label_metrics import MultiLabelMetrics
    from ..data.dataset import Clip, DataSet
    from ..engine.session import Classifier


def evaluate(
    model: options.ModelArgument,
    data: options.DataArgument = None,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[str | None, typer.Option("--fold", help="Only this fold of DATA.")] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="RUN", help="Compare the run MODEL with this one."),
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Measure a model on labelled clips, or on the held-out part of its own run.

    With --against, MODEL and RUN are folders of runs that held out the same clips, each of a single
    run or of several over folds and seeds: what they said then is compared.

    Example: wsnet evaluate runs/default
    """
    if against is not None:
        _refuse_beside_against({"DATA": data, "--fold": fold, "--layout": layout})
        evaluate_against(Path(model), against, json)
        return
    require("sklearn")
    from ..bulk.clip_audio import audio_of
    from ..bulk.labelled import clips_of_data, held_out_clips, n_trained_on
    from ..core.locate import find_model
    from ..engine.session import Classifier

    path = find_model(model)
    classifier = Classifier.load(path)
    _refuse_without_data(data, {"--fold": fold, "--layout": layout, "--pattern": pattern})
    if data is None:
        clips, audio = held_out_clips(path)
    else:
        clips = clips_of_data(data, fold, layout, pattern, show_data)
        audio = audio_of(data)
        if n_known := n_trained_on(path, clips, audio):
            known = f"{n_known} of {len(clips)} clips were trained on"
            console.warn(f"{known}; new sounds will do worse")
    outcome = _measure(classifier, clips, audio, workers)
    for failure in outcome.failures:
        console.warn(failure.reason)
    if json:
        console.print_json({"model": str(path), **outcome.as_json()})
    else:
        show_metrics(outcome.metrics)
    if outcome.failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _refuse_beside_against(given: Mapping[str, object]) -> None:
    for flag, value in given.items():
        if value is not None:
            raise UsageError(f"--against: {flag} {value}: what two runs said is there already")


def _refuse_without_data(data: Path | None, given: dict[str, str | None]) -> None:
    for flag, value in given.items():
        if data is None and value is not None:
            raise UsageError(f"{flag} {value}: expected DATA as well")


def show_data(dataset: DataSet) -> None:
    """Say what was read, and what of it is left out."""
    n_labels = len(dataset.labels)
    console.note(f"data: {dataset.layout}, {len(dataset.clips)} clips, {n_labels} classes")
    for remark in dataset.notes:
        console.note(remark)
    warn_left_out(dataset.skipped)


def _measure(
    classifier: Classifier, clips: Sequence[Clip], audio: ClipAudio, workers: int | None
) -> Evaluation:
    from ..bulk.evaluate import evaluate_clips
    from ..bulk.pace import Pace
    from ..core.parallel import count_workers

    pace = Pace()
    with console.progress("evaluating") as advance:

        def on_clip(n_done: int, n_clips: int, audio_s: float) -> None:
            pace.add(audio_s)
            advance(n_done / n_clips, str(pace))

        n_workers = count_workers(workers, len(clips))
        outcome = evaluate_clips(classifier, clips, on_clip, n_workers, audio)
    if len(clips) > 1:
        n_failed = len(outcome.failures)
        console.note(f"{len(clips) - n_failed} classified, {n_failed} failed; {pace}")
    return outcome


def show_metrics(metrics: Metrics | MultiLabelMetrics) -> None:
    """The table of classes, the confusion matrix where clips have one label, and the accuracy."""
    from ..core.multi_label_metrics import MultiLabelMetrics

    if isinstance(metrics, MultiLabelMetrics):
        _show_labels(metrics)
        return
    rows = [
        (row.label, *map(_percent, (row.precision, row.recall, row.f1)), str(row.support))
        for row in metrics.per_class
    ]
    headings = ("class", "precision %", "recall %", "F1 %", "clips")
    console.print_table(headings, rows, numbers=(1, 2, 3, 4))
    show_confusion([row.label for row in metrics.per_class], metrics.confusion)
    console.result(
        f"accuracy {_share(metrics)}, balanced {100 * metrics.balanced_accuracy:.1f} %, "
        f"macro F1 {100 * metrics.macro_f1:.1f} %"
    )


def _show_labels(metrics: MultiLabelMetrics) -> None:
    rows = [
        (
            row.label,
            *map(_percent, (row.average_precision, row.auroc)),
            *map(_percent, (row.precision, row.recall, row.f1)),
            str(row.support),
        )
        for row in metrics.per_class
    ]
    headings = ("class", "AP %", "AUROC %", "precision %", "recall %", "F1 %", "clips")
    console.print_table(headings, rows, numbers=range(1, 7))
    console.result(
        f"mAP {_percent(metrics.mean_average_precision)} %, "
        f"AUROC {_percent(metrics.mean_auroc)} %, macro F1 {100 * metrics.macro_f1:.1f} %, "
        f"micro F1 {100 * metrics.micro_f1:.1f} %, all labels right {_share(metrics)}"
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"


def _share(metrics: Metrics | MultiLabelMetrics) -> str:
    low, high = metrics.accuracy_interval
    return (
        f"{100 * metrics.accuracy:.1f} % ({metrics.n_right} of {metrics.n_clips} clips; "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )


def show_confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
    """Rows are true classes, columns predicted ones."""
    short = [str(number) for number in range(1, len(labels) + 1)]
    rows = [
        (f"{n} {label}", *(str(count) if count else "." for count in row))
        for n, label, row in zip(short, labels, matrix, strict=True)
    ]
    numbers = range(1, len(labels) + 1)
    console.print_table(("true \\ predicted", *short), rows, numbers=list(numbers))

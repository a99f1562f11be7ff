"""`wsnet predict`: classify files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import UsageError
from ..core.files import exists, is_folder
from ..core.locate import DEFAULT_MODEL, find_model, find_shipped
from ..core.sniff import shown
from . import console, options
from .exits import EXIT_SOME_FAILED

if TYPE_CHECKING:
    from ..bulk.predict import Prediction
    from ..engine.session import Classifier

FORMATS = ("table", "csv", "json", "jsonl")


def predict(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Audio files, folders or globs.")
    ],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="Model file, run folder, or shipped model."),
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", min=1, help="Labels per clip.")] = 1,
    format_: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")
    ] = "table",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write there instead of stdout.")
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Classify audio files.

    A file that cannot be read gets a row that says why, and exit code 3.

    Example: wsnet predict clip.wav recordings/ --top-k 3 --format csv -o labels.csv
    """
    from ..bulk.sources import expand_inputs
    from ..bulk.writers import count_failed
    from ..engine.session import Classifier

    format_ = "json" if json else format_
    _check_output(format_, out, force)
    path = find_shipped(DEFAULT_MODEL) if model is None else find_model(model)
    if model is None:
        console.note(
            f"no model named: using {DEFAULT_MODEL}, which ships with wsnet (-m names one)"
        )
    files = expand_inputs(inputs)
    predictions, pace = _classify(Classifier.load(path), files, top_k, workers)
    _show(predictions, format_, model or DEFAULT_MODEL, out)
    n_failed = count_failed(predictions)
    if len(predictions) > 1 or n_failed:
        speed = f"; {pace}" if len(predictions) > 1 else ""
        console.note(f"{len(predictions) - n_failed} classified, {n_failed} failed{speed}")
    if n_failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _classify(
    classifier: Classifier, files: Sequence[Path], top_k: int, workers: int | None
) -> tuple[list[Prediction], str]:
    """The predictions, and how fast they were made, in words."""
    from ..bulk.pace import Pace
    from ..bulk.predict import predict_files
    from ..core.parallel import count_workers

    predictions: list[Prediction] = []
    n_workers = count_workers(workers, len(files))
    pace = Pace()
    with (
        console.progress("predicting") as advance,
        closing(predict_files(classifier, files, top_k, n_workers)) as stream,
    ):
        for prediction in stream:
            predictions.append(prediction)
            pace.add(prediction.end_s)
            advance(len(predictions) / len(files), f"{pace}  {Path(prediction.file).name}")
    return predictions, str(pace)


def _check_output(format_: str, out: Path | None, force: bool) -> None:
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}; expected one of {', '.join(FORMATS)}")
    if out and format_ == "table":
        raise UsageError(f"-o {out}: a table is for people; expected --format csv, json or jsonl")
    if out and is_folder(out):
        raise UsageError(f"-o {out}: is a folder; expected a file's name")
    if out and exists(out.parent) and not is_folder(out.parent):
        raise UsageError(f"-o {out}: {out.parent} is no folder; expected a name in a folder")
    if out and exists(out) and not force:
        raise UsageError(f"-o {out}: exists; give another name, or --force to write over it")


def _show(predictions: Sequence[Prediction], format_: str, model: str, out: Path | None) -> None:
    from ..bulk.writers import WRITERS
    from ..core.files import write_text_atomic

    if format_ == "table":
        _show_table(predictions)
        return
    text = WRITERS[format_](predictions, model)
    if out:
        write_text_atomic(out, text)
        console.note(f"written: {out.absolute()}")
    else:
        console.document(text)


def _show_table(predictions: Sequence[Prediction]) -> None:
    rows = []
    for p in predictions:
        if not p.scores:
            reason = p.error.removeprefix(f"{shown(p.file)}: ")
            rows.append((p.file, "", "", f"{p.status}: {reason}"))
        for rank, score in enumerate(p.scores):
            file, status = ("", "") if rank else (p.file, p.status)
            rows.append((file, score.label, f"{100 * score.score:.1f} %", status))
    console.print_table(("file", "label", "score", "status"), rows, numbers=(2,))

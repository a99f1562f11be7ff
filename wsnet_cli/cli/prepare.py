"""`wsnet prepare`: decode, check and divide a data set once, for all training to come."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.configuration.presets import DEFAULT_PRESET
from ..core.counting import plural
from ..core.errors import UsageError
from .shared import options
from .shared.exits import EXIT_SOME_FAILED
from .shared.light import require
from .shared.stopping import stopped, terminable
from .showing import console
from .showing.left_out import MOST_SHOWN, warn_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ..data.dataset import DataSet
    from ..data.estimate import Estimate
    from ..data.prepare import Prepared

LONG_JOB_FILES = 2_000
"""From here on it is said what a job will take before it begins."""
HELD_OUT = 0.2
"""Share of the clips, where nothing else is said."""


def prepare(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The data set, as for train.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", help="Folder to prepare it into.")
    ],
    rate: Annotated[
        int | None,
        typer.Option("--rate", help="Sample rate in Hz; by default the preset's, or the data's."),
    ] = None,
    config: Annotated[
        str, typer.Option("-c", "--config", help="Preset or YAML file to take the rate from.")
    ] = DEFAULT_PRESET,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", min=2, max=100, help="Make so many folds, for cross-validation."),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            "--held-out", help="Share to hold out, where SOURCE does not say; 0.2 without this."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would take in time and space.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html too, a page to look at.")
    ] = False,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Decode, check, resample and divide a data set once; `wsnet train DIR` takes it from there.

    SOURCE is never written to. Run again, only what changed is decoded. A file that cannot be used
    is left out and reported, and the exit code is 3.

    Example: wsnet prepare sounds/ -o prepared/ --report
    """
    from ..core.parallel import count_workers
    from ..data.layouts.known import load_dataset
    from ..data.prepare import check_target
    from ..data.prepared_folder import is_prepared

    if report:
        require("jinja2")
    asked_rate = _asked_rate(rate, config)
    if held_out is not None and folds is not None:
        raise UsageError("--held-out and --folds: expected one of them")
    if held_out is not None and not 0 <= held_out < 1:
        raise UsageError(f"--held-out {held_out}; expected a share, 0 <= share < 1")
    if is_prepared(source):
        raise UsageError(f"{source}: is a prepared folder already; expected what it was made of")
    check_target(out, source)
    dataset = load_dataset(source, layout, pattern)
    _check_division(dataset, {"--folds": folds, "--held-out": held_out})
    n_workers = count_workers(workers, len(dataset.clips))
    _tell_source(dataset)
    sample_rate = asked_rate or _rate_of(dataset)
    if dry_run or len(dataset.clips) >= LONG_JOB_FILES:
        expected = _estimate(dataset, sample_rate, n_workers, out)
        if dry_run:
            if json:
                console.print_json(_estimate_json(dataset, expected))
            return
    share = HELD_OUT if held_out is None else held_out
    prepared = _prepare(dataset, out, sample_rate, folds, share, n_workers)
    if report:
        _write_page(prepared, out)
    _show(prepared, out, json, report)
    if prepared.packed.failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _check_division(dataset: DataSet, asked: dict[str, float | None]) -> None:
    """Refuse to be told how to divide what its authors have divided."""
    own = "folds" if dataset.clips.fold_words else "a split" if dataset.clips.split_words else None
    for flag, value in asked.items():
        if own and value is not None:
            raise UsageError(f"{flag} {value:g}: the data set has {own} of its own, which are kept")


def _asked_rate(rate: int | None, config: str) -> int | None:
    """The rate that is named, or the preset's; None where that leaves it to the data."""
    from ..core.configuration.config_file import load_config
    from ..core.sound.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

    if rate is None:
        chosen = load_config(config, [])
        return None if "rate" in chosen.from_data else chosen.audio.sample_rate
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise UsageError(f"--rate {rate}; expected Hz, {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}")
    return rate


def _rate_of(dataset: DataSet) -> int:
    """The rate that training would choose; its highest where no recording tells one."""
    from ..data.headers import HIGHEST_RATE, rates_and_lengths, usual_rate

    rate = usual_rate(rates_and_lengths(dataset.clips)[0])
    if rate is None:
        return HIGHEST_RATE
    console.note(f"from the data: {rate:,} Hz")
    return rate


def _tell_source(dataset: DataSet) -> None:
    console.note(
        f"data: {dataset.layout}, {plural(len(dataset.clips), 'clip')}, "
        f"{plural(len(dataset.labels), 'class', 'classes')}"
    )
    for remark in dataset.notes:
        console.note(remark)


def _estimate(dataset: DataSet, sample_rate: int, workers: int, out: Path) -> Estimate:
    import shutil

    from ..data.estimate import estimate

    expected = estimate(dataset.clips, sample_rate, workers)
    console.note(
        f"{plural(expected.n_files, 'file')}, {_megabytes(expected.source_bytes)}: to decode all "
        f"of them takes about {_duration(expected.seconds)} with {workers} at once, and "
        f"{_megabytes(expected.packed_bytes)} at {sample_rate:,} Hz"
    )
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < expected.packed_bytes:
        console.warn(f"{place}: only {_megabytes(free)} free")
    return expected


def _prepare(
    dataset: DataSet, out: Path, rate: int, folds: int | None, held_out: float, workers: int
) -> Prepared:
    from ..data.prepare import prepare as prepare_folder

    done: dict[str, tuple[int, int]] = {}

    def how_to_go_on() -> str:
        go_on = "to go on, run the same command again"
        if "decoding" not in done:
            return f"nothing is lost; {go_on}"
        n_done, n_all = done["decoding"]
        return f"{n_done:,} of {n_all:,} clips are packed; {go_on}"

    with _Stages() as stages, terminable():

        def progress(stage: str, n_done: int, n_all: int) -> None:
            done[stage] = n_done, n_all
            stages.move(stage, n_done, n_all)

        try:
            return prepare_folder(
                dataset,
                out,
                rate,
                n_folds=folds,
                held_out=held_out,
                workers=workers,
                progress=progress,
            )
        except KeyboardInterrupt as error:
            raise stopped(error, how_to_go_on()) from error


class _Stages:
    """A bar for each stage, one after the other."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._stage = ""
        self._advance: console.Advance = lambda share, words: None

    def __enter__(self) -> _Stages:
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def move(self, stage: str, n_done: int, n_all: int) -> None:
        """Say how far a stage is."""
        if stage != self._stage:
            self._stack.close()
            self._stage = stage
            self._advance = self._stack.enter_context(console.progress(stage))
        self._advance(n_done / max(1, n_all), f"{n_done:,} of {n_all:,} clips")


def _write_page(prepared: Prepared, out: Path) -> None:
    from ..data.prepared_folder import PAGE
    from ..report.page import write_page

    packed = prepared.packed

    def waveform(clip: int) -> Iterator[NDArray[np.float32]] | None:
        row = int(packed.rows[clip])
        return packed.store.sample_blocks(row) if row >= 0 else None

    write_page(prepared.report, out / PAGE, waveform)


def _show(prepared: Prepared, out: Path, json: bool, report: bool) -> None:
    from ..data.prepared_folder import CLIPS, PAGE

    warn_left_out(prepared.dataset.skipped)
    failures = list(prepared.packed.failures.values())
    for failure in failures[:MOST_SHOWN]:
        console.warn(f"refused: {failure.name}: {failure.reason}")
    if len(failures) > MOST_SHOWN:
        console.warn(f"and {len(failures) - MOST_SHOWN:,} more, in {out / CLIPS}")
    if json:
        console.print_json(_json(prepared, out))
    else:
        _show_tables(prepared.report)
    for line in prepared.report["warnings"]:
        console.warn(line)
    console.note(f"split: {prepared.parts.how}")
    console.note(
        f"prepared: {out.absolute()} ({_megabytes(prepared.n_bytes)}; "
        f"{plural(prepared.n_decoded, 'file')} decoded)"
    )
    if report:
        console.note(f"report: {(out / PAGE).absolute()}")
    console.note(f"next: wsnet train {out}")


def _show_tables(report: Any) -> None:
    from ..data.health.report_tables import class_table, finding_table, leak_table

    for table, numbers in ((class_table, True), (finding_table, False), (leak_table, False)):
        headings, rows = table(report)
        if rows:
            columns = range(1, len(headings)) if numbers else (1,)
            console.print_table(headings, rows, numbers=tuple(columns))


def _json(prepared: Prepared, out: Path) -> dict[str, Any]:
    return {
        "folder": str(out),
        "sample_rate": prepared.packed.sample_rate,
        "bytes": prepared.n_bytes,
        "decoded": prepared.n_decoded,
        "report": prepared.report,
    }


def _estimate_json(dataset: DataSet, expected: Estimate) -> dict[str, Any]:
    return {
        "layout": dataset.layout,
        "clips": len(dataset.clips),
        "files": expected.n_files,
        "source_bytes": expected.source_bytes,
        "packed_bytes": expected.packed_bytes,
        "seconds": round(expected.seconds, 1),
    }


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"


def _duration(seconds: float) -> str:
    from .showing.training import say_duration

    return say_duration(seconds)

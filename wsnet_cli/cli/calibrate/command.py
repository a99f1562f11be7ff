"""`wsnet calibrate`: scores that mean what they say, and a model that may say it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import UsageError
from ..shared import options
from ..shared.clips import Choice, show_data
from ..shared.exits import EXIT_SOME_FAILED
from ..shared.made_from import beside, check_target
from ..showing import console
from ..showing.background import warn_of_background
from .show import show_calibrated

if TYPE_CHECKING:
    from ...bulk.calibrating.background import Background
    from ...bulk.calibrating.calibrate import Calibrated
    from ...bulk.calibrating.logits import LabelledLogits, OnClip
    from ...bulk.clips.clip_audio import ClipAudio
    from ...bulk.inputs.sources import Inputs
    from ...core.model import Model
    from ...data.dataset import Clip
    from ...engine.session import Classifier

FORM = "cal"
"""In the name of a calibrated model."""
FEW_CLIPS = 100
"""With fewer clips what is found is rough: a line says so."""


def calibrate(
    model: options.ModelArgument,
    data: options.DataArgument = None,
    background: Annotated[
        Path | None,
        typer.Option(
            "--background",
            metavar="DIR",
            help="Audio files of none of the labels: what is unknown.",
        ),
    ] = None,
    max_false_alarms: Annotated[
        float | None,
        typer.Option(
            "--max-false-alarms",
            metavar="PERCENT",
            show_default=False,
            help="Share of background clips that may still get a label; default 5.",
        ),
    ] = None,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[str | None, typer.Option("--fold", help="Only this fold of DATA.")] = None,
    no_thresholds: Annotated[
        bool, typer.Option("--no-thresholds", help="No least score for each label.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write there; default <stem>.cal.wsnet beside the model."),
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make scores mean what they say, and let a model say that it does not know a sound.

    Without DATA, on the clips that the run kept for validation; never on those that it held out.

    Example: wsnet calibrate runs/default --background noises/ --max-false-alarms 2
    """
    from ...bulk.calibrating.background import list_background
    from ...bulk.calibrating.calibrate import calibrate as choose
    from ...core.locate import find_model
    from ...core.model_file.artifact import save_model
    from ...engine.session import Classifier

    max_rate = _max_rate(background, max_false_alarms)
    noises = None if background is None else list_background(background)
    source = find_model(model)
    target = _target(out, source)
    check_target(target, source, force, named=out is not None)
    classifier = Classifier.load(source)
    _check_labels(classifier.model, decides=background is not None or not no_thresholds)
    clips, audio = _clips(source, data, layout, pattern, fold)
    labelled = _hear_labelled(classifier, clips, audio, workers)
    sounds = None
    if noises is not None:
        sounds = _hear_background(classifier, noises, labelled, workers)
    found = choose(
        classifier.model, labelled, sounds, max_rate=max_rate, with_thresholds=not no_thresholds
    )
    failures = [*labelled.failures, *(sounds.failures if sounds else ())]
    _warn_of_use(found, labelled)
    save_model(target, found.model)
    if json:
        failed = [{"file": f.name, "error": f.reason} for f in failures]
        paths = {"model": str(source), "out": str(target)}
        console.print_json({**paths, **found.as_json(), "failed": failed})
    else:
        show_calibrated(found)
    console.note(f"written: {target.absolute()}")
    if failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _max_rate(background: Path | None, percent: float | None) -> float:
    if background is None and percent is not None:
        raise UsageError("--max-false-alarms: of what? expected --background DIR as well")
    if percent is not None and not 0 <= percent <= 100:
        raise UsageError(f"--max-false-alarms {percent:g}; expected percent, 0 to 100")
    return 0.05 if percent is None else percent / 100


def _target(out: Path | None, source: Path) -> Path:
    from ...core.locate import SUFFIX

    stem = source.name.removesuffix(SUFFIX).removesuffix(f".{FORM}")
    return out or beside(source, stem, FORM)


def _check_labels(model: Model, *, decides: bool) -> None:
    """Refuse a label that clips of no label are called by, where there may be such clips."""
    from ...core.calibrating.calibration import UNKNOWN

    if decides and UNKNOWN in model.labels:
        raise UsageError(
            f"the model has a label {UNKNOWN!r}, which is what clips of no label are called; "
            "--no-thresholds without --background finds a temperature alone, or train it from a "
            "manifest with another name for that class"
        )


def _clips(
    source: Path, data: Path | None, layout: str | None, pattern: str | None, fold: str | None
) -> tuple[tuple[Clip, ...], ClipAudio]:
    from ...bulk.clips.clip_audio import audio_of
    from ...bulk.clips.labelled import clips_of_data, n_trained_on, validation_clips

    choice = Choice(data, fold, layout, pattern)
    if choice.source is None:
        return validation_clips(source)
    parts = ("validation",)
    clips = clips_of_data(choice.source, fold, layout, pattern, show_data, parts)
    audio = audio_of(choice.source)
    if n_known := n_trained_on(source, clips, audio):
        console.warn(
            f"{n_known} of {len(clips)} clips were trained on, so that scores will seem too good; "
            "give DATA that was not"
        )
    if n_held_out := n_trained_on(source, clips, audio, "test"):
        console.warn(
            f"{n_held_out} of {len(clips)} clips were held out by the run, so that what is "
            "measured on them afterwards will seem too good"
        )
    return clips, audio


def _hear_labelled(
    classifier: Classifier, clips: tuple[Clip, ...], audio: ClipAudio, workers: int | None
) -> LabelledLogits:
    from ...bulk.calibrating.logits import hear_labelled
    from ...core.parallel import count_workers

    with console.progress("hearing clips") as advance:
        n_workers = count_workers(workers, len(clips))
        labelled = hear_labelled(classifier, clips, audio, n_workers, _meter(advance))
    for failure in labelled.failures:
        console.warn(failure.reason)
    if len(labelled.clips) < FEW_CLIPS:
        console.warn(f"{len(labelled.clips)} clips are few: what is found on them is rough")
    return labelled


def _hear_background(
    classifier: Classifier, noises: Inputs, labelled: LabelledLogits, workers: int | None
) -> Background:
    from ...bulk.calibrating.background import hear_background, usual_windows

    durations = [clip.duration_s for clip in labelled.clips]
    n_windows = usual_windows(durations, classifier.model.audio)
    with console.progress("hearing the background") as advance:
        sounds = hear_background(classifier, noises, n_windows, workers, _meter(advance))
    warn_of_background(sounds.failures, sounds.n_silent, sounds.n_files, sounds.skipped)
    if len(sounds.clips) < FEW_CLIPS:
        console.warn(
            f"background clips are few, {len(sounds.clips)}: of other such sounds another share "
            "may get a label"
        )
    return sounds


def _warn_of_use(found: Calibrated, labelled: LabelledLogits) -> None:
    """Where most clips that have a label would get none, and more would without calibrating."""
    n_told, n = found.n_kept, int(labelled.truth.any(axis=1).sum())
    if 2 * n_told >= n or not found.model.calibration.decides:
        return
    if found.unknown is not None:
        advice = "allow more (--max-false-alarms), or train with such sounds as a class"
    else:
        advice = "give more clips, or leave least scores of labels out (--no-thresholds)"
    console.warn(
        f"only {n_told} of {n} labelled clips still get a label, so that the model is of little "
        f"use: {advice}"
    )


def _meter(advance: console.Advance) -> OnClip:
    from ...bulk.predicting.pace import Pace

    pace = Pace()

    def on_clip(n_done: int, n_clips: int, audio_s: float) -> None:
        pace.add(audio_s)
        advance(n_done / n_clips, str(pace))

    return on_clip

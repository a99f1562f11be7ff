"""`wsnet evaluate` of a model that may say it does not know, and its `--background`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import UsageError
from ...core.percent import fine
from ..calibrate.show import say_told
from ..showing import console
from ..showing.background import warn_of_background

if TYPE_CHECKING:
    from ...bulk.calibrating.unknown import Alarms
    from ...bulk.inputs.sources import Inputs
    from ...core.measures.evaluation import Evaluated
    from ...core.measures.told import Told
    from ...engine.session import Classifier

SHOWN_AT = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Thresholds of the curve that the terminal shows; --json has all."""


def find_background(folder: Path, is_of_runs: bool) -> Inputs:
    """The files of a background, looked for before any clip is classified.

    Raises:
        UsageError: it is no folder, or what runs said then is measured and no model.
        DataError: there is no file in it that may be read.
    """
    if is_of_runs:
        raise UsageError("--background: is for one model alone; expected one, and no --against")
    from ...bulk.calibrating.background import list_background

    return list_background(folder)


def measure_unknown(
    classifier: Classifier, evaluated: Evaluated, background: Inputs | None, workers: int | None
) -> tuple[Told | None, Alarms | None]:
    """What the model's thresholds leave of the clips, and what is told of background sounds."""
    from ...bulk.calibrating.unknown import measure_clips_told

    told = measure_clips_told(classifier, evaluated)
    if background is None:
        return told, None
    return told, _hear_alarms(classifier, evaluated, background, workers)


def extras(told: Told | None, alarms: Alarms | None) -> dict[str, Any]:
    """Plain values, in the shape that docs/outputs.md documents; only what was measured."""
    found = {"told": told, "background": alarms}
    return {key: value.as_json() for key, value in found.items() if value is not None}


def _hear_alarms(
    classifier: Classifier, evaluated: Evaluated, background: Inputs, workers: int | None
) -> Alarms:
    """Hear a background folder, drawing how far it is, and warn of what cannot be read."""
    from ...bulk.calibrating.unknown import measure_alarms

    with console.progress("hearing the background") as advance:

        def on_clip(n_done: int, n_clips: int, audio_s: float) -> None:
            advance(n_done / n_clips, f"{n_done} of {n_clips} files")

        found = measure_alarms(classifier, evaluated, background, workers, on_clip)
    warn_of_background(found.failures, found.n_silent, found.alarms.n_files, found.skipped)
    return found


def show_unknown(told: Told | None, alarms: Alarms | None) -> None:
    """What is told by thresholds, and the false alarms."""
    if alarms is not None:
        by_threshold = {point.threshold: point for point in alarms.curve}
        rows = [
            (
                f"{at:g}",
                fine(by_threshold[at].false_alarm_rate),
                fine(by_threshold[at].accepted),
            )
            for at in SHOWN_AT
        ]
        headings = ("least score", "false alarms %", "told of the clips %")
        console.print_table(headings, rows, numbers=(0, 1, 2))
    if told is not None:
        console.result(say_told(told))
    if alarms is not None:
        found = alarms.alarms
        console.result(
            f"false alarms: {found.n_told} of {found.n_clips} background clips "
            f"({fine(found.rate)} %), {found.per_hour:.1f} an hour "
            f"(of {found.seconds / 3600:.2f} hours)"
        )
        if alarms.threshold is None:
            console.note("the model has no score of the unknown: wsnet calibrate gives it one")

"""What came of calibrating, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.percent import fine
from ..showing import console
from ..showing.metrics_tables import percent

if TYPE_CHECKING:
    from ...bulk.calibrating.calibrate import Calibrated, Quality, UnknownChoice
    from ...core.measures.told import Told


def show_calibrated(found: Calibrated) -> None:
    """Scores before and after, the thresholds, the unknown, and what is told of the clips."""
    headings = ("scores", "temperature", "NLL", "ECE %", "accuracy %")
    warm = f"{found.temperature.temperature:g}"
    rows = [_row("before", "1", found.before), _row("after", warm, found.after)]
    console.print_table(headings, rows, numbers=range(1, 5))
    if not found.temperature.has_minimum:
        console.warn(
            "no temperature is best: it stays 1. So it is where every clip has windows that are "
            "right, and where nearly all are wrong, which the accuracy tells"
        )
    _show_thresholds(found)
    if found.unknown is not None:
        _show_unknown(found.unknown, found.told.n_clips)
    if found.model.calibration.decides:
        console.result(say_told(found.told))


def _row(name: str, temperature: str, quality: Quality) -> tuple[str, ...]:
    return (
        name,
        temperature,
        f"{quality.negative_log_likelihood:.4f}",
        f"{100 * quality.calibration_error:.1f}",
        f"{100 * quality.accuracy:.1f}",
    )


def _show_thresholds(found: Calibrated) -> None:
    if not found.thresholds:
        return
    rows = [
        (
            label,
            f"{row.threshold:g}",
            *map(percent, (row.f1_before, row.f1)),
            str(row.n_clips),
        )
        for label, row in zip(found.model.labels, found.thresholds, strict=True)
    ]
    headings = ("label", "least score", "F1 % before", "F1 % after", "clips")
    console.print_table(headings, rows, numbers=range(1, 5))
    pairs = zip(found.model.labels, found.thresholds, strict=True)
    few = [label for label, row in pairs if not row.is_fitted]
    if few:
        console.note(f"too few clips for a least score of their own: {', '.join(few)}")


def _show_unknown(unknown: UnknownChoice, n_clips: int) -> None:
    fit, alarms = unknown.fit, unknown.alarms
    console.result(
        f"unknown: where the best score is below {fit.threshold:g}, which "
        f"{fit.n_false} of {fit.n_background} background clips reach "
        f"({fine(fit.false_alarm_rate)} %; at most {100 * unknown.max_rate:g} % were allowed)"
    )
    console.result(
        f"false alarms, with all thresholds: {alarms.n_told} of {alarms.n_clips} clips, "
        f"{alarms.per_hour:.1f} an hour (of {alarms.seconds / 3600:.2f} hours)"
    )
    console.result(
        f"rejected for it: {unknown.n_rejected} of {n_clips} labelled clips, "
        f"{unknown.n_rejected_right} of which would have been right"
    )


def say_told(told: Told) -> str:
    """What a model with thresholds tells of labelled clips, in one line."""
    accuracy = f"{fine(told.n_right / told.n_told)} %" if told.n_told else "none"
    return (
        f"told: {told.n_told} of {told.n_clips} clips "
        f"({fine(told.n_told / told.n_clips)} %), right of these: {accuracy}"
    )

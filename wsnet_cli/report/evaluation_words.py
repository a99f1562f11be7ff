"""The numbers of an evaluation in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.percent import fine

NONE = "\N{EN DASH}"
"""What stands where a number is not defined."""


SINGLE_LABEL = {"balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
MULTI_LABEL = {
    "mean_average_precision": "mean average precision",
    "mean_auroc": "mean AUROC",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
}
"""Measures by their key in metrics.json."""


@dataclass(frozen=True)
class Tile:
    """A number that is seen first: its name, itself, and what is to be known of it."""

    name: str
    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Confusion:
    """How many clips of one class were taken for another, and of how many."""

    label: str
    taken_for: str
    n: int
    n_clips: int


def rate(share: float | None) -> str:
    """A share as a percentage to one place.

    >>> rate(0.9125)
    '91.2 %'
    """
    return NONE if share is None else f"{100 * share:.1f} %"


def score(share: float) -> str:
    """A share where every digit near 0 and 1 matters.

    >>> score(0.99987), score(0.5)
    ('99.99 %', '50.0 %')
    """
    return f"{fine(share)} %"


def interval(bounds: Sequence[float] | None) -> str:
    """An interval of shares as percentages.

    >>> interval([0.81, 0.9])
    '81.0 to 90.0 %'
    """
    if bounds is None:
        return NONE
    return f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"


def tiles(document: Mapping[str, Any]) -> list[Tile]:
    """What a reader wants to know first, of single-label and of multi-label models."""
    bootstrap = document.get("bootstrap") or {}
    accuracy = document["accuracy_interval"], bootstrap.get("accuracy")
    if document.get("multi_label"):
        found = [
            Tile(name, rate(document[key]), _notes(None, bootstrap.get(key)))
            for key, name in MULTI_LABEL.items()
        ]
        found.append(Tile("all labels right", rate(document["accuracy"]), _notes(*accuracy)))
    else:
        found = [Tile("accuracy", rate(document["accuracy"]), _notes(*accuracy))]
        found += [
            Tile(name, rate(document[key]), _notes(None, bootstrap.get(key)))
            for key, name in SINGLE_LABEL.items()
        ]
    for row in document.get("top_k") or ():
        notes = _notes(row["accuracy_interval"], row["bootstrap_interval"])
        found.append(Tile(f"among the best {row['k']}", rate(row["accuracy"]), notes))
    if document.get("calibration_error") is not None:
        notes = (
            "of scores from the share that is right",
            f"negative log likelihood {document['negative_log_likelihood']:.3f}",
            f"Brier score {document['brier_score']:.3f}",
        )
        found.append(Tile("calibration error", rate(document["calibration_error"]), notes))
    return [*found, *_decision_tiles(document), _clips(document)]


def columns_of(n: int) -> int:
    """In how many columns so many tiles stand, so that none is alone on a row.

    >>> [columns_of(n) for n in (5, 8, 9, 10, 13)]
    [3, 4, 3, 4, 5]
    """
    return next((columns for columns in (4, 3, 5) if n % columns != 1), 4)


def _notes(
    over_clips: Sequence[float] | None, over_recordings: Sequence[float] | None
) -> tuple[str, ...]:
    known = ((over_clips, "clips"), (over_recordings, "recordings"))
    return tuple(f"{what} {interval(bounds)}" for bounds, what in known if bounds)


def _decision_tiles(document: Mapping[str, Any]) -> list[Tile]:
    """What the stored thresholds do to these clips, and to a background."""
    found = []
    if told := document.get("told"):
        note = f"{told['n_told']:,} clips; {rate(told['accuracy'])} of them right"
        found.append(Tile("told, with thresholds", score(told["share"]), (note,)))
    if background := document.get("background"):
        n_alarms, n_clips = background["n_false_alarms"], background["n_clips"]
        notes = (
            f"{n_alarms:,} of {n_clips:,} background clips",
            f"{background['false_alarms_per_hour']:,.1f} an hour",
        )
        found.append(Tile("false alarms", score(background["false_alarm_rate"]), notes))
    return found


def _clips(document: Mapping[str, Any]) -> Tile:
    notes = [f"{document['n_right']:,} right"]
    if (n_recordings := document.get("n_recordings")) is not None:
        notes.append(f"{n_recordings:,} recordings")
    return Tile("clips", f"{document['n_clips']:,}", tuple(notes))


def confusions(document: Mapping[str, Any]) -> list[Confusion]:
    """Pairs of classes that were taken for one another, the most frequent first."""
    table = document.get("confusion")
    if not table:
        return []
    labels = table["labels"]
    found = [
        Confusion(labels[i], labels[j], n, sum(row))
        for i, row in enumerate(table["matrix"])
        for j, n in enumerate(row)
        if n and i != j
    ]
    return sorted(found, key=lambda pair: -pair.n)

"""The pictures of an evaluation, each with the words that stand for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .embed import data_uri
from .evaluation_words import rate
from .heat_map import draw_heat_map
from .reliability import draw_reliability
from .threshold_curve import Curve, draw_thresholds

SVG = "image/svg+xml"


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, and what it shows in words, for who cannot see it."""

    uri: str
    words: str


def draw_pictures(document: Mapping[str, Any], unknown: float | None) -> dict[str, Picture]:
    """The pictures by name: `confusion`, `reliability` and `thresholds`, where there is something.

    Args:
        document: what metrics.json holds.
        unknown: the stored threshold of the model, if it has one.
    """
    pictures: dict[str, Picture] = {}
    if confusion := document.get("confusion"):
        labels, matrix = confusion["labels"], confusion["matrix"]
        n_right = sum(row[i] for i, row in enumerate(matrix))
        words = (
            f"Heat map of {len(labels)} classes (rows) and what their clips were taken for "
            f"(columns): {n_right:,} of {sum(map(sum, matrix)):,} on the diagonal, right."
        )
        pictures["confusion"] = Picture(data_uri(SVG, draw_heat_map(labels, matrix)), words)
    if bins := document.get("reliability"):
        what = "decisions" if document.get("multi_label") else "clips"
        words = (
            "Bars of the share that is right, by score, beside the diagonal where both are equal; "
            f"expected calibration error {rate(document['calibration_error'])}."
        )
        pictures["reliability"] = Picture(data_uri(SVG, draw_reliability(bins, what)), words)
    if curves := _curves(document):
        names = ", ".join(curve.name for curve in curves)
        picture = data_uri(SVG, draw_thresholds(curves, unknown))
        words = f"Curves against the threshold: {names}; the table has their values."
        pictures["thresholds"] = Picture(picture, words)
    return pictures


def _curves(document: Mapping[str, Any]) -> list[Curve]:
    points = document.get("threshold_curve") or []
    keys = (
        {"recall": "recall", "precision": "precision"}
        if document.get("multi_label")
        else {"accuracy": "right of those told", "share": "clips told"}
    )
    found = [
        Curve(name, [p["threshold"] for p in points], [p[key] for p in points])
        for key, name in keys.items()
        if points
    ]
    background = (document.get("background") or {}).get("curve") or []
    if found and background:
        at = [point["threshold"] for point in background]
        shares = [point["false_alarm_rate"] for point in background]
        found.append(Curve("false alarms", at, shares))
    return found

"""The curves of a run: loss, accuracy and learning rate by epoch, as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..core.errors import ArtifactError
from ..core.files import explain_os_errors, write_atomic
from .figures import GREY, INK, ORANGE, TEAL, make_svg

LOSSES = {"loss": "training", "validation_loss": "validation"}
ACCURACIES = {
    "accuracy": "training",
    "validation_accuracy": "validation",
    "held_out_accuracy": "held out",
}
COLOURS = {"training": GREY, "validation": ORANGE, "held out": TEAL}
INCHES = 8.0, 5.0


def draw_curves(metrics: Path, out: Path) -> None:
    """Draw what a metrics.csv holds, as SVG; equal files give equal pictures.

    Args:
        metrics: of a run.
        out: the picture, written whole or not at all.

    Raises:
        ArtifactError: it is no metrics.csv, or holds no epoch.
        FileError: the system refuses to read or write.
    """
    columns = _read(metrics)
    write_atomic(out, make_svg(INCHES, lambda figure: _paint(figure, columns)))


def _paint(figure: Figure, columns: dict[str, list[str]]) -> None:
    above, below, rate = figure.subplots(3, 1, sharex=True, height_ratios=(4, 4, 1))
    _draw(above, columns, LOSSES, "loss", 1.0)
    _draw(below, columns, ACCURACIES, "accuracy, %", 100.0)
    below.set_ylim(0, 102)
    rate.plot(*_points(columns, "lr"), color=INK, linewidth=1)
    rate.set_ylabel("rate")
    rate.set_yticks([])
    rate.set_xlabel("epoch")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw(
    axes: Any,
    columns: dict[str, list[str]],
    names: dict[str, str],
    title: str,
    factor: float,
) -> None:
    """One panel; each curve has its name at its end, and points where it was rarely taken."""
    for name, word in names.items():
        epochs, values = _points(columns, name)
        if not values:
            continue
        scaled = [factor * value for value in values]
        few = len(values) < len(columns["epoch"])
        axes.plot(epochs, scaled, color=COLOURS[word], marker="o" if few else None, markersize=3)
        axes.annotate(
            f"{word} {scaled[-1]:.3g}",
            (epochs[-1], scaled[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            color=COLOURS[word],
            va="center",
            annotation_clip=False,
        )
    axes.set_ylabel(title)


def _points(columns: dict[str, list[str]], name: str) -> tuple[list[float], list[float]]:
    pairs = zip(columns["epoch"], columns.get(name, ()), strict=False)
    taken = [(float(epoch), float(value)) for epoch, value in pairs if value]
    return [epoch for epoch, _ in taken], [value for _, value in taken]


def _read(metrics: Path) -> dict[str, list[str]]:
    with explain_os_errors("read", metrics):
        text = metrics.read_text(encoding="utf-8")
    rows: Sequence[dict[str, str]] = list(csv.DictReader(io.StringIO(text)))
    if not rows or "epoch" not in rows[0]:
        raise ArtifactError(f"{metrics}: holds no epoch; expected the metrics.csv of a run")
    return {name: [row[name] or "" for row in rows] for name in rows[0]}

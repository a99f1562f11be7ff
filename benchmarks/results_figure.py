"""The figure of accuracy: bytes on disk against accuracy, made from docs/results/*.json.

Points of nearly equal bytes are set side by side, so that their bars can be told apart.

python benchmarks/results_figure.py writes docs/figures/esc10.svg: the 8-bit files of all rows of
TABLES that have been recorded over all five folds.
"""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter
from row_files import RESULTS, RowFile, read_row_file
from row_measures import accuracy_of
from rows_file import read_rows
from usage import answer_help

from wsnet_cli.core.files import write_atomic

TARGET = RESULTS.parent / "figures" / "esc10.svg"
COLOURS = {"sampled": "C0", "narrow": "C1", "dense": "C7"}
MARKERS = {
    "soundnet8": ("o", "SoundNet-8"),
    "mapnet": ("s", "maps"),
    "baseline1": ("^", "Baseline-1"),
}
N_FOLDS = 5
NEAR, STEP = 1.1, 1.065
"""Sizes that differ by less are drawn this factor apart."""
TABLES = ("sizes", "paper")
"""Of ESC-10, whose rows are whole recipes; other tables have short trainings."""


def kind_of(found: RowFile) -> str:
    """Whether its network is sampled, or dense, with fewer channels (narrow) or all of them."""
    network = found.document["config"]["network"]
    if network["sampling"] is not None:
        return "sampled"
    return "dense" if network["width"] >= 1 else "narrow"


def range_of(numbers: list[int]) -> str:
    """The least and the most, where they differ."""
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least} to {most}"


def side_by_side(sizes: list[int]) -> list[float]:
    """Where points are drawn, KB: those within NEAR of each other are spread about their size.

    >>> [round(place, 1) for place in side_by_side([50_000, 20_000, 51_000])]
    [48.9, 20.0, 52.1]
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(sizes)), key=sizes.__getitem__):
        if not groups or sizes[i] > NEAR * sizes[groups[-1][-1]]:
            groups.append([])
        groups[-1].append(i)
    places = [0.0] * len(sizes)
    for group in groups:
        middle = float(np.exp(np.mean([np.log(sizes[i] / 1000) for i in group])))
        for step, i in enumerate(group):
            places[i] = middle * STEP ** (step - (len(group) - 1) / 2)
    return places


def draw(files: list[RowFile]) -> bytes:
    """A point per row, its 95 % interval as a bar."""
    mpl.rcParams.update({"svg.hashsalt": "wsnet", "font.size": 10, "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    labelled: set[str] = set()
    for found, place in zip(files, side_by_side([f.largest("int8") for f in files]), strict=True):
        kind = kind_of(found)
        marker, name = MARKERS[found.document["config"]["network"]["architecture"]]
        label = f"{name}, {kind}"
        measured = accuracy_of(found.right("int8"), found.recordings())
        low, high = measured.interval
        axes.errorbar(
            place,
            100 * measured.mean,
            yerr=[[100 * (measured.mean - low)], [100 * (high - measured.mean)]],
            fmt=marker,
            color=COLOURS[kind],
            capsize=3,
            markersize=8,
            label=None if label in labelled else label,
        )
        labelled.add(label)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("8-bit model file on disk, KB (1,000 bytes)")
    axes.set_ylabel("accuracy on the held-out clips of five folds, %")
    seeds = range_of([len(found.seeds) for found in files])
    axes.set_title(f"ESC-10; seeds of a point: {seeds}; 95 % intervals; equal sizes side by side")
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    plt.close(figure)
    return stream.getvalue()


def main() -> None:
    """Draw what has been recorded."""
    rows = read_rows().rows
    found = [
        read_row_file(name, row.data) for name, row in rows.items() if set(row.tables) & set(TABLES)
    ]
    write_atomic(TARGET, draw([f for f in found if f is not None and len(f.folds) == N_FOLDS]))


if __name__ == "__main__":
    answer_help(__doc__)
    main()

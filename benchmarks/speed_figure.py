"""The figure of speed: milliseconds per window, made from docs/results/speed.json.

python benchmarks/speed_figure.py writes docs/figures/speed.svg.
"""

from __future__ import annotations

import io
import json

import matplotlib as mpl
from matplotlib import pyplot as plt
from speed_table import DATA, PEERS, ROOT
from usage import answer_help

from wsnet_cli.core.files import write_atomic

TARGET = ROOT / "docs" / "figures" / "speed.svg"
NETWORKS = {
    "dense": "dense SoundNet-8",
    "narrow": "a quarter of the channels",
    "esc10-wsnet": "sampled, the shipped recipe",
    "sampled": "sampled, S = stride, C = 8",
}
SHOWN = ("torch", "onnxruntime", "onnxruntime-2d", "native")
COLOURS = dict(zip(SHOWN, ("#c9c9c9", "#a3a3a3", "#7d7d7d", "#d1495b"), strict=True))
LABELS = {**PEERS, "native": "wsnet, native engine"}
BAR = 0.2
"""Height of a bar; networks are 1 apart."""


def main() -> None:
    """Draw a group of bars for each network, its quartiles as thin lines."""
    mpl.rcParams.update({"svg.hashsalt": "wsnet", "font.size": 10, "font.family": "sans-serif"})
    document = json.loads(DATA.read_text(encoding="utf-8"))
    rows = {(row["subject"], row["peer"]): row for row in document["results"]}
    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    for j, peer in enumerate(SHOWN):
        for i, network in enumerate(NETWORKS):
            row = rows[network, peer]
            middle, (low, high) = row["median_ms"], row["quartiles_ms"]
            at = i + (j - (len(SHOWN) - 1) / 2) * BAR
            label = LABELS[peer] if i == 0 else None
            axes.barh(at, middle, BAR * 0.9, color=COLOURS[peer], label=label)
            axes.plot([low, high], [at, at], color="black", linewidth=0.8)
            weight = "bold" if peer == "native" else "normal"
            axes.annotate(
                f"{middle:.2f}",
                (max(middle, high), at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                fontweight=weight,
            )
    axes.set_yticks(range(len(NETWORKS)), NETWORKS.values())
    axes.invert_yaxis()
    subject = document["subjects"][0]
    seconds = subject["samples"] / subject["sample_rate"]
    axes.set_xlabel(f"milliseconds (medians of {document['rounds']} rounds; lines: quartiles)")
    figure.suptitle(f"One window of {seconds:g} s at {subject['sample_rate']:,} Hz, one thread")
    axes.margins(x=0.08)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    write_atomic(TARGET, stream.getvalue())


if __name__ == "__main__":
    answer_help(__doc__)
    main()

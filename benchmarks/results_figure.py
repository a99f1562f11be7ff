"""The figure of the README: bytes on disk against accuracy, made from docs/results/*.json.

python benchmarks/results_figure.py writes docs/figures/esc10-fold1.svg.
"""

from __future__ import annotations

import io
import json

import matplotlib as mpl
from matplotlib import pyplot as plt
from results_table import DOCS, n_right

from wsnet_cli.core.files import write_atomic
from wsnet_cli.core.metrics import wilson_interval

TARGET = DOCS / "figures" / "esc10-fold1.svg"
MARKERS = {"float32": "o", "int8": "s"}


def main() -> None:
    """Draw a point per model file, its 95 % interval as a bar."""
    mpl.rcParams.update({"svg.hashsalt": "wsnet", "font.size": 10, "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
    splits, n_clips = set(), set()
    for i, path in enumerate(sorted((DOCS / "results").glob("esc10-*.json"))):
        document = json.loads(path.read_text(encoding="utf-8"))
        splits.add(document["split"])
        n_clips.add(str(len(document["int8"]["predictions"])))
        for key, marker in MARKERS.items():
            part = document[key]
            right, n = n_right(part), len(part["predictions"])
            rate = right / n
            low, high = wilson_interval(right, n)
            kilobytes = part["bytes"] / 1000
            bits = "8-bit" if part["bits"] == 8 else "float32"
            axes.errorbar(
                kilobytes,
                100 * rate,
                yerr=[[100 * (rate - low)], [100 * (high - rate)]],
                fmt=marker,
                color=f"C{i}",
                capsize=3,
                markersize=8,
                label=f"{path.stem.removeprefix('esc10-')}, {bits}: {kilobytes:,.0f} KB",
            )
    axes.set_xscale("log")
    axes.set_xlim(100, 20_000)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("model file on disk, KB (1,000 bytes)")
    axes.set_ylabel(f"accuracy on {' or '.join(n_clips)} held-out clips, %")
    axes.set_title(f"ESC-10, {', '.join(splits)}, one seed; bars are 95 % intervals")
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    write_atomic(TARGET, stream.getvalue())


if __name__ == "__main__":
    main()

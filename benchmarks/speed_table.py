"""The speeds in docs/results.md and README.md, made from docs/results/speed.json.

python benchmarks/speed_table.py          writes them between the markers
python benchmarks/speed_table.py --check  fails if a page holds others
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from usage import answer_help

from wsnet_cli.bench.rounds import paired_ratio
from wsnet_cli.core.files import write_text_atomic

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "docs" / "results" / "speed.json"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
PEERS = {
    "native": "native",
    "numpy": "numpy",
    "onnxruntime": "ONNX Runtime",
    "onnxruntime-2d": "ONNX Runtime, 2-D",
    "torch": "torch",
    "torch-compile": "torch.compile",
}
"""Names in the file, and on the page."""
SHOWN = ("torch", "onnxruntime", "onnxruntime-2d", "native")
"""Peers that README.md shows."""
Pair = tuple[str, str]
SAMPLED: Pair = ("sampled", "native")
COMPARISONS: tuple[tuple[Pair, Pair, float | None], ...] = (
    (("dense", "torch"), SAMPLED, 16),
    (("dense", "onnxruntime"), SAMPLED, 8),
    (("dense", "onnxruntime-2d"), SAMPLED, 8),
    (("sampled", "onnxruntime"), SAMPLED, 4),
    (("sampled", "onnxruntime-2d"), SAMPLED, 4),
    (("narrow", "onnxruntime"), SAMPLED, 3),
    (("narrow", "onnxruntime-2d"), SAMPLED, 3),
    (("narrow", "native"), SAMPLED, None),
    (("dense", "native"), SAMPLED, 4),
    (("dense", "onnxruntime"), ("dense", "native"), 1.2),
    (("dense", "onnxruntime-2d"), ("dense", "native"), 1.2),
)
"""The slower one, the faster one, and how many times faster it was meant to be."""


def rounds_of(document: dict[str, Any]) -> dict[Pair, Any]:
    """[n_rounds] milliseconds by network and peer."""
    return {
        (row["subject"], row["peer"]): np.array(row["rounds_ms"]) for row in document["results"]
    }


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines).replace(" --- ", "---")


def times_table(document: dict[str, Any]) -> str:
    """Milliseconds of every network in every peer."""
    times = {(row["subject"], row["peer"]): row["median_ms"] for row in document["results"]}
    rows = [
        [
            subject["name"],
            f"{subject['parameters']:,}",
            f"{subject['multiply_adds'] / 1e6:.1f}",
            *(f"{times[subject['name'], peer]:.2f}" for peer in PEERS),
        ]
        for subject in document["subjects"]
    ]
    return table(["network", "parameters", "M multiply-adds, folded", *PEERS.values()], rows)


def comparison_table(document: dict[str, Any]) -> str:
    """How many times longer one takes than another, round by round."""
    rounds, rows = rounds_of(document), []
    for slower, faster, goal in COMPARISONS:
        ratio = paired_ratio(rounds[slower], rounds[faster])
        rows.append(
            [
                f"{faster[0]}, {PEERS[faster[1]]}",
                f"{slower[0]}, {PEERS[slower[1]]}",
                f"{ratio.median:.2f}x",
                f"{ratio.low:.2f} to {ratio.high:.2f}",
                "none" if goal is None else f"{goal:g}x: {verdict(ratio.median, goal)}",
            ]
        )
    return table(["what", "against", "times faster", "nine rounds of ten", "goal"], rows)


def verdict(measured: float, goal: float) -> str:
    """Whether a goal was met."""
    return "met" if measured >= goal else "missed"


def layer_table(document: dict[str, Any]) -> str:
    """What each layer takes in the native engine, dense and sampled."""
    found: dict[str, dict[str, Any]] = {}
    for row in document["layers"]:
        found.setdefault(row["layer"], {})[row["subject"]] = row
    rows = []
    for layer, by_subject in found.items():
        dense, sampled = by_subject["dense"], by_subject["sampled"]
        cells = [
            cell
            for row in (dense, sampled)
            for cell in (row["way"], f"{row['multiply_adds'] / 1e6:.2f}", f"{row['median_us']:.0f}")
        ]
        rows.append([layer, *cells, f"{dense['median_us'] / sampled['median_us']:.1f}x"])
    headings = ["way", "M multiply-adds", "us"]
    both = [f"{name}: {heading}" for name in ("dense", "sampled") for heading in headings]
    return table(["layer", *both, "times faster"], rows)


def section(document: dict[str, Any]) -> str:
    """Everything between the markers of docs/results.md."""
    subject = document["subjects"][0]
    seconds = subject["samples"] / subject["sample_rate"]
    return f"""\
Milliseconds for one window of {seconds:g} s at {subject["sample_rate"]:,} Hz, heard once, \
medians of {document["rounds"]} rounds:

{times_table(document)}

How many times faster, from times of the same round:

{comparison_table(document)}

By layer, in the native engine:

{layer_table(document)}

{machine_words(document)}"""


def summary(document: dict[str, Any]) -> str:
    """Everything between the markers of README.md."""
    times = {(row["subject"], row["peer"]): row["median_ms"] for row in document["results"]}
    networks = {
        "dense": "SoundNet-8, dense",
        "narrow": "a quarter of the channels",
        "sampled": "SoundNet-8, sampled (`esc10-wsnet-fast`)",
    }
    rows = [
        [words, *(f"{times[name, peer]:.2f}" for peer in SHOWN)] for name, words in networks.items()
    ]
    headings = [
        "ms for one window of 5 s, one thread",
        *(PEERS[peer] for peer in SHOWN[:-1]),
        "wsnet",
    ]
    rounds = rounds_of(document)
    against = [
        ("the dense network in torch", ("dense", "torch")),
        ("the dense network in ONNX Runtime at its fastest", ("dense", "onnxruntime-2d")),
        ("the same sampled network there", ("sampled", "onnxruntime-2d")),
        ("the dense network in this engine", ("dense", "native")),
    ]
    ratios = "; ".join(
        f"{words} {paired_ratio(rounds[pair], rounds[SAMPLED]).median:.1f}x"
        for words, pair in against
    )
    return f"""\
{table(headings, rows)}

Sampled in wsnet, a window takes so many times less than: {ratios}.
(Medians over paired rounds. {machine_words(document)})"""


def machine_words(document: dict[str, Any]) -> str:
    """What it was measured on."""
    machine = document["machine"]
    versions = machine["versions"]
    return (
        f"On one core of: {machine['processor']}, {machine['system']}, {machine['isa']}; torch "
        f"{versions['torch']}, ONNX Runtime {versions['onnxruntime']}, numpy {versions['numpy']}, "
        f"Python {versions['python']}."
    )


def main() -> None:
    """Write or check the pages."""
    document = json.loads(DATA.read_text(encoding="utf-8"))
    pages = {ROOT / "docs" / "results.md": section, ROOT / "README.md": summary}
    for path, words in pages.items():
        found = path.read_text(encoding="utf-8")
        before, rest = found.split(BEGIN)
        page = f"{before}{BEGIN}\n{words(document)}\n{END}{rest.split(END)[1]}"
        if "--check" not in sys.argv:
            write_text_atomic(path, page)
        elif page != found:
            sys.exit(f"{path}: is not what its data says; run python {sys.argv[0]}")


if __name__ == "__main__":
    answer_help(__doc__)
    main()

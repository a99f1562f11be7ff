"""Time networks on maps of frequency and time in every peer, beside their dense form.

python benchmarks/maps.py [ROUNDS] prints a table: for one window of each network, the median time
of every peer, all run once in each round, and the median over rounds of how many times longer it
took than the native engine. `mapnet`, dense, is written to a file meanwhile: it is no preset.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from usage import answer_help

from wsnet_cli.bench.child import measure
from wsnet_cli.bench.run import Request

N_ROUNDS = 100
PEERS = ("native", "onnxruntime", "onnxruntime-2d", "torch", "numpy")
PRESETS = ("esc10-maps", "esc10-maps-narrow")
DENSE = "network: { architecture: mapnet }\n"


def main() -> None:
    """Measure and print."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else N_ROUNDS
    print("| network | run by | ms | times the native engine's | nine rounds of ten |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        dense = Path(folder, "mapnet.yaml")
        dense.write_text(DENSE, "utf-8")
        for name in (*PRESETS, str(dense)):
            _measure(name, n_rounds)


def _measure(name: str, n_rounds: int) -> None:
    request = Request(names=(name,), peers=PEERS, rounds=n_rounds, against=f"{name}/native")
    document = measure(request, lambda share, words: None)
    for row in document["results"]:
        low, high = row["ratio_range"]
        print(
            f"| {Path(name).stem} | {row['peer']} | {row['median_ms']:.2f} | "
            f"{row['ratio']:.2f} | {low:.2f} to {high:.2f} |"
        )


if __name__ == "__main__":
    answer_help(__doc__)
    main()

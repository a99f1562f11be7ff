"""The table of docs/results.md, made from docs/results/*.json.

python benchmarks/results_table.py          writes it between the markers
python benchmarks/results_table.py --check  fails if the page holds another table
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from wsnet_cli.core.files import write_text_atomic
from wsnet_cli.core.ledger import RELEASED_SOUNDNET8_BYTES
from wsnet_cli.core.metrics import wilson_interval

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "results.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
DENSE_REFERENCE_BYTES = 11_530_152
"""SoundNet-8 with mean pooling and a 10-way linear layer, 2,882,538 float32 parameters."""
COLUMNS = (
    "run",
    "weights and constants",
    "file",
    "accuracy",
    "95 % interval",
    "smaller than the dense reference",
    "than the released SoundNet-8",
    "M multiply-adds a window, folded",
)


def n_right(part: dict[str, Any]) -> int:
    """Clips whose prediction is their label."""
    return sum(label == predicted for _, label, predicted in part["predictions"])


def row(name: str, part: dict[str, Any]) -> str:
    """One model file as a row."""
    right, n = n_right(part), len(part["predictions"])
    low, high = wilson_interval(right, n)
    cells = (
        f"{name}, {'8-bit' if part['bits'] == 8 else 'float32'}",
        f"{part['parameters']:,}",
        f"{part['bytes']:,} B",
        f"{100 * right / n:.2f} % ({right}/{n})",
        f"{100 * low:.1f} to {100 * high:.1f} %",
        f"{DENSE_REFERENCE_BYTES / part['bytes']:.1f}x",
        f"{RELEASED_SOUNDNET8_BYTES / part['bytes']:.1f}x",
        f"{part['multiply_adds'] / 1e6:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Two rows for every recorded run."""
    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for path in sorted((DOCS / "results").glob("esc10-*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        rows += [row(path.stem, document[key]) for key in ("float32", "int8")]
    return "\n".join(rows)


def main() -> None:
    """Write or check the table."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" not in sys.argv:
        write_text_atomic(PAGE, page)
    elif page != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{PAGE}: is not what its data says; run python {sys.argv[0]}")


if __name__ == "__main__":
    main()

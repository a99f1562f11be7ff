"""What compressing does, in README.md and docs/compression.md: from docs/results/compression.json.

python benchmarks/compression_table.py          writes the tables between their markers
python benchmarks/compression_table.py --check  fails if the pages hold others

The file is what `benchmarks/compression.py` measured of the preset of 64 KB, with `--json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from compression import HEAD, KB, points_of, show
from page_table import write_or_check
from results_table import DENSE_REFERENCE_BYTES, markdown
from row_files import RESULTS
from usage import answer_help

from wsnet_cli.core.errors import WsnetError

DATA = RESULTS / "compression.json"
ROOT = RESULTS.parents[1]


def summary(rows: dict[str, dict[str, Any]]) -> str:
    """The table of README.md: the float32 files, then a row for each size."""
    first = next(iter(rows.values()))
    headings = (
        "",
        f"right, {first['n_clips']} clips",
        "difference in points, 95 %",
        "largest file",
        f"of the dense SoundNet-8's {DENSE_REFERENCE_BYTES:,} bytes",
    )
    lines = [line_of("float32", first["before"], "", first["bytes_before"])]
    for bits, row in rows.items():
        words = f"`--max-kb {bits.removesuffix(KB)}`" if bits.endswith(KB) else f"{bits} bits"
        lines.append(line_of(words, row["after"], points_of(row), max(row["bytes"])))
    return markdown(headings, lines)


def line_of(words: str, accuracy: float, points: str, n_bytes: int) -> list[str]:
    """One row of it."""
    share = f"1/{DENSE_REFERENCE_BYTES / n_bytes:.0f}"
    return [words, f"{100 * accuracy:.2f} %", points, f"{n_bytes:,}", share]


def whole(rows: dict[str, dict[str, Any]]) -> str:
    """The table of docs/compression.md."""
    return "\n".join([HEAD, *(show(bits, row) for bits, row in rows.items())])


def main() -> int:
    """Write or check both; the exit code."""
    rows = json.loads(DATA.read_text(encoding="utf-8"))
    return max(
        write_or_check(ROOT / "README.md", "compressed", summary(rows)),
        write_or_check(RESULTS.parent / "compression.md", "compressed", whole(rows)),
    )


if __name__ == "__main__":
    answer_help(__doc__)
    try:
        sys.exit(main())
    except WsnetError as error:
        sys.exit(f"error: {error}")

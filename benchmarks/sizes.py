"""The networks that `--max-kb` chooses of a preset on SoundNet-8, as the table of docs/training.md.

python benchmarks/sizes.py          writes it between the markers
python benchmarks/sizes.py --check  fails if the page holds another table
"""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import write_or_check
from usage import answer_help

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.sizes.file_size import Wrapping
from wsnet_cli.core.sizes.fit_size import FitRow, fit_size
from wsnet_cli.core.sizes.frontier import KB

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
PRESET, SIZES_KB, N_CLASSES = "esc10-wsnet", (16, 32, 64, 128, 256), 10
LABEL_SIGNS, PROVENANCE_SIGNS = 10, 300
"""Of a label, and of the words on where a model comes from: about as many as in a real file."""


def table() -> str:
    """A row for each size."""
    config = load_config(PRESET)
    labels = tuple(f"{i:0{LABEL_SIGNS}}" for i in range(N_CLASSES))
    words = {"preset": PRESET, "split": "-" * PROVENANCE_SIGNS}
    wrapping = Wrapping(labels, audio_settings(config.audio), words)
    rows: list[str] = []
    for kilobytes in SIZES_KB:
        fit = fit_size(config.network, wrapping, kilobytes * KB)
        convolutions = [row for row in fit.rows if row.name.startswith("conv")]
        if not rows:
            names = " | ".join(row.name for row in convolutions)
            rows.append(f"| `--max-kb` | width | {names} | bytes |")
            rows.append("|---" * (len(convolutions) + 3) + "|")
        cells = " | ".join(map(cell, convolutions))
        rows.append(f"| {kilobytes} | {fit.network.width:.3f} | {cells} | {fit.n_bytes:,} |")
    return "\n".join(rows)


def cell(row: FitRow) -> str:
    """Filters and sampling of a layer."""
    return (
        f"{row.n_out}" if row.stride is None else f"{row.n_out}, {row.stride}/{row.channel_factor}"
    )


if __name__ == "__main__":
    answer_help(__doc__)
    sys.exit(write_or_check(PAGE, "sizes", table()))

"""What coding leaves of the bytes that `--max-kb` counts, as the table of docs/training.md.

python benchmarks/coded_sizes.py          writes it between the markers
python benchmarks/coded_sizes.py --check  fails if the page holds another table

It has each row of docs/results/ that is made for a size: the bytes of the 8-bit file with nothing
coded, at most, and those of the real files of all its folds and seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from page_table import write_or_check
from row_files import RESULTS, RowFile, read_row_file
from rows_file import Row, read_rows
from usage import answer_help

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.sizes.file_size import Wrapping, file_bytes
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.learn.run.provenance import longest_provenance
from wsnet_cli.learn.teachers.model_source import Sources
from wsnet_cli.learn.teachers.teacher_jobs import TeacherJob

TABLES = ("sizes", "digits")
"""Whose rows have presets that were made by `--max-kb`."""
PAGE = RESULTS.parent / "training.md"


def table() -> str:
    """A row for each row of results."""
    rows = read_rows().rows
    lines = ["| row | counted, at most | real files | of what is counted |", "|---" * 4 + "|"]
    for name, row in rows.items():
        found = read_row_file(name, row.data)
        if found is None or not (row.max_kb or set(row.tables) & set(TABLES)):
            continue
        n_teachers = rows[row.teacher].seeds if row.teacher else 0
        plain = counted(found, row, n_teachers)
        sizes = [int(run["bytes"]["int8"]) for run in found.document["runs"]]
        least, most = min(sizes), max(sizes)
        shares = f"{100 * least / plain:.1f} to {100 * most / plain:.1f} %"
        lines.append(f"| `{name}` | {plain:,} | {least:,} to {most:,} | {shares} |")
    return "\n".join(lines)


def counted(found: RowFile, row: Row, n_teachers: int) -> int:
    """The bytes of a row's 8-bit file with nothing coded, at most, as `--max-kb` tells them."""
    config, own = Config.model_validate(found.document["config"]), found.clips
    audio, labels = audio_settings(config.audio), own.labels
    clips = [
        Clip(Path(name), name, labels[label], fold=fold)
        for name, label, fold in zip(own.names, own.classes, own.folds, strict=True)
    ]
    sources = Sources(jobs=(TeacherJob("", (), n_teachers),))
    dataset = DataSet(Path(), "row", clips)
    words = longest_provenance(row.config, dataset, config.train.seed, sources)
    network = build_network(config.network, len(labels), audio.window_samples)
    return file_bytes(network, Wrapping(labels, audio, words))


if __name__ == "__main__":
    answer_help(__doc__)
    sys.exit(write_or_check(PAGE, "coded sizes", table()))

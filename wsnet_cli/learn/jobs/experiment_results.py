"""What the runs of one request over folds and seeds say together, and the files that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.files import write_json_atomic, write_text_atomic
from ...core.measures.pooled import Pooled, RunMeasures, pool
from ...core.run_files import CONFUSION, RESULTS, RESULTS_TABLE
from ...core.tables import csv_text
from .jobs import Outcome

RESULTS_HEADER = ("run", "fold", "seed", "n_clips", "n_right", "accuracy", "bytes")


@dataclass(frozen=True)
class Results:
    """What the finished runs say together, and why others failed: (name, line)."""

    pooled: Pooled
    failed: tuple[tuple[str, str], ...]

    @staticmethod
    def of(outcomes: Sequence[Outcome], places: Sequence[tuple[str | None, int]]) -> Results:
        """From what came of each run, and its fold and seed."""
        runs = [
            RunMeasures(out.name, fold, seed, out.finished.n_bytes, out.finished.metrics)
            for out, (fold, seed) in zip(outcomes, places, strict=True)
            if out.finished is not None
        ]
        failed = [(out.name, out.error) for out in outcomes if out.error is not None]
        return Results(pool(runs), tuple(failed))

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        failed = [{"run": name, "error": error} for name, error in self.failed]
        return {**self.pooled.as_json(), "failed": failed}


def write_results(folder: Path, results: Results) -> None:
    """Write results.csv, confusion.csv where there is one, and results.json, which is the last.

    Raises: FileError: the system refused.
    """
    values = results.as_json()
    rows = [[_cell(run[column]) for column in RESULTS_HEADER] for run in values["runs"]]
    write_text_atomic(folder / RESULTS_TABLE, csv_text(RESULTS_HEADER, rows))
    if results.pooled.confusion is not None:
        labels, matrix = results.pooled.confusion
        counts = [(label, *row) for label, row in zip(labels, matrix, strict=True)]
        write_text_atomic(folder / CONFUSION, csv_text(["true", *labels], counts))
    write_json_atomic(folder / RESULTS, values)


def _cell(value: object) -> object:
    return f"{value:.6f}" if isinstance(value, float) else value

"""`wsnet evaluate` of several runs over folds and seeds: what they said, measured together."""

from __future__ import annotations

from pathlib import Path

from ..shared.light import require
from ..showing import console
from ..showing.metrics_tables import show_folds, show_metrics
from ..showing.pooled_tables import show_fold_shares, show_seed_shares, show_spread, show_whole
from .report import check_scores, report_runs


def evaluate_runs(folder: Path, out: Path | None, report: Path | None, json: bool) -> None:
    """Show the measures of all runs of a job together, by fold and by seed."""
    require("sklearn")
    from ...bulk.evaluating.evaluation_files import write_evaluation
    from ...bulk.jobs.pooled_runs import pool_runs

    found = pool_runs(folder)
    document = found.as_json()
    if report is not None:
        check_scores(found)
    for target in dict.fromkeys((out, report)):
        if target is not None:
            for path in write_evaluation(target, document, found.evaluated, found.contents):
                console.note(f"written: {path.absolute()}")
    if report is not None:
        report_runs(report, document, found)
    if json:
        console.print_json(document)
        return
    evaluated = found.evaluated
    if evaluated is None or not evaluated.folds:
        show_fold_shares(found.pooled)
    else:
        show_folds(evaluated.folds, evaluated.n_seeds)
    show_seed_shares(found.pooled)
    if evaluated is None:
        console.note(f"{folder}: its runs kept no scores; train them again for more measures")
        show_whole(found.pooled)
    else:
        show_spread(found.pooled)
        show_metrics(evaluated.metrics, evaluated.n_seeds)

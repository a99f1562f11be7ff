"""What several runs over folds and seeds say together, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.counting import plural
from . import console
from .metrics_tables import show_confusion

if TYPE_CHECKING:
    from ...core.measures.pooled import Pooled, Share


def show_results(pooled: Pooled) -> None:
    """The tables of folds and seeds, the confusion matrix, and the whole in a line."""
    show_fold_shares(pooled)
    show_seed_shares(pooled)
    if pooled.confusion is not None:
        show_confusion(*pooled.confusion)
    show_whole(pooled)


def show_fold_shares(pooled: Pooled) -> None:
    """A row for each fold."""
    if pooled.all_runs.accuracy is None:
        return
    several_seeds = len(pooled.by_seed) > 1
    headings = ("fold", "clips", "accuracy %", *(("lowest", "highest") if several_seeds else ()))
    rows = [
        (name or "held out", *_cells(share, several_seeds))
        for name, share in pooled.by_fold.items()
    ]
    console.print_table(headings, rows, numbers=range(1, len(headings)))


def show_seed_shares(pooled: Pooled) -> None:
    """A row for each seed, where there are several."""
    if pooled.all_runs.accuracy is not None and len(pooled.by_seed) > 1:
        rows = [(str(seed), *_cells(share, False)) for seed, share in pooled.by_seed.items()]
        console.print_table(("seed", "clips", "accuracy %"), rows, numbers=(1, 2))


def show_spread(pooled: Pooled) -> None:
    """How folds and seeds differ, in a line, where there are several of either."""
    said = []
    if len(pooled.by_fold) > 1 and pooled.mean_of_folds is not None:
        said.append(f"mean of {len(pooled.by_fold)} folds {100 * pooled.mean_of_folds:.1f} %")
    if pooled.seed_deviation is not None:
        n = len(pooled.by_seed)
        said.append(f"standard deviation of {n} seeds {100 * pooled.seed_deviation:.1f} points")
    if said:
        console.result(f"accuracy: {', '.join(said)}")


def show_whole(pooled: Pooled) -> None:
    """The accuracy over all runs, in a line."""
    whole = pooled.all_runs
    if whole.accuracy is None or pooled.interval is None:
        console.result(f"{plural(len(pooled.runs), 'run')}, nothing held out")
        return
    low, high = pooled.interval
    spread = pooled.seed_deviation
    console.result(
        f"accuracy {100 * whole.accuracy:.1f} % of {whole.n_clips} clips (95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %)"
        + (
            f", mean of {len(pooled.by_seed)} seeds +- {100 * spread:.1f}"
            if spread is not None
            else ""
        )
        + (
            f", mean of folds {100 * (pooled.mean_of_folds or 0):.1f} %"
            if len(pooled.by_fold) > 1
            else ""
        )
    )


def _cells(share: Share, spread: bool) -> tuple[str, ...]:
    rates = (share.accuracy, *((share.lowest, share.highest) if spread else ()))
    return (str(share.n_clips), *("-" if r is None else f"{100 * r:.1f}" for r in rates))

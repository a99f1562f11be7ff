"""What the runs of a job are called."""

from __future__ import annotations

import re
from collections.abc import Sequence


def run_names(
    folds: Sequence[str | None], seeds: Sequence[int]
) -> dict[tuple[str | None, int], str]:
    """The name of the run of each fold and seed, fold after fold.

    >>> run_names(["1", "b/c"], [0, 7])
    {('1', 0): 'fold-1-seed-0', ('1', 7): 'fold-1-seed-7', ('b/c', 0): 'fold-b-c-seed-0', \
('b/c', 7): 'fold-b-c-seed-7'}
    """
    names = _fold_names(folds)
    return {(fold, seed): f"{names[fold]}seed-{seed}" for fold in folds for seed in seeds}


def _fold_names(folds: Sequence[str | None]) -> dict[str | None, str]:
    """How the names of runs begin: with the fold, as far as its characters can stand in a name."""
    names: dict[str | None, str] = {}
    for number, fold in enumerate(folds, start=1):
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", fold or "")[:60]
        if not safe or f"fold-{safe}-" in names.values():
            safe = f"{safe}-{number}".lstrip("-")
        while f"fold-{safe}-" in names.values():
            safe = f"{safe}-{number}"
        names[fold] = "" if fold is None else f"fold-{safe}-"
    return names

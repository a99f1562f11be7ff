"""The measures of many runs, over folds and seeds, as one result."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .metrics import wilson_interval


@dataclass(frozen=True)
class RunMeasures:
    """One run of several.

    Args:
        run: its name.
        fold: that it held out; None where none was named.
        seed: of its randomness.
        n_bytes: of its model.
        measures: what its metrics.json holds; None where nothing was held out.
    """

    run: str
    fold: str | None
    seed: int
    n_bytes: int
    measures: Mapping[str, Any] | None

    @property
    def n_clips(self) -> int:
        """Held-out clips."""
        return int(self.measures["n_clips"]) if self.measures else 0

    @property
    def n_right(self) -> int:
        """Of these, right."""
        return int(self.measures["n_right"]) if self.measures else 0


@dataclass(frozen=True)
class Share:
    """Some runs together: clips that one seed holds out, and the share that is right, in [0, 1].

    The share is over clips and seeds; `lowest` and `highest` are of single seeds. None where
    nothing was held out.
    """

    n_clips: int
    accuracy: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class Pooled:
    """What all runs say together.

    Args:
        runs: all of them.
        all_runs: over clips, folds and seeds.
        interval: 95 % interval of its accuracy; see `pool`.
        mean_of_folds: mean of the folds' accuracies, which counts folds of any size alike.
        seed_deviation: standard deviation of the seeds' accuracies; None for one seed.
        by_fold: each fold, over seeds.
        by_seed: each seed, over folds.
        confusion: labels, and how many clips of each (rows) were taken for each, over all runs;
            None where clips have several labels or nothing was held out.
    """

    runs: tuple[RunMeasures, ...]
    all_runs: Share
    interval: tuple[float, float] | None
    mean_of_folds: float | None
    seed_deviation: float | None
    by_fold: dict[str | None, Share]
    by_seed: dict[int, Share]
    confusion: tuple[list[str], list[list[int]]] | None

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        labels, matrix = self.confusion or ([], [])
        return {
            "n_clips": self.all_runs.n_clips,
            "accuracy": self.all_runs.accuracy,
            "accuracy_interval": list(self.interval) if self.interval else None,
            "mean_of_folds": self.mean_of_folds,
            "seed_deviation": self.seed_deviation,
            "folds": [{"fold": name, **vars(share)} for name, share in self.by_fold.items()],
            "seeds": [
                {"seed": seed, "n_clips": share.n_clips, "accuracy": share.accuracy}
                for seed, share in self.by_seed.items()
            ],
            "confusion": {"labels": labels, "matrix": matrix} if self.confusion else None,
            "runs": [
                {
                    "run": run.run,
                    "fold": run.fold,
                    "seed": run.seed,
                    "n_clips": run.n_clips,
                    "n_right": run.n_right,
                    "accuracy": run.n_right / run.n_clips if run.n_clips else None,
                    "bytes": run.n_bytes,
                }
                for run in self.runs
            ],
        }


def pool(runs: Sequence[RunMeasures]) -> Pooled:
    """Take the measures of runs together.

    The interval is Wilson's, for the mean over seeds of the share of clips that are right, with as
    many trials as there are clips: another seed looks at the same clips again and adds none. For
    one seed it is that of `Metrics`. It speaks of other clips of the same kind, and is rather wide
    for several seeds, because what they average out is counted.

    Args:
        runs: finished, of the same classes; a clip is held out at most once for each seed.
    """
    everything = _share(runs)
    by_fold: defaultdict[str | None, list[RunMeasures]] = defaultdict(list)
    by_seed: defaultdict[int, list[RunMeasures]] = defaultdict(list)
    for run in runs:
        by_fold[run.fold].append(run)
        by_seed[run.seed].append(run)
    folds = {name: _share(members) for name, members in by_fold.items()}
    seeds = {seed: _share(members) for seed, members in by_seed.items()}
    interval = None
    if everything.accuracy is not None:
        n, n_right = everything.n_clips, sum(run.n_right for run in runs)
        interval = wilson_interval(n_right * n / sum(run.n_clips for run in runs), n)
    return Pooled(
        runs=tuple(runs),
        all_runs=everything,
        interval=interval,
        mean_of_folds=_mean([share.accuracy for share in folds.values()]),
        seed_deviation=_deviation([share.accuracy for share in seeds.values()]),
        by_fold=folds,
        by_seed=seeds,
        confusion=_confusion(runs),
    )


def _share(runs: Sequence[RunMeasures]) -> Share:
    counts: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for run in runs:
        counts[run.seed][0] += run.n_clips
        counts[run.seed][1] += run.n_right
    n_clips = max((n for n, _ in counts.values()), default=0)
    n_trials = sum(n for n, _ in counts.values())
    if not n_trials:
        return Share(0, None, None, None)
    of_seeds = [right / n for n, right in counts.values() if n]
    accuracy = sum(right for _, right in counts.values()) / n_trials
    return Share(n_clips, accuracy, min(of_seeds), max(of_seeds))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    mean = sum(known) / len(known)
    return math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))


def _confusion(runs: Sequence[RunMeasures]) -> tuple[list[str], list[list[int]]] | None:
    tables = [run.measures["confusion"] for run in runs if run.measures and _has_table(run)]
    if not tables:
        return None
    labels: list[str] = tables[0]["labels"]
    matrices = [table["matrix"] for table in tables]
    return labels, [
        [sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)
    ]


def _has_table(run: RunMeasures) -> bool:
    return bool(run.measures and "confusion" in run.measures)

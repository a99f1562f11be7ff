"""What the runs of rows say: accuracy with its interval, spread of seeds, paired differences."""

from __future__ import annotations

import statistics
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from row_files import Ints, Right, RowFile

from wsnet_cli.core.errors import DataError
from wsnet_cli.core.measures.bootstrap import Interval, number_recordings
from wsnet_cli.core.measures.metrics import wilson_interval
from wsnet_cli.core.measures.paired import Comparison, bootstrap_difference, compare

FEWEST = 10
"""Recordings that are expected to be wrong, below which drawing again shows too few kinds."""


@dataclass(frozen=True)
class Accuracy:
    """Shares in [0, 1].

    Args:
        mean: over clips and seeds.
        interval: 95 %, recordings drawn again, each clip with its mean over seeds.
        of_seeds: of each, over all its folds.
    """

    mean: float
    interval: Interval
    of_seeds: tuple[float, ...]

    @property
    def spread(self) -> float | None:
        """Standard deviation of the seeds' accuracies; None for one seed."""
        return statistics.stdev(self.of_seeds) if len(self.of_seeds) > 1 else None


def accuracy_of(right: Right, recordings: Ints) -> Accuracy:
    """Accuracy of the runs of a row.

    Where fewer than FEWEST recordings are expected to be wrong, or right, drawing again shows too
    little; the interval is Wilson's then, with as many trials as there are recordings. Of a few
    speakers none is wholly right or wrong: they are drawn again all the same.

    Args:
        right: whether each clip is right, [seeds, clips].
        recordings: number of each clip's recording, without gaps, [clips].
    """
    mean, n = float(right.mean()), int(recordings.max()) + 1
    if n >= 2 * FEWEST and n * min(mean, 1 - mean) < FEWEST:
        interval = wilson_interval(mean * n, n)
    else:
        interval = bootstrap_difference(right.mean(axis=0), recordings)
    return Accuracy(mean, interval, tuple(right.mean(axis=1).tolist()))


def best_look(row: RowFile) -> float | None:
    """The mean over runs of the best look at the held-out part, each counted by its clips.

    It is read off the clips that it is told of, so it is too good. None where a run never looked.
    """
    looks = [run["best_look"] for run in row.document["runs"]]
    if any(look is None for look in looks):
        return None
    weights = [len(row.clips.of_fold(run["fold"])) for run in row.document["runs"]]
    return float(np.average([look["accuracy"] for look in looks], weights=weights))


def of_like_devices(first: RowFile, second: RowFile) -> tuple[RowFile, RowFile] | None:
    """Both by the seeds trained on kinds of device that both have; None where these are all.

    A GPU computes layers in bfloat16, so that a difference may be the device's. None also where
    one of them has no such seed.
    """
    shared = set(first.devices) & set(second.devices)
    if not shared or shared == {*first.devices, *second.devices}:
        return None
    like = (first.trained_on(shared), second.trained_on(shared))
    return like if all(row.seeds for row in like) else None


def of_like_seeds(first: RowFile, second: RowFile) -> tuple[RowFile, RowFile]:
    """Both by the seeds that both have; by all of them where they have none in common.

    Runs of one seed hear the same windows in the same order and, where networks are alike, begin
    with the same weights: a seed that one side lacks would count as a difference of the recipes.
    """
    shared = set(first.seeds) & set(second.seeds)
    return (first.of_seeds(shared), second.of_seeds(shared)) if shared else (first, second)


def compare_rows(
    first: RowFile, second: RowFile, form: str, without: Collection[str] = ()
) -> tuple[Comparison, int]:
    """The first row against the second over the clips of both, and how many these are.

    Args:
        first: a row.
        second: of the same data.
        form: of `FORMS`.
        without: folds that are left out.

    Raises: DataError: they are of other clips.
    """
    if first.clips != second.clips:
        raise DataError("rows of other data; expected two of the same clips")
    both = np.intersect1d(first.held_out, second.held_out)
    both = both[[first.clips.folds[i] not in without for i in both]]
    if not len(both):
        raise DataError("rows that held out no clip both; expected the same folds")
    one, other = (row.right(form)[:, np.isin(row.held_out, both)] for row in (first, second))
    recordings = number_recordings(first.clips.units[i] for i in both)
    return compare(one, other, recordings), len(both)

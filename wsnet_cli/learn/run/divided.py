"""Clips divided for a run, copies on one side where wsnet divides them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core.errors import DataError, FileError
from ...core.parallel import count_workers
from ...data.copies.comparing import compare_clips
from ...data.copies.duplicates import Clusters
from ...data.dataset import DataSet
from ...data.dividing.splits import Split, choose_split
from ...data.dividing.validation import take_validation
from ...data.packing.pack_job import Progress
from ...data.packing.packed import PackedSet

Pairs = list[tuple[int, int]]
"""Of clips that sound alike."""


def find_copies(packed: PackedSet, progress: Progress | None = None) -> Pairs:
    """The pairs of clips that sound alike.

    Words of the comparison lie beside the packed clips or, where no file can be made there, in the
    folder of temporary files.

    Raises: FileError: there is room in neither; without it copies could stand on both sides.
    """
    n_workers, elsewhere = count_workers(None, len(packed)), Path(tempfile.gettempdir())
    try:
        pairs = compare_clips(packed, packed.store.folder or elsewhere, n_workers, progress)
    except FileError:
        if packed.store.folder is None:
            raise
        pairs = compare_clips(packed, elsewhere, n_workers, progress)
    return [(pair.first, pair.second) for pair in pairs]


def count_leaks(split: Split, together: Pairs) -> int:
    """How many held-out clips are copies of clips that are trained on."""
    clusters = Clusters(1 + max((second for _, second in together), default=0))
    for first, second in together:
        clusters.join(first, second)
    members = {clip for pair in together for clip in pair}
    trained = {clusters.first(clip) for clip in members.intersection(split.train)}
    return sum(clusters.first(clip) in trained for clip in members.intersection(split.test))


def divide(
    dataset: DataSet,
    packed: PackedSet,
    fold: str | None,
    validation: float,
    together: Pairs,
) -> Split:
    """Say what is trained on, what is held out and what is kept to choose an epoch by.

    Args:
        dataset: the clips.
        packed: their content.
        fold: to hold out, "none" to hold out nothing, or None for the data's own choice.
        validation: share of the training clips.
        together: what `find_copies` found.

    Raises:
        DataError: a label is left without a clip to train on.
        UsageError: there is no such fold.
    """
    split = choose_split(
        dataset,
        packed.content_keys,
        fold=fold,
        audio_keys=packed.audio_keys,
        readable=packed.rows >= 0,
        together=together,
    )
    return take_validation(dataset, packed, split, validation, together)


def divide_each(
    dataset: DataSet,
    packed: PackedSet,
    folds: Iterable[str | None],
    validation: float,
    together: Pairs,
) -> dict[str | None, Split]:
    """Each fold with the split of a run that holds it out, as `divide` makes it.

    Raises:
        DataError: a run that holds out one of them could not be trained or measured; the message
            says with which folds the others could be.
        UsageError: there is no such fold.
    """
    splits: dict[str | None, Split] = {}
    faults: list[DataError] = []
    for fold in folds:
        try:
            splits[fold] = divide(dataset, packed, fold, validation, together)
        except DataError as error:
            faults.append(error)
    refuse_faults(faults, splits)
    return splits


def refuse_faults(faults: Sequence[DataError], others: Iterable[str | None]) -> None:
    """Raise the first of what is wrong with some folds, naming those with which nothing is.

    Raises:
        DataError: something is wrong.
    """
    if faults:
        names = ",".join(fold for fold in others if fold is not None)
        hint = f"; without that fold: --fold {names}" if names else ""
        raise DataError(f"{faults[0]}{hint}")

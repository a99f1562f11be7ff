"""The part of each clip: the data set's own folds or split, or those that wsnet makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.errors import UsageError
from ..dataset import DataSet
from ..packing.packed import PackedSet
from .splits import check_trainable, held_out_units, made_folds
from .units import Units, join_units

FOLD, SPLIT = "fold", "split"
NO_PART = -1
SPLIT_PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Parts:
    """Where each clip stands.

    Attributes:
        column: what a manifest calls it, "fold" or "split".
        names: of the parts.
        of_clip: for each clip an index into `names`, [n] int32; NO_PART where it has none.
        how: one line on how they came about.
        given: whether the data set's authors chose them.
    """

    column: str
    names: tuple[str, ...]
    of_clip: NDArray[np.int32]
    how: str
    given: bool

    @property
    def titles(self) -> tuple[str, ...]:
        """The parts as people read them: "fold 1", "train"."""
        return tuple(f"fold {name}" if self.column == FOLD else name for name in self.names)


def choose_parts(
    dataset: DataSet,
    packed: PackedSet,
    *,
    n_folds: int | None = None,
    held_out: float = 0.2,
    together: Sequence[tuple[int, int]] = (),
) -> Parts:
    """Say in which part of a split each clip is; those that could not be read are in none.

    Args:
        dataset: the clips; its own folds or split are kept as they are.
        packed: their content.
        n_folds: folds to make where the data set has none, 2 or more; None holds out a share.
        held_out: that share of the clips, in [0, 1).
        together: pairs of clips that a split made here must not divide.

    Raises:
        UsageError: folds are asked for, but the data set is divided by its authors.
        And as `splits.choose_split`.
    """
    clips = dataset.clips
    if n_folds is not None and (clips.fold_words or clips.split_words):
        own = "folds" if clips.fold_words else "a split"
        raise UsageError(f"--folds: the data set has {own} of its own, which are kept")
    if clips.fold_words:
        of_clip = _renumber(clips.fold_words, clips.fold_numbers, dataset.folds)
        parts = (FOLD, dataset.folds, f"the data set's own {len(dataset.folds)} folds", True)
    elif clips.split_words:
        names = tuple(name for name in SPLIT_PARTS if name in clips.split_words)
        of_clip = _renumber(clips.split_words, clips.split_numbers, names)
        parts = (SPLIT, names, "the data set's own split", True)
    elif n_folds is not None:
        units = _units(dataset, packed, together)
        of_clip = np.full(len(clips), NO_PART, np.int32)
        of_clip[units.clips] = made_folds(units, n_folds)[units.of_clip]
        names = tuple(str(number + 1) for number in range(n_folds))
        parts = (FOLD, names, f"{n_folds} folds made by content", False)
    else:
        units = _units(dataset, packed, together)
        test, how = held_out_units(units, held_out)
        of_clip = np.full(len(clips), NO_PART, np.int32)
        of_clip[units.clips] = test[units.of_clip]
        check_trainable(dataset, np.flatnonzero(of_clip == 0), how)
        parts = (SPLIT, ("train", "test") if test.any() else ("train",), how, False)
    of_clip[packed.rows < 0] = NO_PART
    column, part_names, how, given = parts
    return Parts(column, part_names, of_clip, how, given)


def _units(dataset: DataSet, packed: PackedSet, together: Sequence[tuple[int, int]]) -> Units:
    readable = np.flatnonzero(packed.rows >= 0)
    return join_units(dataset, readable, packed.content_keys, packed.audio_keys, together)


def _renumber(
    words: Sequence[str], numbers: Sequence[int], names: Sequence[str]
) -> NDArray[np.int32]:
    """Numbers into `words`, as numbers into `names`; what is in neither is in no part."""
    new = {word: i for i, word in enumerate(names)}
    table = np.array([*(new.get(word, NO_PART) for word in words), NO_PART], np.int32)
    return table[np.array(numbers, np.int32)]  # -1 is the last of them

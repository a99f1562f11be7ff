"""What is trained on and what is held out: given by the data set, or chosen by content.

How wsnet chooses, when the data set does not say. Clips that belong together form a unit: those of
one group, and those whose files or decoded samples are equal. Each unit gets a position in [0, 1)
from a hash of its group's name, or of its file's content; below `held_out` it is held out. So the
split depends on nothing but the clips, and adding files moves none of the old ones.

Chance leaves a small label with too few or too many clips on one side. Only a label whose held-out
share is outside [held_out / 2, 2 * held_out], or that has no clip on one side, is mended, by moving
its units with the most extreme positions; from about fifty clips a label on this hardly ever
happens. A label that is one unit is trained on.

Of a multi-label set, every class of a clip counts as a label in this. The rarest is mended first:
it has the fewest clips to choose from (Sechidis et al., On the stratification of multi-label data,
2011).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, ParameterError, UsageError
from ...core.quoting import quoted
from ..dataset import DataSet
from .units import Keys, Units, join_units

N_MADE_FOLDS = 5

_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Split:
    """Indices into `DataSet.clips`, ascending and disjoint, and one line on how they came about.

    `validation` are training clips that are kept from training; see `validation.take_validation`.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    how: str
    validation: tuple[int, ...] = ()


def choose_split(
    dataset: DataSet,
    content_keys: Sequence[str],
    *,
    fold: str | None = None,
    held_out: float = 0.2,
    audio_keys: Keys | None = None,
    together: Sequence[tuple[int, int]] = (),
    readable: NDArray[np.bool_] | None = None,
) -> Split:
    """Say which clips are trained on and which are held out; clips without a key are neither.

    In this order: fold "none" trains on everything; folds of the data set are used, the first one
    held out unless another is named; a split column is used as it is, with the validation part
    held out of both unless there is no test part; else the clips are split by content, into five
    folds if one is named.

    Args:
        dataset: the clips.
        content_keys: per clip, the hash of its file, after an `@` its segment; "" if unreadable.
        fold: the fold to hold out, "none", or None.
        held_out: share of the clips to hold out where wsnet chooses, in [0, 1).
        audio_keys: per clip, a hash of its decoded samples [n, any bytes], so that one recording
            stored in two lossless formats counts as one.
        together: pairs of clips that must not be divided, for instance because they sound alike.
        readable: per clip, whether it can be used; None: those that have a content key.

    Raises:
        DataError: a label is left without a clip to train on, or a fold has none to measure on.
        ParameterError: `held_out` is out of range, or there is not one key per clip.
        UsageError: no such fold.
    """
    if not 0 <= held_out < 1:
        raise ParameterError(f"held_out = {held_out}; expected a share in [0, 1)")
    if len(content_keys) != len(dataset.clips):
        raise ParameterError(f"{len(content_keys)} content keys; expected {len(dataset.clips)}")
    if readable is None:
        readable = np.array([bool(key) for key in content_keys])
    usable: list[int] = np.flatnonzero(readable).tolist()
    if fold == "none":
        split = _divide(usable, (), "trained on everything, nothing held out")
    elif dataset.folds:
        split = _by_given_fold(dataset, usable, fold)
    elif dataset.clips.split_words:
        split = _by_given_split(dataset, usable, fold)
    else:
        units = join_units(dataset, usable, content_keys, audio_keys, together)
        made = _by_hash(units, held_out) if fold is None else _by_hash_fold(units, fold)
        split = _divide(usable, *made)
    _check_trainable(dataset, split)
    return split


def _divide(readable: Iterable[int], test: Iterable[int], how: str) -> Split:
    held = frozenset(test)
    train = tuple(index for index in readable if index not in held)
    return Split(train, tuple(sorted(held)), how)


def _by_given_fold(dataset: DataSet, readable: list[int], fold: str | None) -> Split:
    folds = dataset.folds
    if fold is not None and fold not in folds:
        raise UsageError(f"no fold {quoted(fold)}; the data set has {', '.join(folds)} (or none)")
    chosen = folds[0] if fold is None else fold
    number = dataset.clips.fold_words.index(chosen)
    test = [index for index in readable if dataset.clips.fold_numbers[index] == number]
    if not test:
        of_fold = np.flatnonzero(np.asarray(dataset.clips.fold_numbers) == number)
        raise DataError(
            f"fold {quoted(chosen)}: none of its {len(of_fold):,} clips can be read, such as "
            f"{dataset.clips.names[of_fold[0]]}; expected one to measure on, another fold, or none"
        )
    why = ", the first, as none was named" if fold is None else ""
    return _divide(readable, test, f"fold {chosen} of {len(folds)} held out{why}")


def _by_given_split(dataset: DataSet, readable: list[int], fold: str | None) -> Split:
    if fold is not None:
        raise UsageError(f"no fold {quoted(fold)}; the data set has a split of its own (or none)")
    parts: dict[str | None, list[int]] = defaultdict(list)
    for index in readable:
        number = dataset.clips.split_numbers[index]
        parts[None if number < 0 else dataset.clips.split_words[number]].append(index)
    part = "test" if parts["test"] or not parts["validation"] else "validation"
    test = tuple(parts[part])
    how = f"the data set's own {part} part held out" if test else "its own split holds nothing out"
    return Split(tuple(parts["train"]), test, how)


def _by_hash_fold(units: Units, fold: str) -> tuple[list[int], str]:
    names = [str(number + 1) for number in range(N_MADE_FOLDS)]
    if fold not in names:
        raise UsageError(
            f"no fold {quoted(fold)}; the data set has none of its own, so {names[0]} to "
            f"{names[-1]} are made by content (or none)"
        )
    # No mending here: over all folds each clip must be held out exactly once.
    held = made_folds(units) == names.index(fold)
    clips = units.clips_of(held)
    did = "held out" if clips else "holds no clip"
    return clips, f"fold {fold} of {N_MADE_FOLDS} {did}, folds made by content"


def made_folds(units: Units, n_folds: int = N_MADE_FOLDS) -> NDArray[np.int64]:
    """The fold of each unit, 0..n_folds - 1, by its position."""
    return (units.positions * n_folds).astype(np.int64)


def _by_hash(units: Units, held_out: float) -> tuple[list[int], str]:
    test, how = held_out_units(units, held_out)
    return units.clips_of(test), how


def held_out_units(units: Units, held_out: float) -> tuple[NDArray[np.bool_], str]:
    """Tell of each unit whether it is held out, and in a line what came of it."""
    if held_out == 0:
        return np.zeros(len(units.positions), np.bool_), "trained on everything, nothing held out"
    test = _mended(units, held_out)
    n_test, total = int(test[units.of_clip].sum()), len(units.of_clip)
    if not n_test:
        return test, "nothing held out: every label is one clip, or one group, or copies of one"
    return test, f"{n_test} of {total} clips ({n_test / total:.0%}) held out by content"


def _mended(units: Units, held_out: float) -> NDArray[np.bool_]:
    """Tell of each unit whether it is held out."""
    total = units.totals
    most = np.minimum(np.maximum(1, np.floor(2 * held_out * total)), total - 1)
    least = np.minimum(np.maximum(1, np.ceil(held_out / 2 * total)), most)
    test = units.positions < held_out
    held = units.count(test)

    def fits(unit: int, bound: NDArray[np.float64]) -> bool:
        labels, counts = units.labels_of(unit)
        return bool((held[labels] + counts <= bound[labels]).all())

    def move(unit: int, sign: int) -> None:
        labels, counts = units.labels_of(unit)
        held[labels] += sign * counts
        test[unit] = sign > 0

    for label in units.labels:
        for unit in reversed(units.of_label(label)):
            if held[label] <= most[label]:
                break
            if test[unit]:
                move(unit, -1)
    for label in units.labels:
        for bound, enough in ((most, least[label]), (total - 1, min(1, least[label]))):
            for unit in units.of_label(label):
                if held[label] >= enough:
                    break
                if not test[unit] and fits(unit, bound):
                    move(unit, 1)
    return test


def _check_trainable(dataset: DataSet, split: Split) -> None:
    check_trainable(dataset, np.array(split.train, np.int64), split.how)


def check_trainable(dataset: DataSet, train: NDArray[np.int64], how: str) -> None:
    """Make sure that every label has a clip to train on.

    Args:
        dataset: the clips.
        train: indices of those that are trained on.
        how: they were chosen, for the message.

    Raises:
        DataError: a label has none.
    """
    trained = set(np.unique(dataset.class_pairs(train)[1]).tolist())
    without = [label for i, label in enumerate(dataset.labels) if i not in trained]
    if without:
        names = ", ".join(quoted(label) for label in without[:_NAMED_AT_MOST])
        more = f" and {len(without) - _NAMED_AT_MOST} more" if len(without) > _NAMED_AT_MOST else ""
        raise DataError(
            f"no clip to train on is left of {names}{more} ({how}); expected at least one per class"
        )

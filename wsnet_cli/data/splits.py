"""What is trained on and what is held out: given by the data set, or chosen by content.

How wsnet chooses, when the data set does not say. Clips that belong together form a unit: those of
one group, and those whose files or decoded samples are equal. Each unit gets a position in [0, 1)
from a hash of its group's name, or of its file's content; below `held_out` it is held out. So the
split depends on nothing but the clips, and adding files moves none of the old ones.

Chance leaves a small label with too few or too many clips on one side. Only a label whose held-out
share is outside [held_out / 2, 2 * held_out], or that has no clip on one side, is mended, by moving
its units with the most extreme positions; from about fifty clips a label on this hardly ever
happens. A label that is one unit is trained on.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import DataError, ParameterError, UsageError
from .dataset import DataSet, quoted

N_MADE_FOLDS = 5
SEGMENT_SIGN = "@"
"""Divides a content key into the hash of the file and the segment taken from it."""

_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Split:
    """Indices into `DataSet.clips`, ascending and disjoint, and one line on how they came about."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    how: str


@dataclass(frozen=True)
class _Unit:
    """Clips that must stay together; `counts` is how many of them each label has."""

    position: float
    clips: tuple[int, ...]
    counts: Mapping[str, int]


def choose_split(
    dataset: DataSet,
    content_keys: Sequence[str],
    *,
    fold: str | None = None,
    held_out: float = 0.2,
    audio_keys: Sequence[str] | None = None,
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
        audio_keys: per clip, a hash of its decoded samples, so that one recording stored in two
            lossless formats counts as one.

    Raises:
        DataError: a label is left without a clip to train on.
        ParameterError: `held_out` is out of range, or there is not one key per clip.
        UsageError: no such fold.
    """
    if not 0 <= held_out < 1:
        raise ParameterError(f"held_out = {held_out}; expected a share in [0, 1)")
    if len(content_keys) != len(dataset.clips):
        raise ParameterError(f"{len(content_keys)} content keys; expected {len(dataset.clips)}")
    readable = [index for index, key in enumerate(content_keys) if key]
    if fold == "none":
        split = _divide(readable, (), "trained on everything, nothing held out")
    elif dataset.folds:
        split = _by_given_fold(dataset, readable, fold)
    elif any(clip.split for clip in dataset.clips):
        split = _by_given_split(dataset, readable, fold)
    else:
        units = _units(dataset, readable, content_keys, audio_keys or content_keys)
        made = _by_hash(units, held_out) if fold is None else _by_hash_fold(units, fold)
        split = _divide(readable, *made)
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
    test = [index for index in readable if dataset.clips[index].fold == chosen]
    why = ", the first, as none was named" if fold is None else ""
    return _divide(readable, test, f"fold {chosen} of {len(folds)} held out{why}")


def _by_given_split(dataset: DataSet, readable: list[int], fold: str | None) -> Split:
    if fold is not None:
        raise UsageError(f"no fold {quoted(fold)}; the data set has a split of its own (or none)")
    parts: dict[str | None, list[int]] = defaultdict(list)
    for index in readable:
        parts[dataset.clips[index].split].append(index)
    part = "test" if parts["test"] or not parts["validation"] else "validation"
    test = tuple(parts[part])
    how = f"the data set's own {part} part held out" if test else "its own split holds nothing out"
    return Split(tuple(parts["train"]), test, how)


def _by_hash_fold(units: list[_Unit], fold: str) -> tuple[list[int], str]:
    names = [str(number + 1) for number in range(N_MADE_FOLDS)]
    if fold not in names:
        raise UsageError(
            f"no fold {quoted(fold)}; the data set has none of its own, so {names[0]} to "
            f"{names[-1]} are made by content (or none)"
        )
    # No mending here: over all folds each clip must be held out exactly once.
    held = [unit for unit in units if names[int(unit.position * N_MADE_FOLDS)] == fold]
    how = f"fold {fold} of {N_MADE_FOLDS} held out, folds made by content"
    return [index for unit in held for index in unit.clips], how


def _by_hash(units: list[_Unit], held_out: float) -> tuple[list[int], str]:
    total = sum(len(unit.clips) for unit in units)
    if held_out == 0:
        return [], "trained on everything, nothing held out"
    test = [index for number in _mended(units, held_out) for index in units[number].clips]
    if not test:
        return [], "nothing held out: every label is one clip, or one group, or copies of one clip"
    return test, f"{len(test)} of {total} clips ({len(test) / total:.0%}) held out by content"


def _mended(units: list[_Unit], held_out: float) -> set[int]:
    """Return the numbers of the units to hold out; `units` are in order of position."""
    total = _add(units)
    most = {label: min(max(1, math.ceil(2 * held_out * n)), n - 1) for label, n in total.items()}
    least = {n: min(max(1, int(held_out / 2 * total[n])), most[n]) for n in total}
    of_label = {n: [i for i, unit in enumerate(units) if n in unit.counts] for n in sorted(total)}
    test = {i for i, unit in enumerate(units) if unit.position < held_out}
    held = _add(units[i] for i in test)

    def fits(number: int, bound: Mapping[str, int]) -> bool:
        return all(held[label] + n <= bound[label] for label, n in units[number].counts.items())

    for label, numbers in of_label.items():
        for number in reversed(numbers):
            if held[label] > most[label] and number in test:
                test.remove(number)
                held.subtract(units[number].counts)
    one_left = {label: n - 1 for label, n in total.items()}
    for label, numbers in of_label.items():
        for bound, enough in ((most, least[label]), (one_left, min(1, least[label]))):
            for number in numbers:
                if held[label] < enough and number not in test and fits(number, bound):
                    test.add(number)
                    held.update(units[number].counts)
    return test


def _units(
    dataset: DataSet, readable: list[int], content_keys: Sequence[str], audio_keys: Sequence[str]
) -> list[_Unit]:
    """Join the clips that share a group, a file's content or decoded samples; by position."""
    leader: dict[str, str] = {}

    def find(token: str) -> str:
        while leader.setdefault(token, token) != token:
            leader[token] = leader[leader[token]]
            token = leader[token]
        return token

    tokens = {}
    for index in readable:
        group = dataset.clips[index].group
        content = "content " + content_keys[index].partition(SEGMENT_SIGN)[0]
        tokens[index] = content if group is None else f"group {group}"
        for other in (content, f"audio {audio_keys[index]}"):
            leader[find(other)] = find(tokens[index])
    members: dict[str, list[int]] = defaultdict(list)
    for index in readable:
        members[find(tokens[index])].append(index)
    units = []
    for indices in members.values():
        # A group's name comes before content, so that a group stays put whatever joins it.
        key = max((tokens[index] for index in indices), key=lambda t: (t.startswith("group "), t))
        counts = Counter(dataset.clips[index].label for index in indices)
        units.append(_Unit(_position(key), tuple(indices), counts))
    return sorted(units, key=lambda unit: (unit.position, unit.clips))


def _position(key: str) -> float:
    # 53 bits are what a float holds exactly; all 64 could round up to 1.0.
    digest = hashlib.sha256(f"wsnet split 1 {key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def _add(units: Iterable[_Unit]) -> Counter[str]:
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit.counts)
    return total


def _check_trainable(dataset: DataSet, split: Split) -> None:
    trained = {dataset.clips[index].label for index in split.train}
    without = [label for label in dataset.labels if label not in trained]
    if without:
        names = ", ".join(quoted(label) for label in without[:_NAMED_AT_MOST])
        more = f" and {len(without) - _NAMED_AT_MOST} more" if len(without) > _NAMED_AT_MOST else ""
        raise DataError(
            f"no clip to train on is left of {names}{more} ({split.how}); "
            "expected at least one per class"
        )

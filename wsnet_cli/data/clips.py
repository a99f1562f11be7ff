"""One clip, and very many of them in little memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from .label_sets import split_names

_NONE = -1
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Clip:
    """One example: an audio file, or a part of one, with its label.

    `name` is relative to the data set's root with forward slashes, for reports. `split` is
    "train", "validation", "test" or None. Clips with one `group` stem from one recording or one
    speaker and never stand on both sides of a split that wsnet makes. `start_s` and `end_s` bound
    the part of the file in seconds; None is the file's own bound. In a `multi_label` set the label
    is any number of classes, as `label_sets.join_names` makes it.
    """

    path: Path
    name: str
    label: str
    fold: str | None = None
    split: str | None = None
    group: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    multi_label: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the label names: itself, unless the set is multi-label."""
        return split_names(self.label) if self.multi_label else (self.label,)


class _Words:
    """A column of few different words, or None, as numbers into a list of them."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.numbers = array("i")
        self._number_of: dict[str, int] = {}

    def append(self, word: str | None) -> None:
        if word is None:
            self.numbers.append(_NONE)
            return
        number = self._number_of.setdefault(word, len(self.words))
        if number == len(self.words):
            self.words.append(word)
        self.numbers.append(number)

    def __getitem__(self, index: int) -> str | None:
        number = self.numbers[index]
        return None if number == _NONE else self.words[number]

    def reorder(self, order: Sequence[int]) -> None:
        self.numbers = array("i", (self.numbers[i] for i in order))


class _Texts(Sequence[str]):
    """Texts in a quarter of the memory that as many objects take."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        for text in texts:
            self._bytes += text.encode("utf-8", "surrogateescape")
            self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices are not needed
        if not 0 <= index < len(self):
            raise IndexError(f"text {index} of {len(self)}")
        part = self._bytes[self._ends[index] : self._ends[index + 1]]
        return part.decode("utf-8", "surrogateescape")


class ClipTable(Sequence[Clip]):
    """Clips in order of name, then start, then end; a `Clip` is made each time one is asked for.

    A data set of 100,000 clips as objects would take 60 MB and more; here the names are most of it.

    Args:
        root: of the data set; a clip's path is mostly its name below it.
        clips: in any order; used up once, and not kept.

    Attributes:
        multi_label: whether a label names any number of classes; may be set once all are read.
    """

    def __init__(self, root: Path, clips: Iterable[Clip] = ()) -> None:
        self.multi_label = False
        self._prefix = f"{root}/"
        self._names: Sequence[str] = ()
        self._elsewhere: dict[int, Path] = {}
        self._labels, self._folds, self._splits, self._groups = (_Words() for _ in range(4))
        self._starts, self._ends = array("d"), array("d")  # empty where no clip is a part
        names: list[str] = []
        for clip in clips:
            if clip.path != self._path(clip.name):
                self._elsewhere[len(names)] = clip.path
            names.append(clip.name)
            self._append(clip)
        self._sort(names)

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Clip, ...]: ...
    def __getitem__(self, index: int | slice) -> Clip | tuple[Clip, ...]:
        """Make one clip, or a tuple of them."""
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        i = index % len(self)
        label = self._labels[i]
        assert label is not None
        name = self._names[i]
        start_s, end_s = self.segment(i)
        return Clip(
            self._elsewhere[i] if i in self._elsewhere else self._path(name),
            name,
            label,
            fold=self._folds[i],
            split=self._splits[i],
            group=self._groups[i],
            start_s=start_s,
            end_s=end_s,
            multi_label=self.multi_label,
        )

    def __iter__(self) -> Iterator[Clip]:
        return (self[i] for i in range(len(self)))

    @property
    def names(self) -> Sequence[str]:
        """The name of each clip."""
        return self._names

    @property
    def label_words(self) -> Sequence[str]:
        """The different labels, in no order that means anything."""
        return self._labels.words

    @property
    def label_numbers(self) -> array[int]:
        """For each clip, the number of its label in `label_words`."""
        return self._labels.numbers

    @property
    def fold_words(self) -> Sequence[str]:
        """The different folds."""
        return self._folds.words

    @property
    def fold_numbers(self) -> array[int]:
        """For each clip, the number of its fold in `fold_words`, -1 where it has none."""
        return self._folds.numbers

    @property
    def split_words(self) -> Sequence[str]:
        """The different splits."""
        return self._splits.words

    @property
    def split_numbers(self) -> array[int]:
        """For each clip, the number of its split in `split_words`, -1 where it has none."""
        return self._splits.numbers

    @property
    def group_words(self) -> Sequence[str]:
        """The different groups."""
        return self._groups.words

    @property
    def group_numbers(self) -> array[int]:
        """For each clip, the number of its group in `group_words`, -1 where it has none."""
        return self._groups.numbers

    def segment(self, index: int) -> tuple[float | None, float | None]:
        """The `start_s` and `end_s` of a clip, without making the clip."""
        if not self._starts:
            return None, None
        return _bound(self._starts[index]), _bound(self._ends[index])

    def _path(self, name: str) -> Path:
        return Path(f"{self._prefix}{name}")  # a third of the time that joining paths takes

    def _append(self, clip: Clip) -> None:
        self._labels.append(clip.label)
        self._folds.append(clip.fold)
        self._splits.append(clip.split)
        self._groups.append(clip.group)
        self._starts.append(_NAN if clip.start_s is None else clip.start_s)
        self._ends.append(_NAN if clip.end_s is None else clip.end_s)

    def _sort(self, names: list[str]) -> None:
        """Sort by three stable sorts: tuples as keys would take ten times the memory."""
        order = list(range(len(names)))
        if all(map(math.isnan, self._starts)) and all(map(math.isnan, self._ends)):
            self._starts, self._ends = array("d"), array("d")
        else:
            order.sort(key=lambda i: math.inf if math.isnan(self._ends[i]) else self._ends[i])
            order.sort(key=lambda i: 0.0 if math.isnan(self._starts[i]) else self._starts[i])
        order.sort(key=names.__getitem__)
        self._names = _Texts(names[i] for i in order)
        if self._starts:
            self._starts = array("d", (self._starts[i] for i in order))
            self._ends = array("d", (self._ends[i] for i in order))
        for column in (self._labels, self._folds, self._splits, self._groups):
            column.reorder(order)
        if self._elsewhere:
            old = self._elsewhere
            self._elsewhere = {new: old[i] for new, i in enumerate(order) if i in old}


def _bound(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds

"""What a data set is: its clips, their labels, and the parts its authors gave it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, ParameterError
from ..core.natural_order import natural_order
from ..core.quoting import quoted, shown
from .clips import Clip as Clip
from .clips import ClipTable
from .label_sets import membership, split_names

_LONGEST_LABEL = 200  # characters; it travels in every model file and heads every table


@dataclass(frozen=True)
class Failure:
    """One entry that is left out, and why: in words, and as one of core.errors.AUDIO_FAULTS."""

    name: str
    reason: str
    kind: str = "unreadable"


class DataSet:
    """The clips of a data set, always in order of name and then start, wherever they came from.

    Args:
        root: its folder.
        layout: how it was read, in a word or two.
        clips: any iterable, used up once.
        skipped: what was found but deliberately not taken, for the report; may be filled while
            `clips` is used up.
        notes: lines for people about how the source was read.

    Where the set is multi-label, a clip's label is any number of classes, as
    `label_sets.join_names` makes it.
    """

    def __init__(
        self,
        root: Path,
        layout: str,
        clips: Iterable[Clip],
        skipped: Iterable[Failure] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.root = root
        self.layout = layout
        self.clips = ClipTable(root, clips)
        self.skipped = tuple(skipped)
        self.notes = notes

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The class names by code point of their NFC form: a label's index in the model.

        >>> clips = [Clip(Path(n), n, n) for n in ("é", "no", "10", "É", "2")]
        >>> DataSet(Path(), "manifest", clips).labels
        ('10', '2', 'no', 'É', 'é')
        """
        labels: Iterable[str] = self.clips.label_words
        if self.multi_label:
            labels = {name for label in labels for name in split_names(label)}
        return tuple(sorted(labels, key=lambda text: (unicodedata.normalize("NFC", text), text)))

    @cached_property
    def folds(self) -> tuple[str, ...]:
        """The names of the folds there are, numbers by value: "1", "2", "10"."""
        return tuple(sorted(self.clips.fold_words, key=natural_order))

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several classes, or none."""
        return self.clips.multi_label

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """In a multi-label set, the classes of each of `clips.label_words`, [n_words, n_classes].

        Raises:
            ParameterError: it is none.
        """
        if not self.multi_label:
            raise ParameterError("one label for each clip; expected a multi-label set")
        return membership(self.clips.label_words, self.labels)

    def class_pairs(self, clips: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The classes of some clips, a pair for each class of each clip.

        Args:
            clips: their indices, [n].

        Returns: places in `clips`, ascending, and indices into `labels`.
        """
        if not self.multi_label:
            return np.arange(len(clips)), self.classes[clips].astype(np.int64)
        numbers = np.array(self.clips.label_numbers, np.int32)[clips]
        places, classes = np.nonzero(self.members[numbers])
        return places, classes

    @cached_property
    def classes(self) -> NDArray[np.int32]:
        """The index of each clip's label in `labels`.

        Raises:
            ParameterError: a clip may have several.
        """
        if self.multi_label:
            raise ParameterError("a multi-label set; expected one label for each clip")
        index = {label: i for i, label in enumerate(self.labels)}
        numbers = np.array([index[word] for word in self.clips.label_words], np.int32)
        return numbers[np.array(self.clips.label_numbers, np.int32)]


def clean_label(text: str) -> str:
    """Return a class name as it is used everywhere: stripped and in NFC form.

    File systems differ in how they store an accent; one spelling keeps one class.

    Raises:
        DataError: a reason without place: the name is empty, too long, or cannot be printed.
    """
    label = unicodedata.normalize("NFC", text.strip())
    if not label:
        raise DataError("the label is empty; expected a class name")
    if len(label) > _LONGEST_LABEL:
        raise DataError(f"the label {quoted(label)} is longer than {_LONGEST_LABEL} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in label):
        raise DataError(f"the label {quoted(text)} holds characters that cannot be printed")
    return label


def check_usable(dataset: DataSet, source: Path) -> DataSet:
    """Return the data set if there is anything to tell apart in it.

    Raises:
        DataError: it has no clip, or all its clips have one label.
    """
    left_out = "".join(f"; {note}" for note in dataset.notes)
    if dataset.skipped:
        first = dataset.skipped[0]
        more = f" and {len(dataset.skipped) - 1} more" if len(dataset.skipped) > 1 else ""
        left_out += f"; left out: {shown(first.name)} ({first.reason}){more}"
    if not dataset.clips:
        raise DataError(
            f"{shown(source)}: no audio found; expected one sub-folder of recordings per class, "
            f"or a manifest (CSV with the columns path and label){left_out}"
        )
    if dataset.multi_label and len(dataset.clips.label_words) < 2:
        found = quoted(dataset.clips.label_words[0])
        raise DataError(
            f"{shown(source)}: every clip has the same label, {found}; "
            f"expected clips that differ{left_out}"
        )
    if len(dataset.labels) < 2 and not dataset.multi_label:
        hint = " (--pattern reads labels from names)" if dataset.layout == "class folders" else ""
        raise DataError(
            f"{shown(source)}: only one class, {quoted(dataset.labels[0])}; "
            f"expected at least two{hint}{left_out}"
        )
    return dataset

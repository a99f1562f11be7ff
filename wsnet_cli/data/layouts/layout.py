"""What a layout is: a name, the files it is known by, and a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..clips import Clip
from ..dataset import DataSet, Failure
from .paths import Root


@dataclass
class Findings:
    """What a reader tells beside its clips; complete once all of them have been taken.

    `multi_label` says that a label names any number of classes.
    """

    skipped: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    multi_label: bool = False


Reader = Callable[[Root, Findings], Iterator[Clip]]
"""Yields the clips of a folder one by one, so that no list of them is ever held."""


@dataclass(frozen=True)
class Layout:
    """One way in which data sets are laid out.

    Args:
        title: for people, and what `DataSet.layout` says.
        needs: what must lie in the folder; of each tuple one name.
        read: makes the clips.
        automatic: whether a folder that has what it needs is read so without being asked to.
    """

    title: str
    needs: tuple[tuple[str, ...], ...]
    read: Reader
    automatic: bool = True

    @property
    def name(self) -> str:
        """What `--layout` takes."""
        return layout_name(self.title)

    def missing(self, root: Root) -> str | None:
        """Say which file or folder is not there, or None if all are."""
        for names in self.needs:
            if not any((root.path / name).exists() for name in names):
                return " or ".join(names)
        return None


def layout_name(title: str) -> str:
    """Return a title as an option's value, so that either may be given.

    >>> layout_name("Speech Commands"), layout_name("ESC-50")
    ('speech-commands', 'esc-50')
    """
    return title.strip().lower().replace(" ", "-").replace("_", "-")


def read_clips(root: Root, title: str, read: Reader) -> DataSet:
    """Take all clips of a reader, and what it found beside them."""
    found = Findings()
    dataset = DataSet(root.path, title, read(root, found))
    dataset.skipped = tuple(sorted(found.skipped, key=lambda failure: failure.name))
    dataset.clips.multi_label = found.multi_label
    dataset.notes = (*found.notes, *_label_note(dataset))
    return dataset


def _label_note(dataset: DataSet) -> list[str]:
    if not dataset.multi_label or not dataset.clips:
        return []
    n_classes = dataset.members.sum(axis=1)[np.array(dataset.clips.label_numbers)]
    n_without = int((n_classes == 0).sum())
    return [f"multi-label: {n_classes.mean():.2f} classes a clip; clips without any: {n_without}"]


def member_clip(root: Root, name: str, label: str) -> Clip:
    """Make the clip of a file that was found below the root."""
    return Clip(Path(root.path, name), name, label)

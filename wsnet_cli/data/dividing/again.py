"""Clips divided as they were divided before, known by their content."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dataset import DataSet
from ..packing.packed import PackedSet
from .splits import Split


def split_again(dataset: DataSet, packed: PackedSet, parts: Mapping[str, str]) -> Split | None:
    """The split of an earlier run, whatever the files are called now.

    Clips that the run did not have are left out: what they share with those that it held out, such
    as a recording, is not known.

    Args:
        dataset: the clips.
        packed: their content.
        parts: by content key, the part it had: "train", "test" or "validation".

    Returns: None unless all that was held out then, one clip or more, is there, and of each label
        a clip that was trained on.
    """
    of: dict[str, list[int]] = {"train": [], "test": [], "validation": []}
    left_out, found = 0, set()
    for i, key in enumerate(packed.content_keys):
        part = parts.get(key)
        if not packed.has(i):
            continue
        if part in of:
            of[part].append(i)
            found.add(key)
        else:
            left_out += 1
    held_out = {key for key, part in parts.items() if part == "test"}
    if not held_out or not held_out <= found:
        return None
    trained = np.unique(dataset.class_pairs(np.array(of["train"], np.int64))[1])
    if len(trained) < len(dataset.labels):
        return None
    how = "divided as in the run of the model, by content"
    if left_out:
        how += f"; {left_out} clips that it did not have left out"
    if of["validation"]:
        how += f"; {len(of['validation'])} clips kept for validation"
    return Split(tuple(of["train"]), tuple(of["test"]), how, tuple(of["validation"]))

"""Labels that name several classes: one text each, as a manifest has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SEPARATOR = ";"
"""Between the names of a label of a multi-label set."""


def join_names(names: Iterable[str]) -> str:
    """Return the label of some classes: each once, by code point; empty for none.

    >>> join_names(["dog", "cat", "dog"])
    'cat;dog'
    """
    return SEPARATOR.join(sorted(set(names)))


def split_names(label: str) -> tuple[str, ...]:
    """Return the classes that a label names: the inverse of `join_names`.

    >>> split_names("cat;dog"), split_names("")
    (('cat', 'dog'), ())
    """
    return tuple(label.split(SEPARATOR)) if label else ()


def membership(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which classes each label names, [n_labels, n_classes].

    >>> membership(["cat;dog", "", "dog"], ["cat", "dog"]).astype(int).tolist()
    [[1, 1], [0, 0], [0, 1]]
    """
    index = {name: i for i, name in enumerate(classes)}
    members = np.zeros((len(labels), len(classes)), np.bool_)
    for row, label in zip(members, labels, strict=True):
        row[[index[name] for name in split_names(label)]] = True
    return members

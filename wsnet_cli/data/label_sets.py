"""Labels that name several classes: one text each, as a manifest has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.calibrating.calibration import UNKNOWN, Calibration, least_scores, told
from ..core.quant import Array

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


def label_of(
    scores: Array,
    classes: Sequence[str],
    *,
    multi_label: bool,
    calibration: Calibration | None = None,
) -> str:
    """Return what a clip is taken for: the best class, or the label of all that are there.

    Args:
        scores: of the classes, [n_classes].
        classes: their names.
        multi_label: whether each is there or not by itself.
        calibration: whose thresholds decide, so that a clip may be `UNKNOWN`; None: the best class
            always, or what reaches `core.calibrating.calibration.DECISION`.

    >>> label_of(np.float32([0.6, 0.7, 0.1]), ["cat", "dog", "owl"], multi_label=True)
    'cat;dog'
    """
    least = least_scores(calibration or Calibration(), len(classes), multi_label=multi_label)
    found = told(scores, least, multi_label=multi_label)
    if multi_label:
        return join_names(classes[i] for i in found)
    return classes[found[0]] if found else UNKNOWN


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

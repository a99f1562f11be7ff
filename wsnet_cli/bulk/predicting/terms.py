"""What scores must reach for a label to be told: the user's threshold, or else the model's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.calibrating.calibration import least_scores
from ...core.model import Model
from .request import EVENTS, Request

Bounds = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Terms:
    """On what terms labels are told.

    Args:
        kept: the least score of each label for its being in an answer at all, [n_labels].
        hit: the least score of each label for its being more than the best of those that do not
            fit, [n_labels]; of a single-label model, a best label below it is unknown. None: all
            that is kept is a hit.
        best_decides: whether a window has no hit where its best label is below `kept`: unknown.
    """

    kept: Bounds
    hit: tuple[float, ...] | None = None
    best_decides: bool = False


def terms_of(model: Model, request: Request) -> Terms:
    """The terms of a request: its threshold, if it has one, sets those of the model aside.

    Clips and windows of a calibrated single-label model are told with their best scores, whether
    they are known or not; all else is told only where it reaches what the model asks for.
    """
    n = len(model.labels)
    if request.threshold is not None:
        # As a float32, which scores are: what is written as 0.7 reaches a threshold of 0.7.
        return Terms(np.full(n, np.float32(request.threshold), np.float64))
    if not model.calibration.decides:
        return Terms(np.zeros(n))
    least = least_scores(model.calibration, n, multi_label=model.multi_label)
    if model.multi_label:
        return Terms(least)
    if request.view == EVENTS:
        return Terms(least, best_decides=True)
    return Terms(np.zeros(n), tuple(least.tolist()))

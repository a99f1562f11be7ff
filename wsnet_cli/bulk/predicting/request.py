"""What is asked of every input: all that changes a row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

CLIP, WINDOWS, EVENTS = "clip", "windows", "events"
"""What a row tells of: a whole input, one window of it, or neighbouring windows with one label."""

MEAN, MAX = "mean", "max"
"""How the windows of an input become one score for each label."""


@dataclass(frozen=True)
class Request:
    """Options of a prediction.

    Args:
        view: CLIP, WINDOWS or EVENTS.
        top_k: labels for each clip or window, >= 1; more than there are gives all, and so does
            None.
        threshold: least score in [0, 1] of a label that is told; None: what the model's own
            calibration asks for, if anything.
        aggregate: MEAN or MAX over the windows of a clip.
        gap_s: seconds, >= 0, that may lie between two hits of one event.
        window_s: length of a window in seconds; None is the model's.
        hop_s: from one window to the next; None is the model's.
        channel: from 1; None averages all.
        features: whether what the last layer sees is kept too.
    """

    view: str = CLIP
    top_k: int | None = 1
    threshold: float | None = None
    aggregate: str = MEAN
    gap_s: float = 0.0
    window_s: float | None = None
    hop_s: float | None = None
    channel: int | None = None
    features: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values, equal for two requests exactly if their rows are."""
        return asdict(self)

    def settled(self, *, multi_label: bool, decides: bool = False) -> Request:
        """The request with one label for a clip or window, where no number was named.

        Of a multi-label model they stay all that reach the threshold, where there is one.

        Args:
            multi_label: whether the model is.
            decides: whether its calibration has thresholds.
        """
        has_threshold = self.threshold is not None or decides
        one = self.top_k is None and not (multi_label and has_threshold)
        return replace(self, top_k=1) if one else self

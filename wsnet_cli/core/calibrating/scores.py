"""From logits to scores: the softmax or the sigmoid of logits over a temperature."""

from __future__ import annotations

import numpy as np

from ..errors import ArtifactError
from ..quant import Array


def softmax(logits: Array) -> Array:
    """Softmax over the last axis, safe for any finite logits."""
    with np.errstate(over="ignore"):  # a difference of -inf is as good as the number: exp gives 0
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return out


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-x)) of each logit, safe for any finite one.

    >>> sigmoid(np.float32([0, 1000, -1000])).tolist()
    [0.5, 1.0, 0.0]
    """
    shares = np.exp(-np.abs(logits))
    out: Array = np.where(logits < 0, shares, np.float32(1)) / (1 + shares)
    return out


def scores_of(logits: Array, *, multi_label: bool, temperature: float = 1.0) -> Array:
    """The scores of windows: the softmax over labels, or of each label by itself the sigmoid.

    Args:
        logits: [n, n_labels] float32.
        multi_label: as `core.model.Model` has it.
        temperature: what logits are divided by, > 0 (`core.calibrating.calibration.Calibration`).

    Raises: ArtifactError: a logit is no number, as the model's own numbers are far too large.

    >>> scores_of(np.float32([[0, 2]]), multi_label=True, temperature=2.0).round(3).tolist()
    [[0.5, 0.7310000061988831]]
    """
    if not np.isfinite(logits).all():
        raise ArtifactError(
            "the model's outputs are NaN or infinite: the numbers in its file are too large for "
            "this sound; expected a model that was trained to the end: make it again"
        )
    if temperature != 1:
        most = np.finfo(np.float32).max
        with np.errstate(over="ignore"):
            logits = np.clip(logits / np.float32(temperature), -most, most)
    return sigmoid(logits) if multi_label else softmax(logits)

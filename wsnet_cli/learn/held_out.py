"""Looks at clips that are not trained on: held-out ones for the log, validation ones to choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..core.audio import AudioSettings
from ..core.quant import Array
from ..core.windows import window_blocks
from ..data.packing.packed import PackedSet
from ..engine.session import WINDOWS_AT_ONCE
from .network import WaveformClassifier

SMALLEST_SCORE = 1e-12
"""Keeps the loss of a clip finite where its score has rounded to 0."""


@dataclass(frozen=True)
class Look:
    """What was seen: the share of clips that are right, and the mean loss of a clip's scores."""

    accuracy: float
    loss: float


@torch.no_grad()
def look_at(
    model: WaveformClassifier,
    packed: PackedSet,
    clips: Sequence[int],
    classes: Sequence[int],
    audio: AudioSettings,
    device: torch.device,
) -> Look:
    """Measure clips by their mean softmax over windows.

    Args:
        model: in evaluation mode.
        packed: decoded audio.
        clips: indices of readable clips, at least one.
        classes: the class of each.
        audio: window, hop and normalisation.
        device: where to compute.

    Returns: a clip is right where the largest score is that of its class; its loss is the negative
        logarithm of that score.
    """
    model = model.to(device)
    n_right, losses = 0, 0.0
    for clip, label in zip(clips, classes, strict=True):
        sums = _summed_scores(model, packed.samples(clip), audio, device)
        n_right += int(sums.argmax()) == label
        score = float(sums[label] / sums.sum())
        losses -= math.log(max(score, SMALLEST_SCORE))
    return Look(n_right / len(clips), losses / len(clips))


def _summed_scores(
    model: WaveformClassifier, samples: Array, audio: AudioSettings, device: torch.device
) -> torch.Tensor:
    """The softmax summed over a clip's windows, [n_classes], in bounded memory."""
    sums = []
    for windows in window_blocks(samples, audio, WINDOWS_AT_ONCE):
        logits = model(torch.from_numpy(windows).to(device))
        sums.append(torch.softmax(logits, dim=-1).sum(dim=0))
    return torch.stack(sums).sum(dim=0)

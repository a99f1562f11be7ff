"""Looks at the held-out part while training, for the log alone: nothing is chosen by them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..core.audio import AudioSettings
from ..core.quant import Array
from ..core.windows import window_blocks
from ..data.packing.packed import PackedSet
from ..engine.session import WINDOWS_AT_ONCE
from .network import WaveformClassifier


@torch.no_grad()
def held_out_accuracy(
    model: WaveformClassifier,
    packed: PackedSet,
    clips: Sequence[int],
    classes: Sequence[int],
    audio: AudioSettings,
    device: torch.device,
) -> float:
    """Share of clips whose mean softmax over windows is largest for their class.

    Args:
        model: in evaluation mode.
        packed: decoded audio.
        clips: indices of readable held-out clips, at least one.
        classes: the class of each.
        audio: window, hop and normalisation.
        device: where to compute.
    """
    model = model.to(device)
    n_right = 0
    for clip, label in zip(clips, classes, strict=True):
        n_right += int(_summed_scores(model, packed.samples(clip), audio, device).argmax()) == label
    return n_right / len(clips)


def _summed_scores(
    model: WaveformClassifier, samples: Array, audio: AudioSettings, device: torch.device
) -> torch.Tensor:
    """The softmax summed over a clip's windows, [n_classes], in bounded memory."""
    sums = []
    for windows in window_blocks(samples, audio, WINDOWS_AT_ONCE):
        logits = model(torch.from_numpy(windows).to(device))
        sums.append(torch.softmax(logits, dim=-1).sum(dim=0))
    return torch.stack(sums).sum(dim=0)

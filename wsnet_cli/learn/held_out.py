"""Looks at the held-out part while training, for the log alone: nothing is chosen by them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..core.audio import AudioSettings, clip_windows
from ..data.packed import PackedSet
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
        windows = torch.from_numpy(clip_windows(packed.samples(clip), audio).copy()).to(device)
        scores = torch.softmax(model(windows), dim=-1).mean(dim=0)
        n_right += int(scores.argmax()) == label
    return n_right / len(clips)

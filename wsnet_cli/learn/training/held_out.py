"""Looks at clips that are not trained on: held-out ones for the log, validation ones to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...core.calibrating.calibration import DECISION
from ...core.measures.reliability import mean_log_loss
from ...core.quant import Array
from ...core.sound.audio import AudioSettings
from ...core.sound.windows import window_blocks
from ...data.packing.packed import PackedSet
from ...engine.session import windows_at_once
from ..modules.network import WaveformClassifier

Scores = npt.NDArray[np.float64]


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
    members: npt.NDArray[np.bool_] | None = None,
) -> Look:
    """Measure clips by their mean scores over windows.

    Args:
        model: in evaluation mode.
        packed: decoded audio.
        clips: indices of readable clips, at least one.
        classes: the class of each; in a multi-label set its row of `members`.
        audio: window, hop and normalisation.
        device: where to compute.
        members: which classes each label of a multi-label set names; else None.

    Returns: a clip is right where the largest score is that of its class; its loss is the negative
        logarithm of that score. In a multi-label set it is right where every class is decided
        right, and its loss is the mean binary cross-entropy of the classes.
    """
    model = model.to(device)
    n_right, losses = 0, 0.0
    for clip, label in zip(clips, classes, strict=True):
        logits_to_scores = torch.softmax if members is None else _sigmoid
        scores = _mean_scores(model, packed.samples(clip), audio, device, logits_to_scores)
        if members is None:
            n_right += int(scores.argmax()) == label
            losses += mean_log_loss(scores[[label]])
        else:
            n_right += bool(((scores >= DECISION) == members[label]).all())
            # What is said to what is so, of each class.
            losses += mean_log_loss(np.where(members[label], scores, 1 - scores))
    return Look(n_right / len(clips), losses / len(clips))


def _sigmoid(logits: torch.Tensor, dim: int) -> torch.Tensor:
    """Of each logit by itself, whatever the dimension of the classes."""
    return torch.sigmoid(logits)


def _mean_scores(
    model: WaveformClassifier,
    samples: Array,
    audio: AudioSettings,
    device: torch.device,
    logits_to_scores: Callable[..., torch.Tensor],
) -> Scores:
    """The mean scores over a clip's windows, [n_classes] float64, in bounded memory."""
    sums, n_windows = [], 0
    for windows in window_blocks(samples, audio, windows_at_once(audio)):
        logits = model(torch.from_numpy(windows).to(device))
        sums.append(logits_to_scores(logits, dim=-1).sum(dim=0))
        n_windows += len(windows)
    mean: Scores = torch.stack(sums).sum(dim=0).cpu().numpy().astype(np.float64) / n_windows
    return mean

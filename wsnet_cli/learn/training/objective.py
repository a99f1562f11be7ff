"""What training makes small: a loss for each window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.calibrating.calibration import DECISION
from ..teachers.teachers import Teachers


@dataclass(frozen=True)
class Objective:
    """The loss of logits against soft targets.

    The Kullback-Leibler divergence of the softmax from the targets (arXiv:1711.10282, section 3.3),
    after label smoothing (arXiv:1512.00567, section 7), times the weights of the target's classes.

    Of a multi-label set, the binary cross-entropy of each class's sigmoid, which its weight
    multiplies, averaged over the classes; label smoothing then draws every target towards 1/2.

    Args:
        label_smoothing: share of each target that is spread over all classes, or both answers, 0 to
            below 1.
        class_weights: [K], or None where all classes weigh the same.
        teachers: whose word has a share in the loss; None: labels alone.
        multi_label: whether each class is there or not by itself.
    """

    label_smoothing: float = 0.0
    class_weights: Tensor | None = None
    teachers: Teachers | None = None
    multi_label: bool = False

    def taught(self, windows: Tensor) -> Tensor | None:
        """What the teachers say of windows [B, samples]: [B, K], or None without teachers."""
        said: Tensor | None = None if self.teachers is None else self.teachers(windows)
        return said

    def mix(self, losses: Tensor, logits: Tensor, taught: Tensor | None) -> Tensor:
        """The whole loss of each window: that of the labels, and what the teachers have in it.

        Shape: losses [B] of `losses`, logits [B, K], what `taught` gave -> [B].
        """
        if self.teachers is None or taught is None:
            return losses
        return self.teachers.mix(losses, logits, taught)

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of each window by the labels alone, >= 0.

        Shape: logits [B, K], targets [B, K] that sum to 1, or of a multi-label set are each in
        [0, 1] -> [B].
        """
        smooth = self.label_smoothing
        n_answers = 2 if self.multi_label else targets.shape[1]
        wanted = targets if smooth == 0 else (1 - smooth) * targets + smooth / n_answers
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if self.multi_label:
            return self._of_each_class(exact, wanted)
        scores = torch.log_softmax(exact, dim=-1)
        losses = nn.functional.kl_div(scores, wanted, reduction="none").sum(dim=-1)
        if self.class_weights is None:
            return losses
        return losses * (targets * self.class_weights.to(targets.device)).sum(dim=-1)

    def _of_each_class(self, logits: Tensor, wanted: Tensor) -> Tensor:
        losses = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        if self.class_weights is not None:
            losses = losses * self.class_weights.to(losses.device)
        return losses.mean(dim=-1)

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Of each window, whether its largest logit is that of the largest target: [B] float.

        Of a multi-label set, whether every class is decided as its target is, at a half.
        """
        if self.multi_label:
            return ((logits >= 0) == (targets >= DECISION)).all(dim=-1).float()
        return (logits.argmax(dim=-1) == targets.argmax(dim=-1)).float()

"""Learning from what other models say: knowledge distillation.

Source: G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network,
arXiv:1503.02531, section 2: logits are divided by a temperature T on both sides, and the divergence
times T^2, so that its gradient keeps its size whatever T is. Several teachers are averaged as
section 2 averages an ensemble: by their softened probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..core.audio import AudioSettings
from ..core.config import DistillConfig
from ..core.errors import UsageError
from ..core.model import Model
from .model_source import ModelSource
from .start import frozen


class Teachers(nn.Module):
    """Models that are trained already, as targets for windows.

    They hear the very windows that the student hears. Their weights never change.

    Args:
        models: one or more, which `check_teacher` accepts.
        labels: of the student, in the order of its logits.
        config: `temperature` T > 0, by which logits are divided, and `share` of the teachers in
            the loss.
        device: where to compute.
    """

    def __init__(
        self,
        models: Sequence[Model],
        labels: Sequence[str],
        config: DistillConfig,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.temperature, self.share = config.temperature, config.share
        self.networks = nn.ModuleList(frozen(model) for model in models)
        self.orders = [[model.labels.index(label) for label in labels] for model in models]
        self.to(device)

    @torch.no_grad()
    def forward(self, windows: Tensor) -> Tensor:
        """The mean of the teachers' softened probabilities.

        Shape: [B, samples] -> [B, K] that sum to 1, in the order of the student's labels.
        """
        said = [
            torch.softmax(network(windows)[:, order].float() / self.temperature, dim=-1)
            for network, order in zip(self.networks, self.orders, strict=True)
        ]
        return torch.stack(said).mean(dim=0)

    def losses(self, logits: Tensor, taught: Tensor) -> Tensor:
        """T^2 times the divergence of the student's softened probabilities from the teachers'.

        Shape: logits [B, K] of the student, taught [B, K] of `forward` -> [B], >= 0.
        """
        scores = torch.log_softmax(logits.float() / self.temperature, dim=-1)
        apart = nn.functional.kl_div(scores, taught, reduction="none").sum(dim=-1)
        return self.temperature**2 * apart

    def mix(self, by_labels: Tensor, logits: Tensor, taught: Tensor) -> Tensor:
        """The whole loss: `share` of it the teachers', the rest that of the labels.

        Shape: by_labels [B], the loss without teachers; logits and taught as `losses` -> [B].
        """
        return (1 - self.share) * by_labels + self.share * self.losses(logits, taught)


def check_teacher(teacher: ModelSource, labels: Sequence[str], audio: AudioSettings) -> None:
    """Refuse a teacher that does not hear what the student hears, or names other classes.

    Raises:
        UsageError: its sample rate, window or normalisation differs, or a label does.
    """
    theirs = teacher.model.audio
    for what, own, other in (
        ("sample rate", f"{audio.sample_rate:,} Hz", f"{theirs.sample_rate:,} Hz"),
        ("window", f"{audio.window_samples:,} samples", f"{theirs.window_samples:,} samples"),
        ("normalisation", audio.normalise, theirs.normalise),
    ):
        if own != other:
            raise UsageError(
                f"teacher {teacher.name}: its {what} is {other}; expected {own}, as the student has"
            )
    known = set(teacher.model.labels)
    for label in labels:
        if label not in known:
            raise UsageError(
                f"teacher {teacher.name}: does not know the class {label!r}; "
                "expected a model of the same classes"
            )
    for label in teacher.model.labels:
        if label not in labels:
            raise UsageError(
                f"teacher {teacher.name}: knows a class {label!r}, which the data has not; "
                "expected a model of the same classes"
            )

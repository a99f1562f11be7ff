"""Learning from what other models say: knowledge distillation.

Source: G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network,
arXiv:1503.02531, section 2: logits are divided by a temperature T on both sides, and the divergence
times T^2, so that its gradient keeps its size whatever T is. Several teachers are averaged as
section 2 averages an ensemble: by their softened probabilities. Of a multi-label set the same is
done for each class, which is there or not, and averaged over the classes as the labels' loss is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core.configuration.config import DistillConfig
from ...core.errors import UsageError
from ...core.model import Model
from ...core.sound.audio import AudioSettings
from ..modules.start import frozen
from .model_source import ModelSource


class Teachers(nn.Module):
    """Models that are trained already, as targets for windows.

    They hear the very windows that the student hears. Their weights never change.

    Args:
        models: one or more, which `check_teacher` accepts; multi-label all of them or none.
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
        self.multi_label = models[0].multi_label
        self.networks = nn.ModuleList(frozen(model) for model in models)
        self.orders = [[model.labels.index(label) for label in labels] for model in models]
        self.to(device)

    @torch.no_grad()
    def forward(self, windows: Tensor) -> Tensor:
        """The mean of the teachers' softened probabilities.

        Shape: [B, samples] -> [B, K] in the order of the student's labels; they sum to 1, unless
        the models are multi-label.
        """
        said = []
        for network, order in zip(self.networks, self.orders, strict=True):
            soft = network(windows)[:, order].float() / self.temperature
            said.append(torch.sigmoid(soft) if self.multi_label else torch.softmax(soft, dim=-1))
        return torch.stack(said).mean(dim=0)

    def losses(self, logits: Tensor, taught: Tensor) -> Tensor:
        """T^2 times the divergence of the student's softened probabilities from the teachers'.

        Shape: logits [B, K] of the student, taught [B, K] of `forward` -> [B], >= 0.
        """
        soft = logits.float() / self.temperature
        if self.multi_label:
            least = torch.special.entr(taught) + torch.special.entr(1 - taught)
            crossed = functional.binary_cross_entropy_with_logits(soft, taught, reduction="none")
            apart = (crossed - least).mean(dim=-1)
        else:
            scores = torch.log_softmax(soft, dim=-1)
            apart = functional.kl_div(scores, taught, reduction="none").sum(dim=-1)
        losses: Tensor = self.temperature**2 * apart
        return losses

    def mix(self, by_labels: Tensor, logits: Tensor, taught: Tensor) -> Tensor:
        """The whole loss: `share` of it the teachers', the rest that of the labels.

        Shape: by_labels [B], the loss without teachers; logits and taught as `losses` -> [B].
        """
        return (1 - self.share) * by_labels + self.share * self.losses(logits, taught)


def check_teacher(
    teacher: ModelSource, labels: Sequence[str], audio: AudioSettings, *, multi_label: bool = False
) -> None:
    """Refuse a teacher that does not hear what the student hears, or answers another question.

    Raises:
        UsageError: its sample rate, window or normalisation differs, or a label does, or only one
            of both is multi-label.
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
    if teacher.model.multi_label != multi_label:
        words = ("one label for each clip", "any number of labels for a clip")
        raise UsageError(
            f"teacher {teacher.name}: gives {words[teacher.model.multi_label]}; "
            f"expected {words[multi_label]}, as the data has"
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

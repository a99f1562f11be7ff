"""Which epoch is kept, and when another one is not worth its time: by the validation part."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ...core.configuration.config import TrainConfig


@dataclass
class Best:
    """The best epoch so far: the highest validation accuracy, and of equal ones the lowest loss.

    Attributes:
        epoch: 1-based; 0 before the first.
        accuracy: in [0, 1].
        loss: mean over clips.
        values: the averaged weights of that epoch, where `train.keep` wants them.
    """

    epoch: int = 0
    accuracy: float = -1.0
    loss: float = 0.0
    values: dict[str, Tensor] = field(default_factory=dict)

    def look(self, epoch: int, accuracy: float, loss: float, values: dict[str, Tensor]) -> None:
        """Take this epoch where it is better; a loss that is not a number never is."""
        if loss != loss or (accuracy, -loss) <= (self.accuracy, -self.loss if self.epoch else 0.0):
            return
        self.epoch, self.accuracy, self.loss = epoch, accuracy, loss
        self.values = {name: value.detach().clone() for name, value in values.items()}

    def is_stale(self, config: TrainConfig, epoch: int) -> bool:
        """Whether `patience` epochs have brought nothing better."""
        return config.patience > 0 and self.epoch > 0 and epoch - self.epoch >= config.patience

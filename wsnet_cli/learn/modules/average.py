"""The average of weights over steps, which is what is measured and kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.configuration.config import TrainConfig


class WeightAverage:
    """The average of all weights and batch-norm statistics of a module over its steps.

    `exponential`: with a decay that rises as (1 + t) / (10 + t), so that the start is forgotten in
    short runs (the rule of TensorFlow's ExponentialMovingAverage with `num_updates`). `equal`: the
    mean of all steps from a share of the run on, and the latest values before it (stochastic weight
    averaging, arXiv:1803.05407; batch-norm statistics are averaged too, not measured again).

    Args:
        model: whose values are followed.
        config: `average`, `average_decay`, `average_from`.

    Attributes:
        values: the averages, by the names of `state_dict`.
        n_averaged: steps in the equal average.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._config = config
        self.n_averaged = 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, n_updates: int, n_total: int) -> None:
        """Take in the model's present values after `n_updates` of `n_total` optimizer steps."""
        weight = self._weight_of_latest(n_updates, n_total)
        own: list[Tensor] = []
        latest: list[Tensor] = []
        for name, value in model.state_dict().items():
            mine = self.values[name]
            if mine.is_floating_point():
                own.append(mine)
                latest.append(value)
            else:
                mine.copy_(value)
        torch._foreach_lerp_(own, latest, weight)

    def _weight_of_latest(self, n_updates: int, n_total: int) -> float:
        if self._config.average == "exponential":
            return 1 - min(self._config.average_decay, (1 + n_updates) / (10 + n_updates))
        if n_updates < self._config.average_from * n_total:
            self.n_averaged = 0
            return 1.0
        self.n_averaged += 1
        return 1.0 / self.n_averaged

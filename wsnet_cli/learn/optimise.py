"""Optimizer, learning-rate schedule and the running average of weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..core.config import TrainConfig
from .layers import SampledConv1d, SampledLinear


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW (arXiv:1711.05101), which makes the larger gradients of shared weights harmless.

    Weight decay is for filters; multipliers and biases have none.
    """
    filters: list[nn.Parameter] = []
    for module in model.modules():
        if isinstance(module, SampledConv1d | SampledLinear):
            filters.append(module.phi)
            if isinstance(module, SampledConv1d) and module.pointwise is not None:
                filters.append(module.pointwise)
    chosen = {id(parameter) for parameter in filters}
    others = [p for p in model.parameters() if id(p) not in chosen]
    groups = [
        {"params": filters, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr)


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """Linear warm-up, then half a cosine to 0 (SGDR, arXiv:1608.03983, without restarts).

    Args:
        config: `lr`, `epochs`, `warmup_epochs`; the warm-up ends half way at the latest.
        step: 0-based, over all epochs.
        steps_per_epoch: batches of an epoch.

    Returns: the rate for this step, > 0 before the last step is done.
    """
    total = config.epochs * steps_per_epoch
    warmup = min(config.warmup_epochs * steps_per_epoch, total // 2)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return config.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


class RunningAverage:
    """Exponential moving average of all weights and batch-norm statistics of a module.

    The decay rises as (1 + t) / (10 + t), so that the start is forgotten in short runs
    (the rule of TensorFlow's ExponentialMovingAverage with `num_updates`).

    Args:
        model: whose values are followed.
        decay: in [0, 1); 0 keeps the latest values.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, n_updates: int) -> None:
        """Take in the model's present values after `n_updates` optimizer steps."""
        decay = min(self.decay, (1 + n_updates) / (10 + n_updates))
        for name, value in model.state_dict().items():
            own = self.values[name]
            if own.is_floating_point():
                own.lerp_(value, 1 - decay)
            else:
                own.copy_(value)


def divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the softmax from soft targets (arXiv:1711.10282, 3.3).

    Shape: logits [B, K], targets [B, K] that sum to 1 -> scalar >= 0.
    """
    return nn.functional.kl_div(torch.log_softmax(logits, dim=-1), targets, reduction="batchmean")

"""The optimizer, and which weights decay."""

from __future__ import annotations

import torch
from torch import nn

from ...core.configuration.config import TrainConfig
from ..modules.layers import SampledConv1d, SampledLinear

MOMENTUM = 0.9
"""Of stochastic gradient descent, with Nesterov's look ahead (I. Sutskever et al., ICML 2013)."""


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """SGD, or AdamW (arXiv:1711.05101), which makes shared weights' larger gradients harmless.

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
    # One call for all tensors: a small network's step is many small tensors.
    fused = all(p.device.type in ("cpu", "cuda") for p in model.parameters())
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, config.lr, MOMENTUM, nesterov=True, fused=fused)
    return torch.optim.AdamW(groups, config.lr, fused=fused)

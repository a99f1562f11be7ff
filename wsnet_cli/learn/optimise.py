"""The optimizer, and which weights decay."""

from __future__ import annotations

import torch
from torch import nn

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
    # One call for all tensors: a small network's step is many small tensors.
    fused = all(p.device.type in ("cpu", "cuda") for p in model.parameters())
    return torch.optim.AdamW(groups, lr=config.lr, fused=fused)

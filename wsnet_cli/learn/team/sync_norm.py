"""Batch norm whose statistics are those of all processes' windows."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .peers import lost_peers_told


class TeamBatchNorm(nn.BatchNorm1d):
    """`nn.BatchNorm1d` or `nn.BatchNorm2d` over the windows of all processes, on any device.

    Torch's own SyncBatchNorm takes GPUs alone. Means and mean squares are summed in float32 over
    all processes, and their gradients too, so that the sum of all processes' gradients is that of
    one process with all windows. A process without windows takes part all the same.

    Shape: [B, C, T] -> [B, C, T], or with any other axes after C.
    """

    def _check_input_dim(self, values: Tensor) -> None:
        """Torch asks this before it normalises; of one channel or more, every shape will do."""
        if values.ndim < 2:
            raise ValueError(f"expected an axis of windows and one of channels, got {values.ndim}")

    def forward(self, values: Tensor) -> Tensor:
        """Normalise by the batch in training mode, by the running statistics otherwise."""
        if not self.training:
            return super().forward(values)
        axes = [0, *range(2, values.ndim)]
        count = values.new_tensor([float(values.numel() // values.shape[1])], dtype=torch.float32)
        exact = values.float()
        sums = torch.cat([exact.sum(axes), (exact * exact).sum(axes), count])
        sums = cast("Tensor", _SumOverTeam.apply(sums))  # type: ignore[no-untyped-call]  # torch ships it untyped
        n_channels = self.num_features
        n = sums[-1].detach()
        mean = sums[:n_channels] / n
        variance = (sums[n_channels:-1] / n - mean * mean).clamp_min(0)
        self._keep(mean.detach(), variance.detach() * n / (n - 1).clamp_min(1))
        shape = [1, -1] + [1] * (values.ndim - 2)
        factor = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * factor
        out: Tensor = exact * factor.view(shape) + shift.view(shape)
        return out.to(values.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


class _SumOverTeam(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(values: Tensor) -> Tensor:
    total = values.clone()
    with lost_peers_told():
        dist.all_reduce(total)
    return total


def synchronised(model: nn.Module) -> nn.Module:
    """Replace every batch norm within a module by one over all processes; values are kept."""
    for name, child in model.named_children():
        if type(child) in (nn.BatchNorm1d, nn.BatchNorm2d):
            child = cast("nn.BatchNorm1d | nn.BatchNorm2d", child)
            other = TeamBatchNorm(child.num_features, child.eps, child.momentum)
            other.load_state_dict(child.state_dict())
            setattr(model, name, other.to(child.weight.device))
        else:
            synchronised(child)
    return model

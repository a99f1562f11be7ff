"""Training on the numbers that a quantized model file holds.

On the way forward weights are rounded as `core.quant` rounds them, to the last bit; on the way back
the gradient passes the rounding as if it were not there: the straight-through estimator (Y. Bengio,
N. Léonard, A. Courville, arXiv:1308.3432; B. Jacob et al., arXiv:1712.05877, train on
simulated quantization so). Scales are chosen anew at each step, since weights move; steps that are
learned themselves (LSQ, arXiv:1902.08153) are compared in `benchmarks/fine_tuning.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core.quant import max_code, symmetric_scales


class FakeQuantized(nn.Module):
    """Weights as their codes stand for them; a parametrization of `torch.nn.utils.parametrize`.

    Args:
        bits: of a code, one of `core.quant.BITS`.
        scheme: one of `core.quant.SCHEMES`.
    """

    def __init__(self, bits: int, scheme: str) -> None:
        super().__init__()
        self.bits, self.scheme = bits, scheme

    def forward(self, real: Tensor) -> Tensor:
        """`quantize(real, bits, scheme).values()`. Shape: any, as given."""
        rounded = quantized_values(real.detach(), self.bits, self.scheme)
        return straight_through(real, rounded)


class Halved(nn.Module):
    """Constants as a quantized model keeps them, at 16 bits: a parametrization like the other."""

    def forward(self, real: Tensor) -> Tensor:
        """`from_half(*to_half(real))`. Shape: any, as given."""
        return straight_through(real, half_values(real.detach()))


def straight_through(real: Tensor, rounded: Tensor) -> Tensor:
    """`rounded` itself, with the gradient of `real`; both of one shape."""
    result: Tensor = _StraightThrough.apply(real, rounded)  # type: ignore[no-untyped-call]  # torch ships it untyped
    return result


class _StraightThrough(torch.autograd.Function):
    # Not real + (rounded - real), which differs from `rounded` in the last bit.
    @staticmethod
    def forward(ctx: Any, real: Tensor, rounded: Tensor) -> Tensor:
        return rounded.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def quantized_values(real: Tensor, bits: int, scheme: str) -> Tensor:
    """What `core.quant.quantize(real, bits, scheme).values()` gives, bit for bit.

    Args:
        real: float32, finite; on the CPU or a GPU that computes in float64.
        bits: as there.
        scheme: as there.
    """
    return _symmetric(real, bits) if scheme == "symmetric" else _min_max(real, bits)


def _symmetric(real: Tensor, bits: int) -> Tensor:
    most = max_code(bits)
    step = np.float32(real.abs().max().item()) / np.float32(most)
    if step == 0.0:
        return torch.zeros_like(real)
    # Each scale as a tensor: a GPU multiplies by the reciprocal of a number instead of dividing.
    scales = torch.tensor(np.array(list(symmetric_scales(step, bits))), device=real.device)
    errors = [(_rounded(real, scale, most) - real).double().square().sum() for scale in scales]
    found: list[float] = torch.stack(errors).tolist()
    return _rounded(real, scales[found.index(min(found))], most)  # the first, as there


def _rounded(real: Tensor, scale: Tensor, most: int) -> Tensor:
    return (real / scale).round_().clamp_(-most, most).mul_(scale)


def _min_max(real: Tensor, bits: int) -> Tensor:
    wide, half = real.double(), 1 << bits - 1
    low, high = wide.min().item(), wide.max().item()
    step = float(np.float32((high - low) / (2 * half - 1))) if high > low else 0.0
    if step == 0.0:
        return torch.full_like(real, low)
    exact_step = torch.tensor([step], dtype=torch.float64, device=real.device)
    codes = ((wide - low) / exact_step).round_().sub_(half).clamp_(-half, half - 1).float()
    return codes.mul_(exact_step.float()).add_(float(np.float32(low + half * step)))


def half_values(real: Tensor) -> Tensor:
    """What `core.quant.from_half(*to_half(real))` gives, bit for bit. Args: real: float32."""
    factor = real.abs().max().view(1)
    if factor.item() == 0.0:
        return torch.zeros_like(real)
    return (real / factor).half().float().mul_(factor)

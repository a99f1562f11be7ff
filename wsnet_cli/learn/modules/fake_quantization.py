"""Training on the numbers that a quantized model file holds.

On the way forward weights are rounded as `core.quant` rounds them, to the last bit; on the way back
the gradient passes the rounding as if it were not there: the straight-through estimator (Y. Bengio,
N. Léonard, A. Courville, arXiv:1308.3432; B. Jacob et al., arXiv:1712.05877, train on simulated
quantization so). The step of symmetric codes is trained too: S. Esser et al., Learned Step Size
Quantization, arXiv:1902.08153. `benchmarks/fine_tuning.py` compares it with a step that is chosen
anew each time, which moves by jumps.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ...core.quant import Array, QuantizedTensor, max_code, quantize, round_to_scale


class Quantizer(Protocol):
    """A parametrization of `torch.nn.utils.parametrize` that rounds weights."""

    def quantized(self, real: Tensor) -> QuantizedTensor:
        """The codes whose values `forward` gives, bit for bit."""


class LearnedStep(nn.Module):
    """Symmetric codes of a step that is trained with the weights.

    Args:
        bits: of a code, one of `core.quant.BITS`.
        scale: the step to begin with; 0, that of weights which are all 0, begins with 1.

    Attributes:
        step: real units per code; its sign is of no account.
    """

    def __init__(self, bits: int, scale: float) -> None:
        super().__init__()
        self.bits = bits
        self.step = nn.Parameter(torch.tensor(scale or 1.0))

    def forward(self, real: Tensor) -> Tensor:
        """Rounded to the nearest of the codes times the step. Shape: any, as given."""
        values: Tensor = _RoundToStep.apply(real, self.step.abs(), max_code(self.bits))  # type: ignore[no-untyped-call]  # torch ships it untyped
        return values

    def quantized(self, real: Tensor) -> QuantizedTensor:
        """As `Quantizer.quantized`."""
        return round_to_scale(_array(real), np.float32(abs(self.step.item())), self.bits)


class MinMax(nn.Module):
    """The paper's levels between the least and the largest weight.

    Args:
        bits: of a code, one of `core.quant.BITS`.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits

    def forward(self, real: Tensor) -> Tensor:
        """Rounded to the nearest level. Shape: any, as given."""
        values = self.quantized(real).values()
        return straight_through(real, torch.from_numpy(values).to(real.device))

    def quantized(self, real: Tensor) -> QuantizedTensor:
        """As `Quantizer.quantized`."""
        return quantize(_array(real), self.bits, "min-max")


class Halved(nn.Module):
    """Constants as a quantized model keeps them, at 16 bits."""

    def forward(self, real: Tensor) -> Tensor:
        """`from_half(*to_half(real))` of `core.quant`. Shape: any, as given."""
        return straight_through(real, half_values(real.detach()))


def quantizer(codes: QuantizedTensor) -> LearnedStep | MinMax:
    """What rounds real weights as these are, to begin with."""
    if codes.scheme == "min-max":
        return MinMax(codes.bits)
    return LearnedStep(codes.bits, codes.scale)


def straight_through(real: Tensor, rounded: Tensor) -> Tensor:
    """`rounded` itself, with the gradient of `real`; both of one shape."""
    result: Tensor = _StraightThrough.apply(real, rounded)  # type: ignore[no-untyped-call]  # torch ships it untyped
    return result


def half_values(real: Tensor) -> Tensor:
    """What `core.quant.from_half(*to_half(real))` gives, bit for bit. Args: real: float32."""
    factor = real.abs().max()
    if factor.item() == 0.0:
        return torch.zeros_like(real)
    return (real / factor).half().float().mul_(factor)


def _array(real: Tensor) -> Array:
    array: Array = real.detach().cpu().numpy()
    return array


class _StraightThrough(torch.autograd.Function):
    # Not real + (rounded - real), which differs from `rounded` in the last bit.
    @staticmethod
    def forward(ctx: Any, real: Tensor, rounded: Tensor) -> Tensor:
        return rounded.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class _RoundToStep(torch.autograd.Function):
    """LSQ, section 2: v = round(clip(w / s, -Q, Q)) s, with the gradients of equations 3 to 5."""

    @staticmethod
    def forward(ctx: Any, real: Tensor, step: Tensor, most: int) -> Tensor:
        steps = real / step
        codes = steps.round().clamp_(-most, most)
        inside = steps.abs() <= most
        ctx.save_for_backward(inside, codes - steps * inside)
        ctx.share = (real.numel() * most) ** -0.5
        return codes * step

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        inside, by_step = ctx.saved_tensors
        return gradient * inside, (gradient * by_step).sum() * ctx.share, None

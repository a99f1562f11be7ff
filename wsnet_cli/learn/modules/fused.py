"""A convolution with batch norm, ReLU and max pooling as one step of training, on the CPU.

Torch writes the unpooled map several times in a step and reads it more often. Here it is never
written. Its statistics follow from the input: where w_t are its windows and K_n the filters,

    y_n[t] = <K_n, w_t>    mean(y_n) = <K_n, mean(w)>    var(y_n) = K_n' C K_n

with C the covariance of the windows, which costs less than the convolution. So scale and shift are
known before it, and one pass computes outputs, maxima and their places. On the way back a gradient
g reaches only the maxima; the rest of batch norm's gradient,

    dy = a (g - mean(g) - z mean(g z))    z = (y - mean(y)) / sigma    a = gamma / sigma

follows from the same sums, because the sum of z_t w_t is C K_n / sigma times their number. Sums are
taken in double, which holds products of float32 exactly. What it gains: docs/training.md, "Speed".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ...core.networks.network import Conv, MapConv, Pool
from ...engine.training_kernels import MAX_POOL, Block, training_kernels
from .fused_calls import Flow, input_gradient, moments, outputs, weight_sums
from .layers import SampledConv1d, fold_channels

MAX_TAPS = 128
"""Longest window: C is MAX_TAPS x MAX_TAPS. Torch's own convolution is the faster beyond."""
MIN_STEPS = 48
"""Fewest outputs before pooling: for fewer, the sums cost more than they spare."""

_off: ContextVar[bool] = ContextVar("_off", default=False)


@contextmanager
def torch_alone() -> Iterator[None]:
    """Nothing is fused meanwhile, in this thread: for comparisons."""
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def fused_block(
    conv: nn.Module, norm: nn.Module | None, layer: Conv | MapConv, audio: Tensor
) -> Tensor | None:
    """What torch would compute for the layer, and batch norm's running statistics brought forward.

    Args:
        conv: its filters.
        norm: its batch norm, or None.
        layer: its geometry.
        audio: [B, M, T].

    Returns: [B, N, layer.output_length(T)], or None where torch has to do it: unless it is batch
        norm of this process alone, in training, in float32 on the CPU, the compiled kernels are
        there, and the layer is one for which they are faster.
    """
    if not _is_plain_training(norm, audio):
        return None
    assert isinstance(norm, nn.BatchNorm1d)
    assert isinstance(conv, SampledConv1d)
    assert isinstance(layer, Conv)
    if conv.signs is not None:
        audio = fold_channels(audio, layer.shape.folded_channels, conv.signs)
    block = find_geometry(layer, audio.shape[1], audio.shape[2])
    if block is None or not is_worth_it(block):
        return None
    kernel = conv.kernel()
    if conv.pointwise is not None:  # two linear maps in a row are one
        kernel = torch.einsum("nd,dcl->ncl", conv.pointwise, kernel)
    return run_fused(audio, kernel, norm, block)


def is_worth_it(block: Block) -> bool:
    """Whether the kernels are faster than torch: measured, docs/training.md, "Speed"."""
    spares_enough = block.pool_size > 1 or block.n_channels == 1
    return block.n_taps <= MAX_TAPS and block.n_steps >= MIN_STEPS and spares_enough


def find_geometry(layer: Conv, n_channels: int, n_samples: int) -> Block | None:
    """The layer on [B, n_channels, n_samples] as the kernels take it; None where they cannot."""
    shape, pool = layer.shape, layer.pool or Pool(1, 1)
    n_steps = shape.output_length(n_samples)
    if n_steps < pool.size or n_steps < 2 or pool.size > MAX_POOL:
        return None
    return Block(
        *(n_channels, n_samples, shape.folded_channels, shape.padding, shape.length, shape.stride),
        *(shape.n_out, n_steps, pool.size, pool.stride, pool.output_length(n_steps)),
    )


def _is_plain_training(norm: nn.Module | None, audio: Tensor) -> bool:
    return (
        type(norm) is nn.BatchNorm1d
        and norm.training
        and norm.track_running_stats
        and audio.device.type == "cpu"
        and audio.dtype == norm.weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not _off.get()
        and training_kernels() is not None
    )


def run_fused(audio: Tensor, kernel: Tensor, norm: nn.BatchNorm1d, block: Block) -> Tensor:
    """The layer by the kernels, and the running statistics brought forward.

    Args:
        audio: [B, M, T] float32.
        kernel: [N, M*, L] float32.
        norm: in training.
        block: the geometry of both.

    Returns: [B, N, block.n_pooled].
    """
    out, mean, variance = cast(
        "tuple[Tensor, Tensor, Tensor]",
        _Fused.apply(audio, kernel, norm.weight, norm.bias, norm.eps, block),  # type: ignore[no-untyped-call]  # torch ships it untyped
    )
    with torch.no_grad():
        _follow(norm, mean, variance, len(audio) * block.n_steps)
    return out


def _follow(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, count: int) -> None:
    """As torch: by `momentum`, or the mean over all batches where it is None; unbiased."""
    assert norm.num_batches_tracked is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.num_batches_tracked.add_(1)
    share = norm.momentum if norm.momentum is not None else 1 / int(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.float(), share)
    norm.running_var.lerp_((variance * (count / (count - 1))).float(), share)


class _Fused(torch.autograd.Function):
    """[B, M, T] to [B, N, n_pooled], and mean and variance of the unpooled map, float64 [N]."""

    @staticmethod
    def forward(
        ctx: Any,
        audio: Tensor,
        kernel: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: float,
        block: Block,
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows, window_mean, covariance = moments(block, audio.contiguous())
        # Row by row of the window: its columns lie side by side.
        filters = kernel.transpose(1, 2).reshape(block.n_filters, block.n_taps)
        exact = filters.double()
        mean = exact @ window_mean
        spread = exact @ covariance
        variance = (spread * exact).sum(1).clamp_min(0)
        deviation = torch.sqrt(variance + eps)
        scale = weight.double() / deviation
        shift = bias.double() - mean * scale
        out, chosen = outputs(block, rows, filters, scale, shift)
        ctx.block, ctx.n_items = block, len(audio)
        ctx.save_for_backward(rows, chosen, exact, scale, mean, deviation, window_mean, spread)
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        block: Block = ctx.block
        rows, chosen, exact, scale, mean, deviation, window_mean, spread = ctx.saved_tensors
        gradient = gradient.contiguous()
        total, windows = weight_sums(block, rows, gradient, chosen)
        # Sum over the outputs of gradient * z, from sum of gradient * window.
        along = ((exact * windows).sum(1) - mean * total) / deviation
        flow = windows - torch.outer(total, window_mean) - (along / deviation).unsqueeze(1) * spread
        flow *= scale.unsqueeze(1)
        kernel_gradient = flow.float().view(-1, block.length, block.n_columns).transpose(1, 2)
        audio_gradient = None
        if ctx.needs_input_grad[0]:
            count = ctx.n_items * block.n_steps
            curve = scale * along / (deviation * count)
            slope = curve * mean - scale * total / count
            parts = Flow(exact * scale.unsqueeze(1), -(exact.T * curve) @ exact, slope @ exact)
            audio_gradient = input_gradient(block, rows, gradient, chosen, parts)
        return audio_gradient, kernel_gradient, along.float(), total.float(), None, None

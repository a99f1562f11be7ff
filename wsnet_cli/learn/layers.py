"""Weight-sampled layers for training.

Source: WSNet (arXiv:1711.10067), section 3; notation as in `core/sampling.py`. What trains is the
folded computation: channel groups are summed first, so C times fewer multiply-adds are made.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..core.sampling import ConvShape, LinearShape


class SampledConv1d(nn.Module):
    """A 1-D convolution without bias whose filters are windows of one condensed filter.

    A dense layer is the case in which the windows do not overlap (`shape.sampling` is None).

    Shape: input [B, M, T] -> output [B, N, shape.output_length(T)].

    Args:
        shape: geometry and sampling.

    Attributes:
        phi: the condensed filter [L*, M*].
        pointwise: [N, D*N], the 1x1 convolution after denser sampling, or None.
    """

    def __init__(self, shape: ConvShape) -> None:
        super().__init__()
        self.shape = shape
        # He et al. 2015 with the fan-in of the expanded filter, L*M: the M/C columns are reused.
        deviation = math.sqrt(2.0 / (shape.length * shape.n_in))
        phi = torch.randn(shape.condensed_length, shape.condensed_channels) * deviation
        self.phi = nn.Parameter(phi)
        self.pointwise: nn.Parameter | None = None
        if shape.pointwise_shape:
            fan_in = shape.pointwise_shape[1]
            self.pointwise = nn.Parameter(
                torch.randn(shape.pointwise_shape) * math.sqrt(1.0 / fan_in)
            )

    def kernel(self) -> Tensor:
        """The sampled filters [D*N, M*, L]: a view of `phi`, never to be written to."""
        return self.phi.unfold(0, self.shape.length, self.shape.filter_step)

    def forward(self, audio: Tensor) -> Tensor:
        """Convolve [B, M, T] to [B, N, T']."""
        out = functional.conv1d(
            fold_channels(audio, self.shape.condensed_channels),
            self.kernel(),
            stride=self.shape.stride,
            padding=self.shape.padding,
        )
        if self.pointwise is not None:
            out = functional.conv1d(out, self.pointwise.unsqueeze(-1))
        return out


class SampledLinear(nn.Module):
    """A fully connected layer whose rows are windows of one vector; dense if they do not overlap.

    Shape: input [B, n_in] -> output [B, n_out].

    Attributes:
        phi: the condensed vector [n_in + (n_out - 1) * S].
        bias: [n_out].
    """

    def __init__(self, shape: LinearShape) -> None:
        super().__init__()
        self.shape = shape
        self.phi = nn.Parameter(torch.randn(shape.n_weights) * math.sqrt(1.0 / shape.n_in))
        self.bias = nn.Parameter(torch.zeros(shape.n_out))

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, n_in] to [B, n_out]."""
        weights = self.phi.unfold(0, self.shape.n_in, self.shape.filter_step)
        return functional.linear(features, weights, self.bias)


def fold_channels(audio: Tensor, n_columns: int) -> Tensor:
    """Sum the groups of channels that share weights: F~[t, j] = sum over c of F[t, j + c * M*].

    Exact, because the columns of the sampled filter repeat (paper, section 3.3).

    Shape: [B, M, T] -> [B, n_columns, T]; `n_columns` divides M.
    """
    n_batch, n_channels, n_samples = audio.shape
    if n_channels == n_columns:
        return audio
    return audio.reshape(n_batch, n_channels // n_columns, n_columns, n_samples).sum(dim=1)

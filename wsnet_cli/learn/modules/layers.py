"""Weight-sampled layers for training.

Source: WSNet (arXiv:1711.10067), section 3; notation as in `core/networks/sampling.py`. What trains
is the folded computation: channel groups are summed first, so C times fewer multiply-adds are made.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...core.networks.filters import channel_signs
from ...core.networks.sampling import ConvShape, LinearShape
from .places import FilterPlaces


class SampledConv1d(nn.Module):
    """A 1-D convolution without bias whose filters are windows of one condensed filter.

    A dense layer is the case in which the windows do not overlap (`shape.sampling` is None). With a
    group offset the channels cannot be folded, and all of them are convolved.

    Shape: input [B, M, T] -> output [B, N, shape.output_length(T)].

    Args:
        shape: geometry and sampling.

    Attributes:
        phi: the condensed filter [L*, M*].
        pointwise: [N, D*N], the 1x1 convolution after denser sampling, or None.
        places: where filters begin, or None where they do so regularly.
        signs: [M] of the input channels, 1 or -1, or None.
    """

    signs: Tensor | None

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
        self.places = FilterPlaces(shape) if shape.n_offsets else None
        signs = channel_signs(shape.n_in, shape.condensed_channels) if shape.signs else None
        self.register_buffer(
            "signs", None if signs is None else torch.from_numpy(signs), persistent=False
        )

    def kernel(self) -> Tensor:
        """The sampled filters [D*N, shape.folded_channels, L].

        Regular ones are a view of `phi`, never to be written to.
        """
        if self.shape.is_regular:
            return self.phi.unfold(0, self.shape.length, self.shape.filter_step)
        if self.places is None:
            starts = torch.arange(self.shape.n_sampled, device=self.phi.device)
            filters = self._windows(starts * self.shape.filter_step)
        else:
            rows, fractions = self.places()
            weight = fractions.to(self.phi.dtype).view(-1, 1, 1)
            filters = (1 - weight) * self._windows(rows) + weight * self._windows(rows + 1)
        if self.signs is not None and self.shape.group_offset:
            filters = filters * self.signs.unsqueeze(-1)
        return filters

    def _windows(self, starts: Tensor) -> Tensor:
        """Windows of all channel groups from each start on: [D*N] to [D*N, columns, L]."""
        shape = self.shape
        n_groups = shape.folded_channels // shape.condensed_channels
        groups = torch.arange(n_groups, device=starts.device) * shape.group_offset
        taps = torch.arange(shape.length, device=starts.device)
        rows = starts.view(-1, 1, 1) + groups.view(-1, 1) + taps
        found = self.phi[rows.clamp(max=shape.condensed_length - 1)]
        return found.transpose(2, 3).flatten(1, 2)

    def forward(
        self, audio: Tensor, multiplier: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """Convolve [B, M, T] to [B, N, T'], times `multiplier` [N] plus `bias` [N].

        The filters are multiplied, and not the outputs, which are many more.
        """
        kernel, pointwise = self.kernel(), self.pointwise
        if pointwise is None:
            kernel = scaled(kernel, multiplier)
        out = functional.conv1d(
            fold_channels(audio, self.shape.folded_channels, self.signs),
            kernel,
            bias if pointwise is None else None,
            stride=self.shape.stride,
            padding=self.shape.padding,
        )
        if pointwise is not None:
            out = functional.conv1d(out, scaled(pointwise.unsqueeze(-1), multiplier), bias)
        return out


class SampledLinear(nn.Module):
    """A fully connected layer whose rows are windows of one vector; dense if they do not overlap.

    Shape: input [B, n_in] -> output [B, n_out].

    Attributes:
        phi: the condensed vector [n_in + (n_out - 1) * S].
        multiplier: [n_out], or None where the layer is not scaled.
        bias: [n_out].
    """

    def __init__(self, shape: LinearShape, *, scaled: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.phi = nn.Parameter(torch.randn(shape.n_weights) * math.sqrt(1.0 / shape.n_in))
        self.multiplier = nn.Parameter(torch.ones(shape.n_out)) if scaled else None
        self.bias = nn.Parameter(torch.zeros(shape.n_out))

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, n_in] to [B, n_out]."""
        weights = self.phi.unfold(0, self.shape.n_in, self.shape.filter_step)
        if self.multiplier is None:
            return functional.linear(features, weights, self.bias)
        return functional.linear(features, weights) * self.multiplier + self.bias


def scaled(filters: Tensor, multiplier: Tensor | None) -> Tensor:
    """Filters [N, ...], each times its own of [N]; as they are where there is none."""
    return (
        filters if multiplier is None else filters * multiplier.view(-1, *[1] * (filters.ndim - 1))
    )


def fold_channels(audio: Tensor, n_columns: int, signs: Tensor | None = None) -> Tensor:
    """Sum the groups of channels that share weights: F~[t, j] = sum over c of F[t, j + c * M*].

    Exact, because the columns of the sampled filter repeat (paper, section 3.3).

    With signs [M], each channel is multiplied by its own first.

    Shape: [B, M, T] -> [B, n_columns, T]; `n_columns` divides M.
    """
    n_batch, n_channels, n_samples = audio.shape
    if n_channels == n_columns:
        return audio
    groups = audio.reshape(n_batch, n_channels // n_columns, n_columns, n_samples)
    if signs is not None:
        groups = groups * signs.view(-1, n_columns, 1)
    return groups.sum(dim=1)

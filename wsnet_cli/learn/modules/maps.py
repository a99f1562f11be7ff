"""Weight-sampled convolutions of maps for training; geometry as in `core/networks/maps.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...core.networks.maps import MapShape
from .layers import SampledConv1d, scaled


class SampledConv2d(SampledConv1d):
    """A 2-D convolution without bias whose filters are windows of one condensed filter.

    It has the weights of a 1-D layer with as many taps: see `MapShape.taps`.

    Shape: input [B, M, F, T] -> output [B, N, shape.n_out_bands, shape.output_length(T)].

    Args:
        map_shape: geometry and sampling.
    """

    def __init__(self, map_shape: MapShape) -> None:
        super().__init__(map_shape.taps)
        self.map_shape = map_shape

    def map_kernel(self) -> Tensor:
        """The sampled filters [N, M*, height, length]: a view of `phi`, never to be written to."""
        taps = self.kernel()  # numbered time step by time step
        steps = taps.reshape(*taps.shape[:2], self.map_shape.length, self.map_shape.height)
        return steps.transpose(2, 3)

    def forward(
        self, maps: Tensor, multiplier: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """Convolve [B, M, F, T] to [B, N, F', T'], times `multiplier` [N] plus `bias` [N].

        Maps lie channels last: on a CPU, batch norm and pooling are then some times as fast.
        """
        shape = self.map_shape
        folded = fold_maps(maps, shape.folded_channels, self.signs)
        return functional.conv2d(
            folded.contiguous(memory_format=torch.channels_last),
            scaled(self.map_kernel(), multiplier).contiguous(memory_format=torch.channels_last),
            bias,
            stride=shape.stride,
            padding=(shape.band_padding, shape.padding),
        )


def fold_maps(maps: Tensor, n_columns: int, signs: Tensor | None = None) -> Tensor:
    """Sum the groups of maps that share weights: [B, M, F, T] -> [B, n_columns, F, T].

    With signs [M], each map is multiplied by its own first. However the maps lie, so lie the sums.
    """
    n_batch, n_maps, *size = maps.shape
    if n_maps == n_columns:
        return maps
    groups = maps.view(n_batch, n_maps // n_columns, n_columns, *size)
    if signs is not None:
        groups = groups * signs.view(-1, n_columns, 1, 1)
    return groups.sum(dim=1)

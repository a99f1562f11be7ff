"""Weight-sampled convolutions of maps for training; geometry as in `core/maps.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ..core.maps import MapShape
from .layers import SampledConv1d, fold_channels


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

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve [B, M, F, T] to [B, N, F', T']."""
        shape = self.map_shape
        folded = fold_channels(maps.flatten(2), shape.folded_channels, self.signs)
        return functional.conv2d(
            folded.reshape(*folded.shape[:2], *maps.shape[2:]),
            self.map_kernel(),
            stride=shape.stride,
            padding=(shape.band_padding, shape.padding),
        )

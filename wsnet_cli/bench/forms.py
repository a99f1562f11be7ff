"""A model as plain convolutions: what peers run that know nothing of weight sampling.

Everything that can be done once is done here, in float64: sampled filters are expanded, the 1x1 of
denser sampling and the multipliers are folded into them. What a peer is left with is the least that
it has to do, so that none is slow for a reason of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.model import LayerWeights, Model, real
from ..core.networks.filters import channel_signs, sampled_rows
from ..core.networks.maps import MapShape
from ..core.networks.network import Conv, Flatten, Linear, MapConv, Mean, Pool, ToMap
from ..core.networks.sampling import ConvShape
from ..core.quant import Array
from ..engine.numpy_engine import expand_filters


@dataclass(frozen=True)
class PlainConv:
    """Sum `groups` of channels, convolve, add the bias, ReLU where asked for, max pooling.

    Args:
        name: of the layer.
        kernel: [N, M*, L] float32.
        bias: [N] float32.
        groups: C, how many groups of M* input channels are summed first; 1 for none.
        stride: input samples between outputs.
        padding: zeros on either side.
        relu: whether negative values become zero.
        pool: or None.
        signs: [C, M*] of the channels in that sum, 1 or -1, float32; None: all 1.
    """

    name: str
    kernel: Array
    bias: Array
    groups: int
    stride: int
    padding: int
    relu: bool
    pool: Pool | None
    signs: Array | None = None


@dataclass(frozen=True)
class PlainMapConv:
    """The same on maps [M, F, T].

    Args:
        name: of the layer.
        kernel: [N, M*, height, length] float32.
        bias: [N] float32.
        groups: as of PlainConv.
        n_bands: of the input.
        stride: bands and steps between outputs.
        padding: zeros on either side, of bands and of steps.
        relu: as of PlainConv.
        pool: bands and steps of a maximum, and between maxima; or None.
        signs: as of PlainConv.
    """

    name: str
    kernel: Array
    bias: Array
    groups: int
    n_bands: int
    stride: int
    padding: tuple[int, int]
    relu: bool
    pool: tuple[tuple[int, int], tuple[int, int]] | None
    signs: Array | None = None


@dataclass(frozen=True)
class PlainLinear:
    """A fully connected layer: weight [n_out, n_in] and bias [n_out], float32."""

    name: str
    weight: Array
    bias: Array
    relu: bool


PlainStep = PlainConv | PlainMapConv | PlainLinear | ToMap | Mean | Flatten


def plain_steps(model: Model) -> tuple[PlainStep, ...]:
    """The layers of a model, in order."""
    weights = iter(model.weights)
    steps: list[PlainStep] = []
    for layer in model.network.layers:
        if isinstance(layer, Conv):
            steps.append(_plain_conv(layer, next(weights)))
        elif isinstance(layer, MapConv):
            steps.append(_plain_map_conv(layer, next(weights)))
        elif isinstance(layer, Linear):
            steps.append(_plain_linear(layer, next(weights)))
        else:
            steps.append(layer)
    return tuple(steps)


def _plain_conv(layer: Conv, own: LayerWeights) -> PlainConv:
    shape = layer.shape
    kernel = expand_filters(real(own.phi), shape, own.offsets).astype(np.float64)
    if own.pointwise is not None:
        kernel = real(own.pointwise).astype(np.float64) @ kernel
    if own.multiplier is not None:
        kernel = own.multiplier.astype(np.float64)[:, np.newaxis] * kernel
    return PlainConv(
        layer.name,
        kernel.reshape(shape.n_out, shape.folded_channels, shape.length).astype(np.float32),
        own.bias.astype(np.float32),
        shape.n_in // shape.folded_channels,
        shape.stride,
        shape.padding,
        layer.relu,
        layer.pool,
        _signs(shape),
    )


def _signs(shape: ConvShape | MapShape) -> Array | None:
    """[C, M*] of the channels that are summed."""
    n_groups = shape.n_in // shape.folded_channels
    if n_groups == 1 or not shape.signs:
        return None
    return channel_signs(shape.n_in, shape.folded_channels).reshape(n_groups, -1)


def _plain_map_conv(layer: MapConv, own: LayerWeights) -> PlainMapConv:
    shape, pool = layer.shape, layer.pool or Pool(1, 1)
    kernel = expand_filters(real(own.phi), shape.taps).astype(np.float64)
    if own.multiplier is not None:
        kernel = own.multiplier.astype(np.float64)[:, np.newaxis] * kernel
    kernel = kernel.reshape(shape.n_out, -1, shape.length, shape.height).swapaxes(2, 3)
    pooling = (layer.band_pool, pool.size), (layer.band_pool, pool.stride)
    return PlainMapConv(
        layer.name,
        np.ascontiguousarray(kernel, np.float32),
        own.bias.astype(np.float32),
        shape.n_in // shape.folded_channels,
        shape.n_bands,
        shape.stride,
        (shape.band_padding, shape.padding),
        layer.relu,
        None if pooling == ((1, 1), (1, 1)) else pooling,
        _signs(shape),
    )


def _plain_linear(layer: Linear, own: LayerWeights) -> PlainLinear:
    rows = sampled_rows(real(own.phi), layer.shape)
    if own.multiplier is not None:
        rows = own.multiplier.astype(np.float64)[:, np.newaxis] * rows
    bias = own.bias.astype(np.float32)
    return PlainLinear(layer.name, np.array(rows, np.float32), bias, layer.relu)  # torch's own copy

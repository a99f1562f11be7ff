"""The torch network of a plain `core.networks.network.Network`, and its way to a model file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ...core.model import LayerWeights
from ...core.networks.network import Conv, Flatten, Linear, MapConv, Mean, Network, Pool, ToMap
from .fused import fused_block
from .layers import SampledConv1d, SampledLinear
from .maps import SampledConv2d


class ConvBlock(nn.Module):
    """Convolution, batch norm (or a plain multiplier and bias), ReLU, max pooling.

    Shape: [B, M, T] -> [B, N, layer.output_length(T)].
    """

    def __init__(self, layer: Conv | MapConv) -> None:
        super().__init__()
        self.layer = layer
        self.conv = (
            SampledConv1d(layer.shape) if isinstance(layer, Conv) else SampledConv2d(layer.shape)
        )
        norm = nn.BatchNorm1d if isinstance(layer, Conv) else nn.BatchNorm2d
        n_out, plain = layer.shape.n_out, not layer.is_normed
        self.norm = None if plain else norm(n_out)
        self.multiplier = nn.Parameter(torch.ones(n_out)) if plain and layer.scaled else None
        self.bias = nn.Parameter(torch.zeros(n_out)) if plain else None

    def forward(self, audio: Tensor) -> Tensor:
        """Run the block."""
        fused = fused_block(self.conv, self.norm, self.layer, audio)
        if fused is not None:
            return fused
        out = self._convolve(audio)
        # Pooled first: the maximum and ReLU commute, and ReLU then has fewer values to pass over.
        if self.layer.pool:
            out = nn.functional.max_pool1d(out, self.layer.pool.size, self.layer.pool.stride)
        return torch.relu(out) if self.layer.relu else out

    def _convolve(self, audio: Tensor) -> Tensor:
        """With batch norm, or with multiplier and bias by channel."""
        if self.norm is not None:
            return cast("Tensor", self.norm(self.conv(audio)))
        return cast("Tensor", self.conv(audio, self.multiplier, self.bias))

    def export(self) -> LayerWeights:
        """Weights, and batch norm's running statistics as one multiplier and bias a channel."""
        phi = _array(self.conv.phi)
        pointwise = None if self.conv.pointwise is None else _array(self.conv.pointwise)
        offsets = None if self.conv.places is None else self.conv.places.export()
        if self.norm is None:
            multiplier = None if self.multiplier is None else _array(self.multiplier)
            bias = _array(cast("Tensor", self.bias))
            return LayerWeights(phi, pointwise, multiplier, bias, offsets)
        variance = _array(cast("Tensor", self.norm.running_var)).astype(np.float64)
        multiplier = _array(self.norm.weight) / np.sqrt(variance + self.norm.eps)
        shift = _array(cast("Tensor", self.norm.running_mean)) * multiplier
        bias = _array(self.norm.bias) - shift
        constants = multiplier.astype(np.float32), bias.astype(np.float32)
        return LayerWeights(phi, pointwise, *constants, offsets)


class MapBlock(ConvBlock):
    """The same on maps.

    Shape: [B, M, F, T] -> [B, N, layer.n_out_bands, layer.output_length(T)].
    """

    def __init__(self, layer: MapConv) -> None:
        super().__init__(layer)
        pool = layer.pool or Pool(1, 1)
        self._pool = (layer.band_pool, pool.size), (layer.band_pool, pool.stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Run the block."""
        out = self._convolve(maps)
        size, stride = self._pool
        if size != (1, 1) or stride != (1, 1):  # before ReLU, as there
            out = nn.functional.max_pool2d(out, size, stride)
        return torch.relu(out) if self.layer.relu else out


class LinearBlock(nn.Module):
    """Dropout, fully connected layer, ReLU where the layer has one. Shape: [B, in] -> [B, out]."""

    def __init__(self, layer: Linear, dropout: float) -> None:
        super().__init__()
        self.layer = layer
        self.dropout = nn.Dropout(dropout)
        self.linear = SampledLinear(layer.shape, scaled=layer.scaled)

    def forward(self, features: Tensor) -> Tensor:
        """Run the block."""
        out = self.linear(self.dropout(features))
        return cast("Tensor", torch.relu(out) if self.layer.relu else out)

    def export(self) -> LayerWeights:
        """Weights, multiplier where there is one, and bias."""
        own = self.linear
        multiplier = None if own.multiplier is None else _array(own.multiplier)
        return LayerWeights(_array(own.phi), None, multiplier, _array(own.bias))


class WaveformClassifier(nn.Module):
    """A network from raw windows to logits.

    Shape: [B, n_samples] float32 -> [B, n_classes].

    Args:
        network: the layers.
        dropout: share of a linear layer's inputs dropped while training.
    """

    def __init__(self, network: Network, dropout: float = 0.0) -> None:
        super().__init__()
        self.network = network
        blocks: list[nn.Module] = []
        for layer in network.layers:
            if isinstance(layer, Conv):
                blocks.append(ConvBlock(layer))
            elif isinstance(layer, MapConv):
                blocks.append(MapBlock(layer))
            elif isinstance(layer, Linear):
                blocks.append(LinearBlock(layer, dropout))
            else:
                blocks.append(_Reduce(layer))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, windows: Tensor) -> Tensor:
        """Logits of a batch of windows."""
        out = windows.unsqueeze(1)
        for block in self.blocks:
            out = block(out)
        return out

    def export(self) -> tuple[LayerWeights, ...]:
        """The weights of every weighted layer, in order, as a model file holds them."""
        blocks = cast("Sequence[nn.Module]", self.blocks)
        return tuple(b.export() for b in blocks if isinstance(b, ConvBlock | LinearBlock))


class _Reduce(nn.Module):
    def __init__(self, layer: ToMap | Mean | Flatten) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, maps: Tensor) -> Tensor:
        if isinstance(self.layer, ToMap):
            return maps.unsqueeze(1)
        return maps.flatten(2).mean(dim=-1) if isinstance(self.layer, Mean) else maps.flatten(1)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float32, copy=True)

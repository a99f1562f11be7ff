"""Convolutions of maps in numpy: directly on the folded input, block by block along time."""

from __future__ import annotations

import numpy as np

from ..core.model import LayerWeights, real
from ..core.networks.maps import MapShape
from ..core.networks.network import MapConv, Pool
from ..core.quant import Array
from .numpy_parts import (
    NO_POOL,
    expand_filters,
    fold_channels,
    max_pool,
    rows_in_blocks,
    rows_of_a_block,
)


class MapStep:
    """[M, F, T] to [N, F'', T''], both after pooling; no map is ever whole before it is pooled."""

    def __init__(self, layer: MapConv, own: LayerWeights) -> None:
        self._layer = layer
        self._kernel = expand_filters(real(own.phi), layer.shape.taps)
        self._multiplier = own.multiplier
        self._bias = own.bias

    def __call__(self, values: Array) -> Array:
        """Run the layer on [M, F, T] float32, T at least what the layer's pool needs."""
        layer, shape = self._layer, self._layer.shape
        pool = layer.pool or NO_POOL
        padded = np.pad(
            _fold(values, shape),
            ((0, 0), (shape.band_padding,) * 2, (shape.padding,) * 2),
        )
        n_outputs = layer.output_length(values.shape[2])
        n_values = self._kernel.shape[1] * shape.n_out_bands
        n_made = shape.n_out * shape.n_out_bands
        most = rows_of_a_block(n_values, n_made)
        block = max(1, pool.output_length(most))

        def make(first: int, n: int) -> Array:
            start, n_samples = first * shape.stride, (n - 1) * shape.stride + shape.length
            columns = _unfold(padded[:, :, start : start + n_samples], shape)
            out: Array = np.matmul(self._kernel, columns).reshape(-1, shape.n_out_bands, n)
            return out

        done = []
        for start in range(0, n_outputs, block):
            n_rows = pool.input_length(min(block, n_outputs - start))
            out = rows_in_blocks(make, start * pool.stride, n_rows, most)
            done.append(self._finish(out, pool))
        return np.concatenate(done, axis=2)

    def _finish(self, out: Array, pool: Pool) -> Array:
        """Scale, pool and activate [N, F', rows]."""
        if self._multiplier is not None:
            out *= self._multiplier[:, np.newaxis, np.newaxis]
        out += self._bias[:, np.newaxis, np.newaxis]
        n_maps, n_bands, n_rows = out.shape
        if self._layer.pool:
            out = max_pool(out.reshape(-1, n_rows), pool).reshape(n_maps, n_bands, -1)
        out = pool_bands(out, self._layer.band_pool)
        return np.maximum(out, 0) if self._layer.relu else out


def pool_bands(values: Array, size: int) -> Array:
    """Maximum over each `size` bands; what is left over at the top is dropped.

    Args:
        values: [N, F, T].
        size: 1 to F.

    Returns: [N, F // size, T].
    """
    n_maps, n_bands, n_steps = values.shape
    whole = values[:, : n_bands // size * size]
    out: Array = whole.reshape(n_maps, -1, size, n_steps).max(axis=2)
    return out


def _fold(values: Array, shape: MapShape) -> Array:
    """Sum the groups of maps that share weights: [M, F, T] to [M*, F, T]."""
    n_maps, n_bands, n_steps = values.shape
    flat = values.reshape(n_maps, -1)
    folded = fold_channels(flat, shape.folded_channels, signs=shape.signs)
    return folded.reshape(-1, n_bands, n_steps)


def _unfold(padded: Array, shape: MapShape) -> Array:
    """One column for each band and step of the output: maps, then taps time step by time step."""
    view = np.lib.stride_tricks.sliding_window_view(padded, (shape.height, shape.length), (1, 2))
    taps: Array = view[:, :: shape.stride, :: shape.stride].transpose(0, 4, 3, 1, 2)
    return taps.reshape(-1, taps.shape[3] * taps.shape[4])

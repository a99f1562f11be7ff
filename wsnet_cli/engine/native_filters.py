"""Filters in the layouts that the kernels want."""

from __future__ import annotations

import numpy as np

from ..core.model import LayerWeights, real
from ..core.networks.filters import sampled_filters
from ..core.networks.maps import MapShape
from ..core.networks.sampling import ConvShape
from ..core.quant import Array


def rows_of_taps(own: LayerWeights, shape: ConvShape) -> tuple[Array, int]:
    """Rows of taps, and how many of them lie between filters.

    Phi as it is, or where its windows are not regular all filters, one after the other.
    """
    phi = real(own.phi)
    if shape.is_regular:
        return phi, shape.filter_step
    return sampled_filters(phi, shape, own.offsets), shape.length


def halve_filters(phi: Array, shape: ConvShape, step: int) -> Array:
    """The filters that `fast_fir.inc` wants: even taps, odd taps, and their sums.

    Args:
        phi: rows of taps, [rows, columns] or [D*N, L, columns], float32.
        shape: geometry of the layer; a tap here is all that one step of the output goes along.
        step: rows between neighbouring filters.

    Returns: [3, D*N, pairs * stride * columns] float32; missing taps are zeros.
    """
    row = shape.stride * shape.folded_channels
    n_pairs = -(-shape.length // (2 * shape.stride))
    n_taps = shape.length * shape.folded_channels
    windows = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(phi).ravel(), n_taps)
    filters = windows[:: step * shape.folded_channels]
    taps = np.zeros((shape.n_sampled, n_pairs * 2 * row), np.float32)
    taps[:, :n_taps] = filters
    even, odd = np.moveaxis(taps.reshape(shape.n_sampled, n_pairs, 2, row), 2, 0)
    return np.stack([even, odd, even + odd]).reshape(3, shape.n_sampled, -1)


def filters_by_band(phi: Array, shape: MapShape) -> Array:
    """The sampled filters as rows of taps: bands, then time steps, then channels.

    Args:
        phi: [L*, M*] float32.
        shape: geometry of the layer.

    Returns: [N, height * length * M*] float32, contiguous.
    """
    taps = sampled_filters(phi, shape.taps, None)  # numbered time by time
    steps = taps.reshape(shape.n_out, shape.length, shape.height, -1)
    return np.ascontiguousarray(steps.swapaxes(1, 2)).reshape(shape.n_out, -1)


def mix_filters(phi: Array, shape: MapShape) -> Array:
    """The filters that `fast_maps.inc` wants, of a layer with 3 taps in time.

    Args:
        phi: [L*, M*] float32.
        shape: geometry of the layer.

    Returns: [4, N, height * M*] float32: the first taps in time, half the sum of all three, the
        same with the middle ones taken away, and the last; bands, then channels.
    """
    taps = filters_by_band(phi, shape).astype(np.float64)
    first, middle, last = np.moveaxis(
        taps.reshape(shape.n_out, shape.height, 3, shape.folded_channels), 2, 0
    )
    ends = first + last
    mixed = np.stack([first, (ends + middle) / 2, (ends - middle) / 2, last])
    return mixed.reshape(4, shape.n_out, -1).astype(np.float32)

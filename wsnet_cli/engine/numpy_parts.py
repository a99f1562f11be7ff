"""What convolutions in one dimension and in two have in common in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core.networks.filters import Offsets, channel_signs, sampled_filters
from ..core.networks.network import Pool
from ..core.networks.sampling import ConvShape
from ..core.quant import Array

BLOCK_ELEMENTS = 1 << 17
"""Elements of the unfolded input at a time: half a megabyte, which stays in a core's cache."""
BLOCK_OUTPUTS = 1 << 22
"""Outputs at a time, at most: many filters of a few taps would make very many of few inputs."""

NO_POOL = Pool(1, 1)


def rows_of_a_block(n_taken: int, n_made: int) -> int:
    """Time steps of a block, each of which takes and makes so many values; at least one."""
    return max(1, min(BLOCK_ELEMENTS // n_taken, BLOCK_OUTPUTS // n_made))


def rows_in_blocks(
    make: Callable[[int, int], Array], first: int, n_rows: int, n_block: int
) -> Array:
    """Time steps made some at a time, so that a window of a pool may be longer than a block.

    Args:
        make: the steps from one on, so many: [..., number].
        first: of them.
        n_rows: how many there are.
        n_block: to make at a time; 1 or more.

    Returns: [..., n_rows].
    """
    if n_rows <= n_block:
        return make(first, n_rows)
    starts = range(first, first + n_rows, n_block)
    parts = [make(start, min(n_block, first + n_rows - start)) for start in starts]
    return np.concatenate(parts, axis=-1)


def expand_filters(phi: Array, shape: ConvShape, offsets: Offsets | None = None) -> Array:
    """The sampled filters as rows, column after column: K[n, m*L + l].

    Args:
        phi: [L*, M*] float32.
        shape: geometry of the layer.
        offsets: as `sampled_filters` takes them.

    Returns: [D*N, shape.folded_channels * L] float32, contiguous.
    """
    filters = sampled_filters(phi, shape, offsets).swapaxes(1, 2)
    return np.ascontiguousarray(filters).reshape(shape.n_sampled, -1)


def fold_channels(values: Array, n_columns: int, *, signs: bool = False) -> Array:
    """Sum the groups of channels that share weights: [M, T] to [n_columns, T].

    Args:
        values: [M, T].
        n_columns: M*, or M to leave the channels as they are.
        signs: whether channels are taken with their fixed signs.
    """
    n_channels, n_samples = values.shape
    if n_channels == n_columns:
        return values
    if signs:
        values = values * channel_signs(n_channels, n_columns)[:, np.newaxis]
    folded: Array = values.reshape(-1, n_columns, n_samples).sum(axis=0, dtype=np.float32)
    return folded


def max_pool(values: Array, pool: Pool) -> Array:
    """Maximum over windows of time: [N, T] to [N, pool.output_length(T)]."""
    n = pool.output_length(values.shape[1])
    span = (n - 1) * pool.stride + 1
    out = values[:, : span : pool.stride].copy()
    for offset in range(1, pool.size):
        np.maximum(out, values[:, offset : offset + span : pool.stride], out=out)
    return out

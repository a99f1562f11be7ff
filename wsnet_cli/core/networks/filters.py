"""The filters of a layer as numbers: windows of its condensed filter, wherever they begin.

`core/networks/sampling.py` has the notation and the shapes, docs/method.md the formulas. Places of
windows are whole numbers of 1/256 rows, so that everyone who expands a filter gets the same one.

Source: learned, interpolated places: D. Zhou et al., Neural Epitome Search for
Architecture-Agnostic Network Compression, ICLR 2020, arXiv:1907.05642. Fixed signs: K. Weinberger
et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009, arXiv:0902.2206.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..quant import Array
from .sampling import PLACES_A_ROW, ConvShape, LinearShape

Offsets = npt.NDArray[np.int16]
"""Deviations of filters from their regular places n*S/D, in units of 1/256 row."""
Places = npt.NDArray[np.int64]


def regular_places(shape: ConvShape) -> Places:
    """n*S/D in units of 1/256 row: [D*N]."""
    return np.arange(shape.n_sampled, dtype=np.int64) * (shape.filter_step * PLACES_A_ROW)


def offset_bounds(shape: ConvShape) -> tuple[Places, Places]:
    """The least and the greatest deviation of each filter: windows stay inside Phi, [D*N] each."""
    regular, limits = regular_places(shape), np.iinfo(np.int16)
    last = shape.last_place * PLACES_A_ROW
    return np.maximum(-regular, limits.min), np.minimum(last - regular, limits.max)


def random_offsets(shape: ConvShape) -> Offsets:
    """Deviations to as many places as there are filters, drawn evenly from all and put in order.

    The same for layers of the same geometry. Deviations end where 16 bits do, at 128 rows.
    """
    seed = (shape.n_in, shape.n_out, shape.length, shape.filter_step)
    last = shape.last_place * PLACES_A_ROW
    drawn = np.random.default_rng(seed).integers(0, last, shape.n_sampled, endpoint=True)
    least, most = offset_bounds(shape)
    deviations: Places = np.clip(np.sort(drawn) - regular_places(shape), least, most)
    return deviations.astype(np.int16)


def find_places(shape: ConvShape, offsets: Offsets | None) -> tuple[Places, Array]:
    """Where windows begin: whole rows, and what is left of a row, [D*N] each.

    The last place of all is one row before the last and a whole fraction of 1, so that there is
    always a next row to interpolate with, but for layers with one place alone.
    """
    places = regular_places(shape) + (0 if offsets is None else offsets.astype(np.int64))
    rows = np.minimum(places // PLACES_A_ROW, max(0, shape.last_place - 1))
    return rows, ((places - rows * PLACES_A_ROW) / PLACES_A_ROW).astype(np.float32)


def sampled_filters(
    phi: npt.NDArray[Any], shape: ConvShape, offsets: Offsets | None = None
) -> npt.NDArray[Any]:
    """All filters, tap by tap: K[n, l, m] = (1 - f) Phi[i + l, m] + f Phi[i + 1 + l, m].

    i and f are the whole rows and the rest of the place of filter n. With a group offset, group c
    of the channels begins c * Delta rows later, and columns are those of all channels, with their
    signs; otherwise they are the M* of Phi, and signs belong to whoever sums the groups.

    Args:
        phi: [L*, M*], real.
        shape: geometry of the layer.
        offsets: [D*N] within `offset_bounds`, where the layer keeps some.

    Returns: [D*N, L, shape.folded_channels], of the type of `phi`.
    """
    n_groups = shape.folded_channels // shape.condensed_channels
    starts = np.arange(n_groups)[:, np.newaxis] * shape.group_offset
    if offsets is None:
        groups = _windows(phi, shape, starts + regular_places(shape) // PLACES_A_ROW)
    else:
        rows, fractions = find_places(shape, offsets)
        weight = fractions[:, np.newaxis, np.newaxis].astype(phi.dtype)
        here, following = (_windows(phi, shape, starts + at) for at in (rows, rows + 1))
        groups = (1 - weight) * here + weight * following
    filters = np.moveaxis(groups, 0, 2).reshape(shape.n_sampled, shape.length, -1)
    if n_groups > 1 and shape.signs:
        filters = filters * channel_signs(shape.n_in, shape.condensed_channels).astype(phi.dtype)
    return filters


def _windows(phi: npt.NDArray[Any], shape: ConvShape, starts: Places) -> npt.NDArray[Any]:
    """The L rows from each start on; [groups, D*N] to [groups, D*N, L, M*]."""
    taps = starts[..., np.newaxis] + np.arange(shape.length)
    found: npt.NDArray[Any] = phi[np.minimum(taps, len(phi) - 1)]
    return found


def channel_signs(n_channels: int, n_columns: int) -> Array:
    """Fixed signs of input channels, 1 or -1: [n_channels] float32.

    The first `n_columns` are 1, since Phi itself may have any sign. Of the others the lowest bit of
    a hash of their number decides (the finalizer of MurmurHash3 by A. Appleby, 32 bits): 1 is -1.

    >>> channel_signs(8, 2).tolist()
    [1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, 1.0]
    """
    h = np.arange(n_channels, dtype=np.uint32)
    h ^= h >> 16
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> 13
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> 16
    signs = 1 - 2 * (h & 1).astype(np.float32)
    signs[:n_columns] = 1
    return signs


def sampled_rows(phi: npt.NDArray[Any], shape: LinearShape) -> npt.NDArray[Any]:
    """The weights of a linear layer, W[j, i] = phi[j*S + i]: [n_out, n_in], read-only."""
    return np.lib.stride_tricks.sliding_window_view(phi, shape.n_in)[:: shape.filter_step]

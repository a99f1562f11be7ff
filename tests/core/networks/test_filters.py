from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.networks.filters import (
    channel_signs,
    find_places,
    offset_bounds,
    random_offsets,
    regular_places,
    sampled_filters,
    sampled_rows,
)
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling

Shapes = st.SearchStrategy[ConvShape]
FLOAT64 = 1e-14
"""Rounding of one interpolation."""


def drawn_offsets(shape: ConvShape, seed: int) -> np.ndarray | None:
    if not shape.n_offsets:
        return None
    least, most = offset_bounds(shape)
    return np.random.default_rng(seed).integers(least, most, endpoint=True).astype(np.int16)


@settings(deadline=None, max_examples=80)
@given(data=st.data(), seed=st.integers(0, 99))
def test_every_weight_follows_the_definition(
    data: st.DataObject, seed: int, irregular_shapes: Shapes, naive_conv: Callable[..., np.ndarray]
) -> None:
    """A unit impulse on one channel and one tap lets one weight of every filter through."""
    shape = data.draw(irregular_shapes)
    rng = np.random.default_rng(seed)
    phi = rng.standard_normal((shape.condensed_length, shape.condensed_channels))
    offsets = drawn_offsets(shape, seed)
    filters = sampled_filters(phi, shape, offsets)
    assert filters.shape == (shape.n_sampled, shape.length, shape.folded_channels)
    single = ConvShape(shape.n_in, shape.n_out, shape.length, sampling=shape.sampling)
    signs = np.ones(shape.n_in)
    if shape.signs and not shape.group_offset:  # belong to who folds
        signs = channel_signs(shape.n_in, shape.folded_channels)
    for channel, tap in np.ndindex(shape.n_in, shape.length):
        impulse = np.zeros((shape.n_in, shape.length))
        impulse[channel, tap] = 1
        expected = naive_conv(impulse, phi, single, offsets)[:, 0]
        found = filters[:, tap, channel % shape.folded_channels] * signs[channel]
        np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT64)


def test_filters_between_rows_by_hand() -> None:
    """L = 2, S = 2: places 0.5, 2 and 3.75 of the rows 0, 10, 20, ..."""
    shape = ConvShape(1, 3, 2, sampling=Sampling(2, offsets="learned"))
    phi = np.float32([[0], [10], [20], [30], [40], [50]])
    found = sampled_filters(phi, shape, np.int16([128, 0, -64]))
    assert found[..., 0].tolist() == [[5, 15], [20, 30], [37.5, 47.5]]
    assert found.dtype == np.float32


def test_the_last_place_is_the_whole_of_the_row_before() -> None:
    """A place of 4 of 4 is row 3 and all of a row more: there always is a next row."""
    shape = ConvShape(1, 3, 2, sampling=Sampling(2, offsets="learned"))
    rows, fractions = find_places(shape, np.int16([0, 512, 0]))
    assert (rows.tolist(), fractions.tolist()) == ([0, 3, 3], [0, 1, 1])
    phi = np.float32([[0], [10], [20], [30], [40], [50]])
    assert sampled_filters(phi, shape, np.int16([0, 512, 0]))[1].ravel().tolist() == [40, 50]


def test_group_offsets_and_signs_by_hand() -> None:
    """M = 4, C = 2, Delta = 1: channels 2 and 3 read one row later, channel 3 with a minus."""
    shape = ConvShape(4, 2, 2, sampling=Sampling(1, 2, group_offset=1, signs=True))
    assert (shape.condensed_length, shape.folded_channels) == (4, 4)
    phi = np.float32([[0, 5], [10, 15], [20, 25], [30, 35]])
    found = sampled_filters(phi, shape)
    assert found.tolist() == [
        [[0, 5, 10, -15], [10, 15, 20, -25]],
        [[10, 15, 20, -25], [20, 25, 30, -35]],
    ]


def test_bounds_keep_windows_inside_and_codes_in_16_bits() -> None:
    shape = ConvShape(1, 200, 4, sampling=Sampling(2, offsets="random"))
    least, most = offset_bounds(shape)
    assert (least[0], most[0]) == (0, 2**15 - 1)
    assert (least[1], most[-2]) == (-512, 512)
    assert (least[-1], most[-1]) == (-(2**15), 0)
    places = regular_places(shape)
    assert (places + least >= 0).all()
    assert (places + most <= 398 * 256).all()


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_random_offsets_are_within_their_bounds_and_the_same_each_time(
    data: st.DataObject, irregular_shapes: Shapes
) -> None:
    shape = data.draw(irregular_shapes)
    offsets = random_offsets(shape)
    least, most = offset_bounds(shape)
    assert (offsets.dtype, offsets.shape) == (np.int16, (shape.n_sampled,))
    assert ((least <= offsets) & (offsets <= most)).all()
    assert np.array_equal(random_offsets(shape), offsets)
    assert (np.diff(regular_places(shape) + offsets) >= 0).all()


def test_random_places_cover_phi_evenly() -> None:
    """The deviation of evenly drawn places is a twelfth of a square, within 5 %."""
    shape = ConvShape(1, 4096, 1, sampling=Sampling(1, offsets="random"))
    places = (regular_places(shape) + random_offsets(shape)) / 256 / 4095
    assert places.mean() == pytest.approx(0.5, abs=0.02)
    assert places.var() == pytest.approx(1 / 12, rel=0.05)
    assert len(set(places)) > 4_000, "places lie between rows"


def murmur_sign(channel: int) -> int:
    """MurmurHash3's finalizer in plain integers."""
    h = channel
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return -1 if (h ^ h >> 16) % 2 else 1


def test_signs_are_those_of_the_hash_after_the_first_group() -> None:
    found = channel_signs(1024, 128)
    assert found.dtype == np.float32
    assert found[:128].tolist() == [1] * 128
    assert found[128:].tolist() == [murmur_sign(m) for m in range(128, 1024)]
    assert abs(found[128:].mean()) < 0.1


def test_rows_of_a_linear_layer_by_hand() -> None:
    assert sampled_rows(np.float32([1, 2, 3, 4, 5]), LinearShape(3, 2, 2)).tolist() == [
        [1, 2, 3],
        [3, 4, 5],
    ]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.model import LayerWeights
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import MapConv, Pool
from wsnet_cli.core.networks.sampling import Sampling
from wsnet_cli.engine import numpy_parts
from wsnet_cli.engine.numpy_maps import MapStep, pool_bands


def weights_of(phi: list[list[float]], n_out: int) -> LayerWeights:
    return LayerWeights(np.float32(phi), None, None, np.zeros(n_out, np.float32))


def run(layer: MapConv, own: LayerWeights, values: object) -> list[object]:
    return list(MapStep(layer, own)(np.float32(values)).tolist())


# Taps are numbered time step by time step: (time 0, bands 0 and 1), (time 1, bands 0 and 1), ...
TALL = MapShape(1, 2, 3, 2, 2, sampling=Sampling(2))
PHI = [[1], [10], [100], [1000], [0], [5]]


def test_two_filters_a_time_step_apart_by_hand() -> None:
    values = [[[1, 0, 0], [2, 0, 1], [3, 0, 0]]]
    layer = MapConv("map1", TALL, scaled=False, relu=False)
    first = [[21, 1000], [32, 100]]  # 1*1 + 10*2, 1000*1; 1*2 + 10*3, 100*1
    second = [[2100, 5], [3200, 0]]
    assert run(layer, weights_of(PHI, 2), values) == [first, second]


def test_maps_of_a_group_are_summed_by_hand() -> None:
    shape = MapShape(4, 1, 1, 1, 1, sampling=Sampling(1, 2))
    values = [[[1]], [[2]], [[4]], [[8]]]
    layer = MapConv("map1", shape, scaled=False)
    assert run(layer, weights_of([[1, 10]], 1), values) == [[[1 + 4 + 10 * (2 + 8)]]]


def test_padding_stride_and_pools_by_hand() -> None:
    """A filter of one tap, padded by one: every second band and step of 5 x 5 is one of 4 x 4."""
    shape = MapShape(1, 1, 4, 1, 1, 2, 1, 1)
    values = np.arange(16).reshape(1, 4, 4)
    layer = MapConv("map1", shape, scaled=False, relu=False)
    own = weights_of([[1]], 1)
    assert run(layer, own, values) == [[[0, 0, 0], [0, 5, 7], [0, 13, 15]]]
    pooled = MapConv("map1", shape, scaled=False, relu=False, pool=Pool(2, 1), band_pool=2)
    assert run(pooled, own, values) == [[[5, 7]]]


def test_multiplier_bias_and_relu_by_hand() -> None:
    shape = MapShape(1, 2, 1, 1, 1)
    own = LayerWeights(np.float32([[1], [1]]), None, np.float32([2, -1]), np.float32([1, 0.5]))
    assert run(MapConv("a", shape), own, [[[1, -1]]]) == [[[3, 0]], [[0, 1.5]]]
    assert run(MapConv("a", shape, relu=False), own, [[[1, -1]]]) == [[[3, -1]], [[-0.5, 1.5]]]


def test_what_is_left_over_at_the_top_is_dropped() -> None:
    values = np.float32([[[1, 9], [2, 8], [3, 7], [4, 6], [5, 5]]])
    assert pool_bands(values, 2).tolist() == [[[2, 9], [4, 7]]]
    assert pool_bands(values, 1).tolist() == values.tolist()


@settings(deadline=None, max_examples=40)
@given(
    n_in=st.integers(1, 4),
    n_out=st.integers(1, 4),
    n_bands=st.integers(1, 6),
    n_steps=st.integers(4, 12),
    stride=st.integers(1, 3),
    step=st.integers(1, 6),
    later=st.integers(0, 6),
    block=st.sampled_from([1, 50, 1 << 17]),
)
def test_any_shape_in_blocks_of_any_size_follows_its_definition(
    n_in: int, n_out: int, n_bands: int, n_steps: int, stride: int, step: int,
    later: int, block: int,
    naive_map_conv,
) -> None:  # fmt: skip
    sampling = Sampling(step, n_in, group_offset=later if n_in > 1 else 0, signs=n_in > 1)
    shape = MapShape(n_in, n_out, n_bands, 2, 3, stride, 1, 1, sampling)
    rng = np.random.default_rng(0)
    phi = rng.standard_normal((shape.condensed_length, 1)).astype(np.float32)
    values = rng.standard_normal((n_in, n_bands, n_steps)).astype(np.float32)
    own = LayerWeights(phi, None, None, np.zeros(n_out, np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_parts, "BLOCK_ELEMENTS", block)
        found = MapStep(MapConv("map1", shape, scaled=False, relu=False), own)(values)
    np.testing.assert_allclose(found, naive_map_conv(values, phi, shape), atol=1e-4)


@pytest.mark.parametrize("pool", [Pool(3, 1), Pool(2, 2), Pool(1, 4)])
def test_a_pool_is_the_same_in_blocks(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = MapConv("map1", TALL, scaled=False, relu=False, pool=pool)
    values = np.random.default_rng(0).standard_normal((1, 3, 50)).astype(np.float32)
    whole = MapStep(layer, weights_of(PHI, 2))(values)
    monkeypatch.setattr(numpy_parts, "BLOCK_ELEMENTS", 200)  # 25 steps
    blocks = MapStep(layer, weights_of(PHI, 2))(values)
    np.testing.assert_allclose(blocks, whole, rtol=1e-5)

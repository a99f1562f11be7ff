from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.networks.layers import Conv, Flatten, Layer, Linear, MapConv, Mean, Pool, ToMap
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.networks.sampling import ConvShape, Cost, LinearShape, Sampling

SHAPE = MapShape(4, 6, 8, 3, 2, 1, 1, 0, Sampling(3, 2))


def test_numbers_by_hand() -> None:
    assert (SHAPE.condensed_length, SHAPE.condensed_channels) == (6 + 5 * 3, 2)
    assert SHAPE.n_weights == 21 * 2
    assert SHAPE.n_dense_weights == 3 * 2 * 4 * 6
    assert SHAPE.compactness == 144 / 42
    assert SHAPE.n_out_bands == 8
    assert SHAPE.output_length(10) == 9
    assert SHAPE.input_length(9) == 10


def test_strides_and_padding_by_hand() -> None:
    shape = MapShape(1, 1, 7, 3, 5, 2, 0, 2)
    assert shape.n_out_bands == 3
    assert shape.output_length(9) == 5
    assert shape.output_length(0) == 0
    assert shape.input_length(1) == 1


def test_a_dense_layer_shares_nothing() -> None:
    dense = MapShape(4, 6, 8, 3, 2)
    assert (dense.filter_step, dense.condensed_length, dense.condensed_channels) == (6, 36, 4)
    assert dense.n_weights == dense.n_dense_weights
    assert dense.compactness == 1


def test_costs_by_hand() -> None:
    """9 steps and 8 bands of 6 filters, each of 3 x 2 taps in 4 maps, or in 2 that are sums."""
    assert SHAPE.cost(10, "dense") == Cost(9 * 8 * 6 * 3 * 2 * 4)
    assert SHAPE.cost(10, "folded") == Cost(9 * 8 * 6 * 3 * 2 * 2, 10 * 8 * 2)


def test_group_offsets_lengthen_phi_and_end_folding() -> None:
    shape = MapShape(4, 6, 8, 3, 2, 1, 1, 0, Sampling(3, 2, group_offset=5, signs=True))
    assert (shape.condensed_length, shape.condensed_channels) == (6 + 5 * 3 + 5, 2)
    assert (shape.folded_channels, shape.n_weights) == (4, 26 * 2)
    assert shape.cost(10, "folded") == shape.cost(10, "dense") == SHAPE.cost(10, "dense")


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 4))
def test_bands_are_the_windows_that_fit(n_bands: int, height: int, stride: int, q: int) -> None:
    if height > n_bands + 2 * q:
        return
    shape = MapShape(1, 1, n_bands, height, 1, stride, q)
    assert shape.n_out_bands == len(range(0, n_bands + 2 * q - height + 1, stride))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_in": 0}, "n_in = 0; expected an integer >= 1"),
        ({"n_out": 0}, "n_out = 0; expected an integer >= 1"),
        ({"n_bands": 0}, "n_bands = 0; expected an integer >= 1"),
        ({"height": 0}, "height = 0; expected an integer >= 1"),
        ({"length": 0}, "length = 0; expected an integer >= 1"),
        ({"stride": 0}, "stride = 0; expected an integer >= 1"),
        ({"padding": -1}, "padding = -1; expected an integer >= 0"),
        ({"band_padding": -1}, "band_padding = -1; expected an integer >= 0"),
        ({"height": 11, "band_padding": 1}, "height = 11; expected 1 to the 10 bands"),
        ({"sampling": Sampling(7)}, "stride = 7; expected 1 to the filter length 6"),
        ({"sampling": Sampling(1, 3)}, "channel_factor = 3; expected a divisor of the 4 input"),
        ({"sampling": Sampling(2, 1, 2)}, "denser = 2; expected 1 in a convolution of maps"),
        ({"sampling": Sampling(2, signs=True)}, "signs = True; expected False where channel_f"),
        ({"sampling": Sampling(2, 2, group_offset=17)}, "group_offset = 17; expected 0 to 16 rows"),
        ({"sampling": Sampling(2, group_offset=1)}, "group_offset = 1; expected 0 where channel_f"),
        (
            {"sampling": Sampling(2, offsets="learned")},
            "offsets = 'learned'; expected regular in a",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(values: dict[str, object], message: str) -> None:
    fine = {"n_in": 4, "n_out": 6, "n_bands": 8, "height": 3, "length": 2}
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        MapShape(**(fine | values))  # type: ignore[arg-type]


def test_costs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"way = 'integral'; expected dense, folded"):
        SHAPE.cost(10, "integral")
    with pytest.raises(ParameterError, match=r"n_samples = 1; expected at least 2"):
        SHAPE.cost(1, "dense")


# ---------------------------------------------------------------------------- within a network

FRONT = Conv("conv1", ConvShape(1, 8, 4, 2), pool=Pool(3, 3))
MAP1 = MapConv("map1", MapShape(1, 4, 8, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2)
MAP2 = MapConv("map2", MapShape(4, 6, 4, 3, 2, sampling=Sampling(3, 2)), band_pool=2)
LINEAR = Linear("linear", LinearShape(6, 5))


def test_a_network_on_maps_by_hand() -> None:
    network = Network((FRONT, ToMap(), MAP1, MAP2, Mean(), LINEAR))
    assert network.convolutions == (FRONT, MAP1, MAP2)
    # 40 samples, 19 outputs, 6 after the pool; padded to as many again, 3; then 2
    assert network.lengths(40) == (6, 3, 2)
    assert (MAP1.n_out_bands, MAP2.n_out_bands, network.n_bands) == (4, 1, 1)
    assert (network.n_classes, network.n_features) == (5, 6)
    # of map2 2 steps, of a pool of 2, of 3 taps: 6 steps of the map, 6 apart, of a pool and taps
    assert network.receptive_field == 5 * 6 + 2 * 2 + 4
    # the map needs 4 steps, and has zeros at either side
    assert network.min_samples == (4 * 3 - 1) * 2 + 4
    assert network.n_constants == 2 * (8 + 4 + 6) + 5


def test_ways_that_maps_do_not_have_are_counted_as_folded() -> None:
    network = Network((FRONT, ToMap(), MAP1, MAP2, Mean()))
    for way in ("folded", "integral", "recurrence"):
        costs = network.costs(40, way)
        assert costs[1] == MAP1.shape.cost(6, "dense")
        assert costs[2] == MAP2.shape.cost(3, "folded")
    assert network.costs(40, "dense")[2] == MAP2.shape.cost(3, "dense")


def test_a_map_that_no_convolution_takes_is_averaged_whole() -> None:
    network = Network((FRONT, ToMap(), Mean()))
    assert (network.n_bands, network.n_classes) == (8, 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((ToMap(), Mean(), LINEAR), "to-map: expected a convolution before it"),
        ((FRONT, ToMap(), ToMap("other")), "other: expected a convolution before it"),
        ((FRONT, Mean(), ToMap()), "to-map: expected a convolution before it"),
        ((FRONT, ToMap(), Conv("b", ConvShape(1, 2, 3))), "b: expected a convolution of maps"),
        ((FRONT, MAP1, Mean()), "map1: n_bands = 8; expected a map, of the layer before it"),
        ((FRONT, ToMap(), MAP2, Mean()), "map2: n_bands = 4; expected 8, of the layer before it"),
        (
            (FRONT, ToMap(), MAP1, MapConv("map2", MapShape(3, 6, 4, 1, 1)), Mean()),
            "map2: n_in = 3; expected 4, the channels of the layer before it",
        ),
        ((FRONT, ToMap(), MAP1, Flatten(), LINEAR), "flatten: expected a mean after maps"),
        ((FRONT, ToMap(), MAP1, LINEAR), "linear: expected a mean or flatten layer before it"),
        ((FRONT, Mean(), MAP1), "map1: a convolution cannot come after time is reduced"),
        ((FRONT, ToMap(), MAP1), "the network never reduces time; expected a mean or flatten"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        Network(layers)


@pytest.mark.parametrize("band_pool", [0, 9])
def test_a_pool_of_more_bands_than_there_are_is_refused(band_pool: int) -> None:
    message = f"band_pool = {band_pool}; expected 1 to the 8 bands"
    with pytest.raises(ParameterError, match=message):
        MapConv("map1", MAP1.shape, band_pool=band_pool)

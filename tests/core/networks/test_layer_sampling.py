"""Single layers with less sampling: by hand, and that each step shares less and can be built."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import SamplingConfig
from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.layer_sampling import (
    LayerSampling,
    divisor,
    fit_channels,
    loosen,
    sampling_of,
    with_layer,
)
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, MapConv
from wsnet_cli.core.networks.sampling import ConvShape, Sampling


def conv(n_in: int, length: int, sampling: Sampling | None) -> Conv:
    return Conv("conv1", ConvShape(n_in, 5, length, sampling=sampling))


def steps(n_in: int, length: int, sampling: Sampling) -> list[tuple[int, int] | None]:
    """(S, C) after each step, until nothing is shared."""
    found: list[tuple[int, int] | None] = []
    own: LayerSampling = SamplingConfig(stride=1)
    while own is not None:
        own = loosen(conv(n_in, length, sampling))
        found.append(own and (own.stride, own.channel_factor))
        if own is not None:
            sampling = Sampling(own.stride, own.channel_factor, own.denser)
    return found


def test_the_larger_kind_of_sharing_is_halved_until_none_is_left():
    assert steps(12, 16, Sampling(2, 4)) == [(4, 4), (4, 2), (8, 2), (8, 1), None]
    assert steps(9, 4, Sampling(2, 9)) == [(2, 3), (2, 1), None]
    assert steps(1, 5, Sampling(2)) == [(4, 1), None]


def test_denser_sampling_is_kept_and_divides_the_stride():
    own = loosen(conv(4, 9, Sampling(6, 1, 3)))
    assert own == SamplingConfig(stride=9, denser=3)
    assert loosen(conv(4, 10, Sampling(9, 1, 3))) == SamplingConfig(stride=9, denser=3)


def test_signs_and_group_offsets_go_with_the_last_groups():
    own = Sampling(2, 4, signs=True, group_offset=3, offsets="learned")
    halved = loosen(conv(8, 4, own))
    assert halved == SamplingConfig(
        stride=2, channel_factor=2, signs=True, group_offset=3, offsets="learned"
    )
    last = loosen(conv(8, 4, Sampling(2, 2, signs=True, group_offset=3, offsets="learned")))
    assert last == SamplingConfig(stride=2, offsets="learned")


def test_a_dense_layer_has_no_less_sampling():
    assert loosen(conv(4, 4, None)) is None
    assert sampling_of(conv(4, 4, None)) is None


def test_maps_count_their_taps_in_both_dimensions():
    layer = MapConv("map1", MapShape(8, 4, 6, 3, 3, sampling=Sampling(3, 2)))
    assert loosen(layer) == SamplingConfig(stride=6, channel_factor=2)


def test_a_factor_fits_the_channels():
    own = SamplingConfig(stride=2, channel_factor=8, signs=True)
    for n_in, factor in ((16, 8), (12, 6), (7, 7), (11, 1)):
        fitted = fit_channels(own, conv(n_in, 4, None))
        assert fitted == SamplingConfig(stride=2, channel_factor=factor, signs=factor > 1)
    one_filter = Conv("conv1", ConvShape(11, 1, 4))
    assert fit_channels(own, one_filter) is None
    assert fit_channels(None, one_filter) is None


@given(n=st.integers(1, 500), most=st.integers(1, 500))
def test_the_largest_divisor(n: int, most: int):
    found = divisor(n, most)
    assert n % found == 0
    assert found <= most
    assert not any(n % d == 0 for d in range(found + 1, min(n, most) + 1))


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from(["conv2", "conv4", "conv7"]),
    stride=st.integers(1, 3),
    factor=st.sampled_from([1, 2, 4, 8]),
)
def test_every_step_can_be_built_and_takes_more_weights(name: str, stride: int, factor: int):
    config = parse_config(
        "",
        "test",
        [f"network.sampling.stride={stride}", f"network.sampling.channel_factor={factor}"],
    ).network
    before = 0
    for _ in range(20):
        network = build_network(config, 2, 30_000)
        layer = next(layer for layer in network.convolutions if layer.name == name)
        assert layer.shape.n_weights > before
        before = layer.shape.n_weights
        if layer.shape.sampling is None:
            return
        config = with_layer(config, name, loosen(layer))
    pytest.fail("never dense")


def test_windows_that_do_not_overlap_share_nothing():
    for stride, shares in ((3, True), (4, False)):
        fitted = fit_channels(SamplingConfig(stride=stride, channel_factor=2), conv(7, 4, None))
        assert (fitted is not None) == shares

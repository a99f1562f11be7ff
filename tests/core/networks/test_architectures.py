from __future__ import annotations

import re

import pytest

from wsnet_cli.core.configuration.config import NetworkConfig, NetworkSamplingConfig, SamplingConfig
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import Sampling

LONG = 300_000
"""A window, in samples, that is long enough for every network."""


def build(n_classes: int = 10, n_samples: int = LONG, **network: object) -> Network:
    return build_network(NetworkConfig.model_validate(network), n_classes, n_samples)


def sampled(stride: int, factor: int = 1, denser: int = 1, **layers: object) -> object:
    return NetworkSamplingConfig(
        stride=stride,
        channel_factor=factor,
        denser=denser,
        layers=layers,
    )


def pools(network: Network) -> list[Pool | None]:
    return [layer.pool for layer in network.convolutions]


def test_soundnet8_has_the_released_geometry() -> None:
    network = build()
    found = [
        (c.shape.n_in, c.shape.n_out, c.shape.length, c.shape.stride, c.shape.padding)
        for c in network.convolutions
    ]
    assert found == [
        (1, 16, 64, 2, 32),
        (16, 32, 32, 2, 16),
        (32, 64, 16, 2, 8),
        (64, 128, 8, 2, 4),
        (128, 256, 4, 2, 2),
        (256, 512, 4, 2, 2),
        (512, 1024, 4, 2, 2),
    ]
    assert all(c.scaled and c.relu for c in network.convolutions)
    assert pools(network) == [Pool(8, 8), Pool(8, 8), None, None, Pool(4, 4), None, None]


def test_counts_of_dense_soundnet8() -> None:
    network = build()
    assert sum(c.shape.n_weights for c in network.convolutions) == 2_868_224
    assert network.n_constants == 2 * (16 + 32 + 64 + 128 + 256 + 512 + 1024) + 10
    assert network.n_parameters == 2_882_538
    assert network.n_dense_parameters == network.n_parameters
    assert 4 * network.n_parameters == 11_530_152


def test_multiply_adds_of_dense_soundnet8_on_five_seconds() -> None:
    network = build()
    costs = network.costs(110_250, "dense")
    assert sum(c.multiply_adds for c in costs[:7]) == 146_397_184
    assert network.lengths(110_250)[0] == 55_126 // 8


def test_released_head() -> None:
    network = build(1401, head="conv8")
    assert network.n_weights == 14_345_216
    assert network.min_samples == 209_374
    assert network.n_classes == 1401
    conv8, mean = network.layers[-2:]
    assert isinstance(conv8, Conv)
    assert isinstance(mean, Mean)
    assert not conv8.scaled
    assert not conv8.relu
    assert (conv8.shape.length, conv8.shape.stride, conv8.shape.padding) == (8, 2, 0)


def test_sampled_soundnet8_counts() -> None:
    network = build(sampling=sampled(2, 8))
    rows = [64 + 15 * 2, 32 + 31 * 2, 16 + 63 * 2, 8 + 127 * 2, 4 + 255 * 2, 4 + 511 * 2, 2_050]
    columns = [1, 2, 4, 8, 16, 32, 64]
    by_hand = sum(r * c for r, c in zip(rows, columns, strict=True)) + 1024 * 10
    assert network.n_weights == by_hand == 185_442
    assert network.n_parameters == 189_516
    assert network.n_dense_parameters == 2_882_538
    assert build(sampling=sampled(2, 16)).n_parameters == 101_962


def test_narrow_soundnet8_counts() -> None:
    network = build(width=0.25)
    assert [c.shape.n_out for c in network.convolutions] == [4, 8, 16, 32, 64, 128, 256]
    assert network.n_weights == 182_016
    assert network.n_parameters == 183_042


def test_tiny_width_keeps_one_channel() -> None:
    network = build(width=0.001)
    assert [c.shape.n_out for c in network.convolutions] == [1] * 7


NEEDED = (1, 14, 66, 274, 1_106, 2_386, 7_506, 27_986)
"""Samples that one value at the end needs with the first 0, 1, ... 7 pools."""


def needed(n_pools: int, n_steps: int) -> int:
    """The same for `n_steps` values, by hand: 2n+6 or 2n+2 a pool, 2n-2 a convolution."""
    for number in range(7, 0, -1):
        if number <= n_pools:
            n_steps = 2 * n_steps + (6 if number <= 4 else 2)
        n_steps = max(1, 2 * n_steps - 2)
    return n_steps


@pytest.mark.parametrize("n_pools", range(8))
@pytest.mark.parametrize(("head", "n_steps"), [("mean-linear", 1), ("conv8", 8)])
def test_shorter_windows_lose_the_last_pools(n_pools: int, head: str, n_steps: int) -> None:
    assert needed(n_pools, 1) == NEEDED[n_pools]
    every = [Pool(8, 2)] * 4 + [Pool(4, 2)] * 3
    longest = needed(n_pools + 1, n_steps) - 1 if n_pools < 7 else 10**6
    for n_samples in (needed(n_pools, n_steps), longest):
        network = build(pooling="every-layer", n_samples=n_samples, head=head)
        assert pools(network)[:7] == every[:n_pools] + [None] * (7 - n_pools)
        assert network.min_samples == needed(n_pools, n_steps)


def test_baseline1_has_1536_inputs_to_its_first_linear_layer_on_four_seconds() -> None:
    network = build(
        3, 64_000, architecture="baseline1", pooling="every-layer", head="fully-connected"
    )
    assert [(c.shape.n_out, c.shape.length, c.shape.stride) for c in network.convolutions] == [
        (32, 32, 2),
        (64, 32, 2),
        (128, 16, 2),
        (128, 8, 2),
        (256, 8, 2),
        (512, 8, 2),
        (512, 8, 2),
    ]
    assert isinstance(network.layers[7], Flatten)
    linear = [layer for layer in network.layers if isinstance(layer, Linear)]
    assert [(la.shape.n_in, la.shape.n_out, la.relu) for la in linear] == [
        (1536, 256, True),
        (256, 128, True),
        (128, 3, False),
    ]


def test_layers_may_be_sampled_in_their_own_way_or_not_at_all() -> None:
    own = SamplingConfig(stride=4, channel_factor=2, denser=2)
    network = build(sampling=sampled(2, 8, conv2="dense", conv3=own))
    conv1, conv2, conv3, conv4 = (c.shape.sampling for c in network.convolutions[:4])
    assert conv1 == Sampling(2, 1, 1)
    assert conv2 is None
    assert conv3 == Sampling(4, 2, 2)
    assert conv4 == Sampling(2, 8, 1)


def test_conv8_follows_the_sampling_and_can_be_excepted() -> None:
    assert build(head="conv8", sampling=sampled(2, 8)).convolutions[7].shape.sampling == Sampling(
        2, 8
    )
    kept = build(head="conv8", sampling=sampled(2, 8, conv8="dense"))
    assert kept.convolutions[7].shape.sampling is None


def test_sampled_head() -> None:
    network = build(head_sampling_stride=128)
    assert network.weighted[-1].shape.n_weights == 1024 + 9 * 128


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"sampling": sampled(5)},
            "network.sampling.stride = 5; expected 1 to the filter length 4, as conv5 has",
        ),
        (
            {"sampling": sampled(2, 3)},
            "network.sampling.channel_factor = 3; expected a divisor of the 16 input channels",
        ),
        (
            {"sampling": sampled(3, 1, 2)},
            "network.sampling.denser = 2; expected a divisor of the sampling stride 3, as conv1",
        ),
        (
            {"sampling": sampled(2, conv1=SamplingConfig(stride=2, channel_factor=2))},
            "network.sampling.layers.conv1.channel_factor = 2; expected a divisor of the 1 input",
        ),
        (
            {"sampling": sampled(2, conv2=SamplingConfig(stride=40))},
            "network.sampling.layers.conv2.stride = 40; expected 1 to the filter length 32",
        ),
        (
            {"sampling": sampled(2, conv9="dense")},
            "network.sampling.layers.conv9: no such layer; expected one of conv1, conv2, conv3, "
            "conv4, conv5, conv6, conv7; network.sampling=null first takes away the sampling of "
            "another architecture",
        ),
        (
            {"sampling": sampled(2, conv8="dense")},
            "network.sampling.layers.conv8: no such layer; expected one of conv1",
        ),
        (
            {"head_sampling_stride": 1025},
            "network.head_sampling_stride = 1025; expected 1 to the 1024 inputs of linear",
        ),
        (
            {"head": "fully-connected", "head_sampling_stride": 200},
            "network.head_sampling_stride = 200; expected 1 to the 128 inputs of linear3",
        ),
        (
            {"head": "conv8", "head_sampling_stride": 4},
            "network.head_sampling_stride = 4; expected null: conv8 is a convolution",
        ),
    ],
)
def test_impossible_combination_is_refused(network: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        build(**network)


@pytest.mark.parametrize(
    ("network", "needed"),
    [
        ({}, 4_574),
        ({"head": "conv8"}, 209_374),
        ({"head": "fully-connected"}, 4_574),
        ({"architecture": "baseline1"}, 27_986),
    ],
)
def test_too_short_window_is_refused_with_the_length_needed(
    network: dict[str, object], needed: int
) -> None:
    build(n_samples=needed, **network)
    message = (
        f"audio.window_s: a window of {needed - 1} samples is too short for this network; "
        f"expected at least {needed} samples"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        build(n_samples=needed - 1, **network)


# ---------------------------------------------------------------------- windows, signs, scales


def test_windows_and_signs_reach_every_layer_that_has_groups() -> None:
    config = NetworkSamplingConfig(
        stride=2, channel_factor=8, offsets="learned", group_offset=3, signs=True
    )
    network = build(sampling=config, head="conv8")
    found = [c.shape.sampling for c in network.convolutions]
    assert found[0] == Sampling(2, 1, 1, "learned"), "one channel has no groups"
    assert found[1:] == [Sampling(2, 8, 1, "learned", 3, True)] * 7


def test_a_layer_of_its_own_is_regular_unless_it_says_otherwise() -> None:
    own = SamplingConfig(stride=2, channel_factor=2, signs=True)
    config = NetworkSamplingConfig(
        stride=2, channel_factor=8, offsets="random", group_offset=3, layers={"conv3": own}
    )
    network = build(sampling=config)
    assert network.convolutions[2].shape.sampling == Sampling(2, 2, signs=True)
    assert network.convolutions[3].shape.sampling == Sampling(2, 8, 1, "random", 3)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"signs": True}, "signs = True; expected False where channel_factor is 1, as conv2 has"),
        ({"group_offset": 1}, "group_offset = 1; expected 0 where channel_factor is 1, as conv2"),
        (
            {"channel_factor": 2, "group_offset": 95},
            "group_offset = 95; expected 0 to 94 rows, as conv2 has",
        ),
    ],
)
def test_impossible_windows_name_the_layer(own: dict[str, object], message: str) -> None:
    layer = SamplingConfig.model_validate({"stride": 2, **own})
    message = f"network.sampling.layers.conv2.{message}"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        build(sampling=sampled(2, conv2=layer))


@pytest.mark.parametrize(
    ("head_scales", "dense", "sampled_"), [(None, 0, 1), (True, 1, 1), (False, 0, 0)]
)
def test_sampled_heads_have_multipliers_unless_asked(
    head_scales: bool | None, dense: bool, sampled_: bool
) -> None:
    own = {"head_scales": head_scales}
    assert build(**own).weighted[-1].scaled == dense
    assert build(**own, head_sampling_stride=8).weighted[-1].scaled == sampled_
    assert build(**own, head="conv8").convolutions[-1].scaled == dense
    assert build(**own, head="conv8", sampling=sampled(2)).convolutions[-1].scaled == sampled_
    linear = build(**own, head="fully-connected", head_sampling_stride=8).weighted[-3:]
    assert [layer.scaled for layer in linear] == [sampled_] * 3


def test_multipliers_of_heads_count_but_not_in_the_dense_denominator() -> None:
    plain, scaled = (build(head_sampling_stride=8, head_scales=s) for s in (False, True))
    assert scaled.n_constants == plain.n_constants + 10
    assert scaled.n_parameters == plain.n_parameters + 10
    assert scaled.n_dense_parameters == plain.n_dense_parameters == 2_882_538
    conv8 = build(head="conv8", sampling=sampled(2)).convolutions[-1]
    assert (conv8.scaled, conv8.relu, conv8.is_normed) == (True, False, False)


def test_offsets_count_as_parameters() -> None:
    regular, learned = (
        build(sampling=NetworkSamplingConfig(stride=2, channel_factor=8, offsets=offsets))
        for offsets in ("regular", "learned")
    )
    n_filters = 16 + 32 + 64 + 128 + 256 + 512 + 1024
    assert (regular.n_offsets, learned.n_offsets) == (0, n_filters)
    assert learned.n_parameters == regular.n_parameters + n_filters
    assert learned.n_dense_parameters == regular.n_dense_parameters
    assert learned.costs(30_225, "recurrence") == regular.costs(30_225, "folded")

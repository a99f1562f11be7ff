from __future__ import annotations

import itertools
import re

import pytest

from wsnet_cli.core.configuration.config import NetworkConfig
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, MapConv, Network, Pool
from wsnet_cli.core.networks.sampling import Sampling

WINDOW = 30_225


def build(n_samples: int = WINDOW, **network: object) -> Network:
    config = NetworkConfig.model_validate({"architecture": "mapnet", **network})
    return build_network(config, 10, n_samples)


def maps(network: Network) -> list[MapConv]:
    return [layer for layer in network.layers if isinstance(layer, MapConv)]


def test_its_geometry_is_that_of_acdnet() -> None:
    network = build()
    front = [layer for layer in network.layers if isinstance(layer, Conv)]
    assert [(c.shape.n_out, c.shape.length, c.shape.stride) for c in front] == [
        (8, 9, 2),
        (64, 5, 2),
    ]
    assert [c.pool for c in front] == [None, Pool(50, 50)]
    found = [c.shape.n_out for c in maps(network)]
    assert found == [32, 64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.shape.n_bands for c in maps(network)] == [64, 32, 32, 16, 16, 8, 8, 4, 4]
    assert network.lengths(WINDOW) == (15_109, 151, 75, 75, 37, 37, 18, 18, 9, 9, 4)
    assert network.n_bands == 2
    assert all(layer.scaled and layer.relu for layer in network.convolutions)


def test_counts_of_the_dense_network() -> None:
    """9 taps of each pair of neighbours in the list of maps; ACDNet has 541.9 M, with a 1x1."""
    network = build()
    n_maps = [1, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    pairs = sum(9 * a * b for a, b in itertools.pairwise(n_maps))
    assert network.n_weights == 8 * 9 + 64 * 8 * 5 + pairs + 512 * 10
    total = sum(cost.multiply_adds for cost in network.costs(WINDOW, "dense"))
    assert round(total / 1e6, 2) == 541.67


def test_width_is_a_factor_on_maps_alone() -> None:
    network = build(width=0.25)
    assert [c.shape.n_out for c in network.convolutions[:2]] == [8, 64]
    assert [c.shape.n_out for c in maps(network)] == [8, 16, 16, 32, 32, 64, 64, 128, 128]
    assert [c.shape.n_out for c in maps(build(width=0.001))] == [1] * 9


@pytest.mark.parametrize(
    ("n_samples", "frame", "n_pools"),
    [(WINDOW, 50, 5), (8_000, 50, 5), (8_000, 100, 4), (3_000, 50, 3), (700, 50, 1), (300, 50, 0)],
)
def test_the_last_pools_are_left_out_where_windows_are_short(
    n_samples: int, frame: int, n_pools: int
) -> None:
    network = build(n_samples, frame=frame)
    pooled = [layer.pool == Pool(2, 2) and layer.band_pool == 2 for layer in maps(network)]
    assert [i for i, is_pooled in enumerate(pooled) if is_pooled] == [0, 2, 4, 6, 8][:n_pools]
    assert all(network.lengths(n_samples))


def test_a_window_without_a_frame_is_refused() -> None:
    message = r"audio.window_s: a window of 200 samples is too short .* at least 213 samples"
    with pytest.raises(ConfigError, match=message):
        build(200)


def test_sampling_is_of_maps_and_of_named_layers() -> None:
    sampling = {"stride": 3, "channel_factor": 8, "layers": {"map9": {"stride": 1}}}
    network = build(sampling=sampling)
    found = [layer.shape.sampling for layer in network.convolutions]
    assert found == [None, None, Sampling(3), *[Sampling(3, 8)] * 7, Sampling(1)]
    layers = {"conv2": {"stride": 1, "channel_factor": 4}, "map1": "dense"}
    network = build(sampling=sampling | {"layers": layers})
    found = [layer.shape.sampling for layer in network.convolutions]
    assert found == [None, Sampling(1, 4), None, *[Sampling(3, 8)] * 8]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"head": "conv8"}, "network.head = conv8; expected mean-linear, for mapnet"),
        ({"sampling": {"stride": 10}}, "network.sampling.stride = 10; expected 1 to the filter"),
        ({"sampling": {"stride": 2, "denser": 2}}, "network.sampling.denser = 2; expected 1 in a"),
        (
            {"sampling": {"stride": 1, "layers": {"map10": "dense"}}},
            "network.sampling.layers.map10: no such layer; expected one of conv1, conv2, map1, ",
        ),
        (
            {"sampling": {"stride": 1, "layers": {"map2": {"stride": 1, "channel_factor": 5}}}},
            "network.sampling.layers.map2.channel_factor = 5; expected a divisor of the 32 input",
        ),
    ],
)
def test_the_impossible_is_refused(network: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        build(**network)


def test_the_preset_and_its_control_have_about_equal_bytes() -> None:
    """At 8 bits: one byte a weight, two a constant."""
    sizes = []
    for name in ("esc10-maps", "esc10-maps-narrow"):
        network = build_network(load_config(name).network, 10, WINDOW)
        sizes.append(network.n_weights + 2 * network.n_constants)
    assert 125_000 < sizes[0] < 145_000
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)

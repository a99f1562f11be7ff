from __future__ import annotations

import re

import pytest

from wsnet_cli.core.configuration.config import NetworkConfig
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError, ParameterError
from wsnet_cli.core.networks import limits as artifact_limits
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.limits import check_network, check_overlap
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, Layer, Linear, MapConv, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings


def conv(n_in: int, n_out: int, length: int = 1, pool: Pool | None = None, **more: int) -> Conv:
    """Sampled row by row, so that it has few weights."""
    return Conv(
        f"conv{n_in}", ConvShape(n_in, n_out, length, **more, sampling=Sampling(1)), pool=pool
    )


def after(*layers: Layer) -> Network:
    return Network((*layers, Mean()))


def linear(n_in: int, n_out: int) -> Linear:
    return Linear("linear", LinearShape(n_in, n_out, 1))


FRONT = Conv("front", ConvShape(1, 1, 1))
MAP = MapConv("map1", MapShape(1, 2, 1 << 10, 3, 3, 1, 1, 1, Sampling(1)))
NARROW = MapConv("map1", MapShape(1, 1, 1 << 10, 3, 3, 1, 1, 1, Sampling(1)))
"""What it takes is more than what it makes, by its padding alone."""
MANY = [Conv(f"c{i}", ConvShape(1, 1, 1)) for i in range(256)]

BEYOND = [
    (after(*MANY), 100, "257 layers; expected at most 256"),
    (after(conv(1, (1 << 16) + 1)), 1, "65537 classes; expected at most 65536"),
    (
        after(FRONT, Conv("c", ConvShape(1, 1 << 13, 1 << 13, sampling=Sampling(1)))),
        1 << 14,
        "67108865 expanded weights; expected at most 17825792",
    ),
    (after(FRONT), (1 << 24) + 1, "a window of 16777217 samples; expected 1 to 16777216"),
    (
        Network((conv(1, (1 << 20) + 1), Mean(), linear((1 << 20) + 1, 2))),
        1,
        "conv1: 1048577 values in a time step; expected at most 1048576",
    ),
    (
        after(conv(1, 1 << 12, pool=Pool((1 << 12) + 1, 1))),
        1 << 13,
        "conv1: 16781312 values to pool into one; expected at most 16777216",
    ),
    (
        after(conv(1, 1 << 12)),
        (1 << 13) + 1,
        "conv1: 33558528 values in a window; expected at most 33554432",
    ),
    (
        after(conv(1, 1, 1 << 21, padding=1 << 21), Conv("c", ConvShape(1, 1, 1))),
        1 << 23,
        "21990266109955 operations for a window; expected at most 4398046511104",
    ),
    (
        after(conv(1, 1 << 10), ToMap(), NARROW),
        1 << 15,
        "map1: 33619968 values in a window; expected at most 33554432",
    ),
]


@pytest.mark.parametrize(("network", "n_samples", "message"), BEYOND)
def test_what_is_beyond_a_limit_is_refused(network: Network, n_samples: int, message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        check_network(network, n_samples)


def test_maps_count_all_their_bands() -> None:
    network = after(conv(1, 1 << 10), ToMap(), MAP)
    check_network(network, 1 << 14)
    with pytest.raises(ParameterError, match=r"^conv1: 33555456 values in a window; expected at"):
        check_network(network, (1 << 15) + 1)


def test_windows_overlap_within_reason() -> None:
    check_overlap(AudioSettings(4_096, window_s=1.0, hop_s=1 / 4_096))
    with pytest.raises(ParameterError, match=r"^hop_s = 0.0001; expected at least 1/4096 of the w"):
        check_overlap(AudioSettings(8_192, window_s=1.0, hop_s=1e-4))


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_far_below_the_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of each limit is enough for every network that ships."""
    for limit in (name for name in vars(artifact_limits) if name.startswith("MAX_")):
        monkeypatch.setattr(artifact_limits, limit, getattr(artifact_limits, limit) // 4)
    config = load_config(name)
    window_samples = audio_settings(config.audio).window_samples
    check_network(build_network(config.network, 50, window_samples), window_samples)


@pytest.mark.parametrize("architecture", ["soundnet8", "baseline1", "mapnet"])
def test_the_widest_networks_of_a_configuration_are_within_them(architecture: str) -> None:
    heads = {"baseline1": "fully-connected"}
    head = heads.get(architecture, "mean-linear")
    config = NetworkConfig(architecture=architecture, head=head, width=4.0)
    build_network(config, 10, 64_000)


def test_no_network_is_trained_that_nobody_may_load() -> None:
    config = NetworkConfig(architecture="mapnet", width=4.0)
    with pytest.raises(ConfigError, match=r"^network: map1: \d+ values in a window; expected"):
        build_network(config, 10, 1 << 23)

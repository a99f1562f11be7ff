"""The network for so many bytes: never above, nearly all used, as the configuration allows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import Config, NetworkConfig, SamplingConfig
from wsnet_cli.core.configuration.config_file import (
    dump_config,
    load_config,
    parse_config,
)
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.sizes.file_size import Wrapping, file_bytes
from wsnet_cli.core.sizes.fit_size import Fit, fit_size

PROVENANCE = {"wsnet": "0.1.0", "preset": "p", "data": "0" * 16, "split": "s" * 90, "seed": 0}
SIZES = (16_000, 32_000, 64_000, 128_000)
HEADS = {"baseline1": 36_000, "baseline1-wsnet": 15_000}
"""Bytes of heads of three layers, which no width narrows, and of the header."""
LEAST_USED = {"digits-16kb": 0.9, "esc10-maps-16kb": 0.9}
"""Where layers are narrow, the sizes that there are lie further apart; the others use 0.95."""


def wrapping_of(config: Config, n_labels: int = 10) -> Wrapping:
    labels = tuple(f"label number {i}" for i in range(n_labels))
    return Wrapping(labels, audio_settings(config.audio), PROVENANCE)


def fit(config: Config, n_labels: int, max_bytes: int) -> Fit:
    return fit_size(config.network, wrapping_of(config, n_labels), max_bytes)


def built(config: Config, network: NetworkConfig, n_labels: int = 10) -> Network:
    return build_network(network, n_labels, audio_settings(config.audio).window_samples)


def sampling_of(network: Network) -> dict[str, tuple[float, int]]:
    """Filters that share a weight along time, and along channels; (1, 1) where a layer is dense."""
    return {
        layer.name: (
            layer.shape.n_dense_weights
            / (layer.shape.n_in * layer.shape.n_out * layer.shape.filter_step),
            layer.shape.n_in // layer.shape.condensed_channels,
        )
        for layer in network.convolutions
    }


@pytest.mark.parametrize(
    ("preset", "n_labels"),
    [
        *((preset, 10) for preset in preset_names()),
        *((preset, n) for preset in ("default", "esc10-dense") for n in (2, 50)),
    ],
)
def test_every_preset_fits_and_uses_what_it_may(preset: str, n_labels: int):
    config = load_config(preset)
    for max_bytes in SIZES:
        if max_bytes < HEADS.get(preset, 0) + 150 * n_labels:
            with pytest.raises(ConfigError, match="are too few: the smallest"):
                fit(config, n_labels, max_bytes)
            continue
        chosen = fit(config, n_labels, max_bytes)
        network = built(config, chosen.network, n_labels)
        found = file_bytes(network, wrapping_of(config, n_labels))
        assert found == chosen.n_bytes
        least = LEAST_USED.get(preset, 0.95)
        assert least * max_bytes <= found <= max_bytes, (preset, n_labels, max_bytes)
        assert [row.name for row in chosen.rows] == [layer.name for layer in network.weighted]
        assert not chosen.whole


@settings(max_examples=8, deadline=None)
@given(
    architecture=st.sampled_from(["soundnet8", "mapnet"]),
    width=st.sampled_from([0.5, 0.77, 1.0, 1.3]),
    stride=st.integers(1, 4),
    factor=st.sampled_from([1, 2, 4, 8]),
    n_labels=st.integers(2, 60),
    max_bytes=st.integers(16_000, 200_000),
)
def test_never_above_and_nine_tenths_of_it(
    architecture: str, width: float, stride: int, factor: int, n_labels: int, max_bytes: int
):
    config = parse_config(
        "",
        "test",
        [
            f"network.architecture={architecture}",
            f"network.sampling.stride={stride}",
            f"network.sampling.channel_factor={factor}",
        ],
    )
    config = config.model_copy(
        update={"network": config.network.model_copy(update={"width": width})}
    )
    try:
        built(config, config.network)
    except ConfigError:
        return  # the factor does not divide the channels of this width
    chosen = fit(config, n_labels, max_bytes)
    assert chosen.n_bytes <= max_bytes
    assert chosen.whole or chosen.n_bytes >= 0.9 * max_bytes
    assert chosen.network.width <= width
    before = sampling_of(built(config, config.network))
    for name, (in_time, in_channels) in sampling_of(built(config, chosen.network)).items():
        assert in_time <= before[name][0]
        assert in_channels <= factor


def test_what_fits_as_it_is_is_left_alone_but_for_less_sampling():
    config = load_config("esc10-wsnet")
    network = built(config, config.network)
    size = file_bytes(network, wrapping_of(config))
    assert fit(config, 10, size).network == config.network
    looser = fit(config, 10, 2 * size)
    assert looser.network.width == 1.0
    before, after = sampling_of(network), sampling_of(built(config, looser.network))
    assert after["conv1"] == (1, 1)
    assert all(after[name] <= before[name] for name in before)
    assert after != before


def test_a_byte_less_makes_it_narrower():
    config = load_config("esc10-wsnet")
    network = built(config, config.network)
    size = file_bytes(network, wrapping_of(config))
    assert fit(config, 10, size - 1).network.width < 1.0


def test_a_dense_network_stays_dense_and_only_gets_narrower():
    config = load_config("esc10-dense")
    chosen = fit(config, 10, 64_000)
    assert chosen.network == config.network.model_copy(update={"width": chosen.network.width})
    wider = chosen.network.model_copy(update={"width": chosen.network.width + 1 / 1024})
    assert file_bytes(built(config, wider), wrapping_of(config)) > 64_000
    assert {(row.stride, row.channel_factor) for row in chosen.rows} == {(None, 1)}


def test_what_the_configuration_says_of_a_layer_stays():
    config = parse_config(
        "",
        "test",
        [
            "network.sampling.stride=2",
            "network.sampling.channel_factor=8",
            "network.pooling=every-layer",
            "network.sampling.layers.conv1=dense",
            "network.sampling.layers.conv2.stride=4",
        ],
    )
    chosen = fit(config, 10, 64_000)
    rows = {row.name: row for row in chosen.rows}
    assert (rows["conv1"].stride, rows["conv2"].channel_factor) == (None, 1)
    assert rows["conv7"].stride == 2
    assert rows["conv7"].channel_factor == 8
    assert chosen.network.pooling == "every-layer"


def test_a_factor_that_does_not_divide_is_the_most_there_may_be():
    config = load_config("esc10-wsnet", ["network.width=0.375"])  # conv2: 6 channels, C 4
    with pytest.raises(ConfigError, match=r"conv2.channel_factor = 4; expected a divisor of the 6"):
        built(config, config.network)
    chosen = fit(config, 10, 64_000)
    assert chosen.network.width == 0.375
    assert 0.95 * 64_000 < chosen.n_bytes <= 64_000
    factors = {row.name: row.channel_factor for row in chosen.rows}
    assert factors["conv2"] in (1, 2, 3)


def test_what_no_factor_mends_is_refused():
    config = load_config("esc10-wsnet", ["network.sampling.layers.conv9=dense"])
    with pytest.raises(ConfigError, match=r"network\.sampling\.layers\.conv9: no such layer"):
        fit(config, 10, 64_000)


def test_all_there_is_is_said_to_be_all():
    config = parse_config("", "test", ["network.width=0.125", "network.sampling.stride=2"])
    chosen = fit(config, 10, 1_000_000)
    assert chosen.whole
    assert all(row.stride is None for row in chosen.rows)
    assert (
        fit(load_config("esc10-narrow"), 10, 1_000_000).network
        == load_config("esc10-narrow").network
    )
    assert fit(load_config("esc10-narrow"), 10, 1_000_000).whole


def test_denser_sampling_signs_and_offsets_are_kept_while_they_can_be():
    sampling = SamplingConfig(stride=2, channel_factor=4, denser=2, signs=True, group_offset=1)
    config = parse_config("", "test", [f"network.sampling.{k}={v}".lower() for k, v in sampling])
    config = parse_config(dump_config(config), "again")
    chosen = fit(config, 10, 64_000)
    assert chosen.network.sampling is not None
    for own in chosen.network.sampling.layers.values():
        assert isinstance(own, SamplingConfig)
        assert own.denser == 2
        assert own.stride % 2 == 0
        assert own.signs == (own.channel_factor > 1)
    assert parse_config(dump_config(config.model_copy(update={"network": chosen.network})), "x")


@pytest.mark.parametrize("preset", ["esc10-wsnet", "baseline1-wsnet"])
def test_the_smallest_that_is_named_is_the_smallest(preset: str):
    config = load_config(preset)
    with pytest.raises(ConfigError, match="1,000 bytes are too few") as refusal:
        fit(config, 10, 1_000)
    text = str(refusal.value)
    smallest = int(text.split("labels is ")[1].split(" bytes")[0].replace(",", ""))
    assert text.endswith(f"expected at least {-(-smallest // 1000)} KB")
    assert fit(config, 10, smallest).n_bytes <= smallest
    with pytest.raises(ConfigError, match="too few"):
        fit(config, 10, round(0.99 * smallest))


def test_an_impossible_configuration_is_refused_in_its_own_words():
    config = parse_config("", "test", ["network.sampling.stride=9"])
    with pytest.raises(ConfigError, match=r"network\.sampling\.stride = 9"):
        fit(config, 10, 64_000)


def test_more_bytes_never_make_a_smaller_file():
    config = load_config("default")
    sizes = [fit(config, 10, n).n_bytes for n in range(16_000, 46_000, 10_000)]
    assert all(a < b for a, b in itertools.pairwise(sizes))


def test_layers_that_are_all_dense_are_narrowed_as_finely_as_without_sampling():
    settings = [f"network.sampling.layers.conv{number}=dense" for number in range(1, 8)]
    config = parse_config("", "test", ["network.sampling.stride=2", *settings])
    plain = load_config("esc10-dense")
    for max_bytes in (16_000, 32_000):
        found = fit(config, 10, max_bytes)
        assert found.network.width == fit(plain, 10, max_bytes).network.width

"""Which networks a sweep trains, from the names of classes alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError, UsageError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.sizes.frontier import KB
from wsnet_cli.learn.jobs.sweep_plan import Plan, plan_sweep
from wsnet_cli.learn.run.fitted import fit_run
from wsnet_cli.learn.run.prepared import Found, find_data
from wsnet_cli.learn.teachers.model_source import Sources, find_sources

NONE = Sources(None, ())


@pytest.fixture
def found(tones: Path) -> Found:
    for label in ("high", "low", "middle"):  # only names are looked at
        for clip in (tones / label).iterdir():
            clip.write_bytes(b"")
    return find_data(tones)


def plan(config: Config, found: Found, *kilobytes: int) -> Plan:
    return plan_sweep(config, [n * KB for n in kilobytes], "p", found, NONE)


def test_each_size_has_a_sampled_network_and_its_control(found: Found):
    config = load_config("esc10-wsnet")
    made = plan(config, found, 16, 64)
    assert [network.name for network in made.networks] == [
        *("sampled-16kb", "narrow-16kb", "sampled-64kb", "narrow-64kb", "dense")
    ]
    assert made.left_out == ()
    sampled, narrow, *_, dense = made.networks
    assert (sampled.kind, sampled.max_bytes, dense.max_bytes) == ("sampled", 16_000, None)
    assert sampled.config.network == fit_run(config, 16_000, "p", found, NONE).network
    assert dense.config.network == config.network.model_copy(update={"sampling": None})
    assert narrow.config.network.sampling is None
    assert narrow.config.network.width < sampled.config.network.width < 1
    n_samples = audio_settings(config.audio).window_samples
    for network in made.networks:
        assert network.config.train == config.train
        build_network(network.config.network, 3, n_samples)


def test_sizes_that_differ_by_a_byte_have_names_of_their_own(found: Found):
    config = load_config("esc10-wsnet")
    made = plan_sweep(config, [123_457, 123_458], "p", found, NONE)
    names = [network.name for network in made.networks]
    assert names[:2] == ["sampled-123.457kb", "narrow-123.457kb"]
    assert len(set(names)) == len(names) == 5
    longer = plan_sweep(config, [1_123_457, 1_123_458], "p", found, NONE)
    assert len({network.name for network in longer.networks}) == len(longer.networks)


def test_a_plain_network_that_cannot_be_so_small_is_left_out(found: Found):
    made = plan(load_config("baseline1-wsnet"), found, 20, 64)
    assert [network.name for network in made.networks] == [
        *("sampled-20kb", "sampled-64kb", "narrow-64kb", "dense")
    ]
    ((name, reason),) = made.left_out
    assert name == "narrow-20kb"
    assert reason.startswith("20,000 bytes are too few: the smallest 8-bit file")
    heads = [network.config.network.head_sampling_stride for network in made.networks]
    assert heads == [32, 32, None, None]


def test_a_sampled_network_that_cannot_be_so_small_is_refused(found: Found):
    with pytest.raises(ConfigError, match="1,000 bytes are too few"):
        plan(load_config("esc10-wsnet"), found, 1, 64)


def test_without_sampling_there_is_nothing_to_compare(found: Found):
    with pytest.raises(UsageError, match=r"network\.sampling = null: a sweep compares"):
        plan(load_config("esc10-dense"), found, 64)


def test_a_network_that_is_given_has_no_size_to_choose(found: Found):
    config = load_config("esc10-wsnet").model_copy(update={"start": "esc10"})
    with pytest.raises(UsageError, match="training starts from esc10, whose network stays"):
        plan_sweep(config, [64_000], "p", found, find_sources(config))

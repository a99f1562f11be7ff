from __future__ import annotations

from dataclasses import replace

import pytest

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import dump_config, parse_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.model import Model
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.starting import config_beside

NETWORK = ("network.width=0.0625", "network.pooling=every-layer", "network.sampling.stride=2")
AUDIO = ("audio.sample_rate=8000", "audio.window_s=0.25")


@pytest.fixture
def model(make_model) -> Model:
    config = parse_config("", "test", (*NETWORK, *AUDIO))
    audio = audio_settings(config.audio)
    return make_model(build_network(config.network, 3, audio.window_samples), audio)


def config_of(*settings: str, text: str = "") -> Config:
    return parse_config(text, "test", settings, {"start": "runs/one"})


def test_audio_is_the_models_and_the_rest_the_configurations(model: Model) -> None:
    config = config_beside(config_of("train.lr=0.5", "network.dropout=0.1"), model)
    assert audio_settings(config.audio) == model.audio
    assert (config.train.lr, config.network.dropout, config.start) == (0.5, 0.1, "runs/one")


def test_it_reads_back_equal_and_stays_as_it_is(model: Model) -> None:
    config = config_beside(config_of(*NETWORK, "train.epochs=7"), model)
    again = parse_config(dump_config(config), "dumped")
    assert again == config
    assert config_beside(again, model) == config
    assert "\nnetwork:\n  dropout: 0.2\naugment:" in dump_config(config)


def test_it_survives_the_way_to_another_process(model: Model) -> None:
    config = config_beside(config_of("train.lr=0.5"), model)
    again = Config.model_validate_json(config.model_dump_json())
    assert config_beside(again, model) == config
    assert again.network.model_fields_set == {"dropout"}


def test_a_network_that_is_the_models_may_stand_there(model: Model) -> None:
    assert config_beside(config_of(*NETWORK, *AUDIO), model) == config_beside(config_of(), model)


def test_what_is_chosen_from_the_data_is_only_about_training(model: Model) -> None:
    text = "from_data: [rate, window, pooling, epochs]"
    assert config_beside(config_of(text=text), model).from_data == ("epochs",)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("audio.sample_rate=16000", "audio.sample_rate = 16000: runs/one, .* has 8000; leave it"),
        ("audio.window_s=0.5", r"audio\.window_s = 0\.5: .* has 0\.25"),
        ("audio.hop_s=0.2", r"audio\.hop_s = 0\.2: .* has 0\.125"),
        ("audio.normalise=none", r"audio\.normalise = none: .* has rms"),
        ("audio.trim_below=0", r"audio\.trim_below = 0\.0: .* has 0\.0001"),
    ],
)
def test_audio_that_is_set_otherwise_is_refused(setting: str, said: str, model: Model) -> None:
    with pytest.raises(ConfigError, match=said):
        config_beside(config_of(setting), model)


def test_a_hop_of_null_is_half_a_window(model: Model) -> None:
    config_beside(config_of("audio.hop_s=null", "audio.window_s=0.25"), model)
    config_beside(config_of("audio.hop_s=null"), model)  # of the model's window
    other = replace(model, audio=replace(model.audio, hop_s=0.25))
    with pytest.raises(ConfigError, match=r"audio\.hop_s = null: .* has 0\.25"):
        config_beside(config_of("audio.hop_s=null", "audio.window_s=0.25"), other)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ("network.width=0.5",),
            "network.width: make another network than that of runs/one, .*it out",
        ),
        (
            (*NETWORK, "network.head=conv8"),
            "network.head, network.pooling, network.sampling, network.width: .* leave them out",
        ),
        (("network.sampling.stride=99",), "network.sampling: make another network"),
    ],
)
def test_a_network_that_is_set_otherwise_is_refused(given, said: str, model: Model) -> None:
    with pytest.raises(ConfigError, match=said):
        config_beside(config_of(*given), model)

"""Configuration files that are based on a preset."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_base import _lay, read_tree
from wsnet_cli.core.configuration.config_file import (
    dump_config,
    load_config,
    parse_config,
)
from wsnet_cli.core.configuration.presets import preset_folder, preset_names
from wsnet_cli.core.errors import ConfigError, UsageError

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc", max_size=3))
TREES = st.recursive(
    st.dictionaries(st.text("pqr", min_size=1, max_size=2), PLAIN, max_size=4),
    lambda inner: st.dictionaries(st.text("pqr", min_size=1, max_size=2), inner, max_size=4),
)


@pytest.mark.parametrize("name", preset_names())
def test_a_file_that_only_names_its_base_is_that_preset(name: str) -> None:
    based = parse_config(f"base: {name}\n", "x.yaml")
    assert based.model_copy(update={"description": "d"}) == load_config(name).model_copy(
        update={"description": "d"}
    )
    assert based.description == ""


def test_keys_lie_over_those_of_the_base_one_by_one() -> None:
    text = "base: esc10-wsnet\nnetwork: {sampling: {layers: {conv2: dense}}}\ntrain: {epochs: 7}\n"
    settings = ["network.sampling.layers.conv2=dense", "train.epochs=7"]
    expected = load_config("esc10-wsnet", settings).model_copy(update={"description": ""})
    assert parse_config(text, "x.yaml") == expected


def test_what_the_base_leaves_to_the_data_is_settled_by_a_key_of_the_file() -> None:
    assert load_config("default").from_data == ("rate", "window", "crops", "epochs")
    based = parse_config("base: default\ntrain: {epochs: 7}\naudio: {sample_rate: 8000}\n", "x")
    assert based.from_data == ("window", "crops")


def test_null_takes_away_what_the_base_has() -> None:
    based = parse_config("base: esc10-wsnet\nnetwork: {sampling: null}\n", "x.yaml")
    assert based.network.sampling is None


def test_another_architecture_leaves_the_sampling_of_the_base_behind() -> None:
    text = "base: esc10-wsnet\nnetwork: {architecture: mapnet, sampling: {stride: 3}}\n"
    sampling = parse_config(text, "x.yaml").network.sampling
    assert sampling is not None
    assert (sampling.stride, sampling.layers) == (3, {})
    same = parse_config("base: esc10-wsnet\nnetwork: {architecture: soundnet8}\n", "x.yaml")
    assert same.network == load_config("esc10-wsnet").network


def test_settings_lie_over_both() -> None:
    based = parse_config("base: esc10-wsnet\ntrain: {epochs: 7}\n", "x.yaml", ["train.epochs=9"])
    assert based.train.epochs == 9


def test_a_dumped_configuration_names_no_base() -> None:
    based = parse_config("base: default\n", "x.yaml")
    assert "base:" not in dump_config(based)
    assert parse_config(dump_config(based), "x.yaml") == based


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "base: defalt\n",
            "x.yaml:1: base = 'defalt': no such preset; expected the name of one that ships, such",
        ),
        ("train: {epochs: 3}\nbase: [1]\n", "x.yaml:2: base = [1]: no such preset"),
        ("base: null\n", "x.yaml:1: base = None: no such preset"),
        ("base: ../configs/default\n", "x.yaml:1: base = '../configs/default': no such preset"),
        (
            "base: default\ntrain: {epochs: none}\n",
            "x.yaml:2: train.epochs = 'none'; expected an integer",
        ),
        ("bsae: default\n", "x.yaml:1: bsae: unknown key; did you mean base?"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.yaml")
    assert str(caught.value).startswith(message)


def test_what_is_wrong_because_of_a_key_of_the_base_names_the_file_of_the_base(
    tmp_path: Path,
) -> None:
    preset = tmp_path / "odd.yaml"
    preset.write_text("description: odd\ntrain:\n  epochs: 5\n")
    read = read_tree("base: odd\ntrain:\n  lr: 1\n", "x.yaml", tmp_path)
    assert read.values == {"train": {"epochs": 5, "lr": 1}}
    assert read.places[("train", "epochs")] == f"{preset}:3"
    assert read.places[("train", "lr")] == "x.yaml:3"


def test_sections_of_the_base_alone_can_be_left_out() -> None:
    text = "base: esc10-maps\ntrain: {epochs: 5}\n"
    left = parse_config(text, "x.yaml", without_of_base=("audio", "network"))
    assert (left.network, left.train.epochs) == (parse_config("", "x.yaml").network, 5)
    own = "base: esc10-maps\nnetwork: {width: 0.25}\n"
    assert parse_config(own, "x.yaml", without_of_base=("network",)).network.width == 0.25


def test_a_base_cannot_be_set() -> None:
    with pytest.raises(UsageError, match="--set base=demo: base stands in a file; give -c demo"):
        parse_config("base: default\n", "x.yaml", ["base=demo"])


@given(TREES, TREES)
def test_every_key_of_the_file_stands_and_no_other_of_the_base_is_lost(
    upper: dict[str, object], lower: dict[str, object]
) -> None:
    laid = _lay(upper, lower)
    assert _lay(upper, laid) == laid
    assert set(laid) == set(upper) | set(lower)
    for key in set(lower) - set(upper):
        assert laid[key] == lower[key]
    for key, value in upper.items():
        if not isinstance(value, dict):
            assert laid[key] == value


def test_presets_that_ship_stand_alone() -> None:
    for path in preset_folder().glob("*.yaml"):
        assert "base:" not in path.read_text()

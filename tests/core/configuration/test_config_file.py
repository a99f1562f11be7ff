from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration import presets
from wsnet_cli.core.configuration.config import (
    AudioConfig,
    AugmentConfig,
    Config,
    NetworkConfig,
    NetworkSamplingConfig,
    SamplingConfig,
    TrainConfig,
)
from wsnet_cli.core.configuration.config_file import (
    dump_config,
    find_config,
    load_config,
    parse_config,
)
from wsnet_cli.core.configuration.presets import preset_folder, preset_names
from wsnet_cli.core.errors import ConfigError, FileError, UsageError
from wsnet_cli.core.networks.architectures import build_network

CHECKOUT = Path(__file__).parents[3]


def window_samples(config: Config) -> int:
    return round(config.audio.sample_rate * config.audio.window_s)


def test_presets_are_the_files_in_configs() -> None:
    files = sorted(path.stem for path in (CHECKOUT / "configs").iterdir() if path.suffix == ".yaml")
    assert list(preset_names()) == files
    assert {"default", "esc10-dense", "esc10-narrow", "esc10-wsnet"} <= set(files)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_builds_its_network_and_survives_a_round_trip(name: str) -> None:
    config = load_config(name)
    network = build_network(config.network, 10, window_samples(config))
    assert network.n_classes == 10
    assert config.description
    assert parse_config(dump_config(config), "dumped.yaml") == config
    assert load_config(str(find_config(name))) == config


def test_installed_presets_win_over_those_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "wsnet_cli"
    place = package / "core" / "configuration" / "presets.py"
    monkeypatch.setattr(presets, "__file__", str(place))
    assert preset_folder() == tmp_path / "configs"
    (package / "configs").mkdir(parents=True)
    assert preset_folder() == package / "configs"


def test_empty_text_gives_the_defaults() -> None:
    assert parse_config("", "x.yaml") == Config()


def test_values_arrive_with_their_types() -> None:
    text = "description: no\ntrain: {lr: 1e-3, seed: 0}\naudio: {window_s: 2, hop_s: null}\n"
    config = parse_config(text, "x.yaml")
    assert config.description == "no"
    assert config.train.lr == 0.001
    assert (config.audio.window_s, config.audio.hop_s) == (2.0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n", "x.yaml:1: a: unknown key; expected one of description, from_data, start"),
        ("epochs: 3", "x.yaml:1: epochs: unknown key; did you mean train.epochs?"),
        ("\ntrian: {lr: 1}", "x.yaml:2: trian: unknown key; did you mean train?"),
        ("train:\n  lr: 1e-3\n  epoch: 3", "x.yaml:3: train.epoch: unknown key; did you mean tra"),
        ("train:\n  lr: fast", "x.yaml:2: train.lr = 'fast'; expected a number"),
        ("train:\n  epochs: 1.5", "x.yaml:2: train.epochs = 1.5; expected an integer"),
        ("train:\n  epochs: '3'", "x.yaml:2: train.epochs = '3'; expected an integer"),
        ("train:\n  epochs: true", "x.yaml:2: train.epochs = True; expected an integer"),
        ("train:\n  epochs: 0123", "x.yaml:2: train.epochs = '0123'; expected an integer"),
        ("train:\n  epochs: [3]", "x.yaml:2: train.epochs = [3]; expected an integer"),
        ("train:\n  epochs:", "x.yaml:2: train.epochs = None; expected an integer"),
        ("train:\n  epochs: 0", "x.yaml:2: train.epochs = 0; expected greater than or equal to 1"),
        ("train:\n  batch_size: 1", "x.yaml:2: train.batch_size = 1; expected greater than or eq"),
        ("train:\n  lr: 0", "x.yaml:2: train.lr = 0; expected greater than 0"),
        ("train:\n  lr: 1e999", "x.yaml:2: train.lr = inf; expected a finite number"),
        ("train:\n  average_decay: 1", "x.yaml:2: train.average_decay = 1; expected less than 1"),
        ("train: 3", "x.yaml:1: train = 3; expected a section with keys such as epochs, batch_"),
        ("train: [a]", "x.yaml:1: train = ['a']; expected a section with keys such as epochs"),
        ("augment: {polarity: no}", "x.yaml:1: augment.polarity = 'no'; expected true or false"),
        (
            "augment: {mixing: x}",
            "x.yaml:1: augment.mixing = 'x'; expected 'between-class', 'mixup' or",
        ),
        ("audio:\n\n  sample_rate: 999", "x.yaml:3: audio.sample_rate = 999; expected greater"),
        ("audio: {sample_rate: 192001}", "x.yaml:1: audio.sample_rate = 192001; expected less"),
        ("network: {width: 5}", "x.yaml:1: network.width = 5; expected less than or equal to 4"),
        (
            "network: {architecture: resnet}",
            "x.yaml:1: network.architecture = 'resnet'; expected 'soundnet8', 'baseline1' or 'map",
        ),
        ("network:\n  sampling: {}", "x.yaml:2: network.sampling.stride is missing; add it"),
        ("network:\n  sampling: 2", "x.yaml:2: network.sampling = 2; expected a section with"),
        (
            "network:\n  sampling:\n    stride: 2\n    layers:\n      conv1: thin",
            "x.yaml:5: network.sampling.layers.conv1 = 'thin'; expected dense or a section with "
            "keys such as stride, channel_factor, denser",
        ),
        (
            "network:\n  sampling:\n    stride: 2\n    layers:\n      conv1: {stride: 0}",
            "x.yaml:5: network.sampling.layers.conv1.stride = 0; expected greater than or equal",
        ),
        (
            "network: {sampling: {stride: 2, layers: {conv1: {stride: 1, foo: 1}}}}",
            "x.yaml:1: network.sampling.layers.conv1.foo: unknown key; expected one of stride, "
            "channel_factor, denser",
        ),
        ('"a\\nb": 1', "x.yaml:1: 'a\\nb': unknown key; expected one of"),
        ("'': 1", "x.yaml:1: '': unknown key; expected one of"),
        ("- 1", "x.yaml: is no mapping; expected keys such as network and train"),
        ("hello", "x.yaml: is no mapping; expected keys such as network and train"),
        ("a: 1\na: 2", "x.yaml:2: key 'a' stands twice; keep one of them"),
    ],
)
def test_mistake_is_named_with_line_key_value_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}") as caught:
        parse_config(text, "x.yaml")
    assert "\n" not in str(caught.value)


def test_keys_of_a_layer_are_not_those_of_the_section_around_it() -> None:
    text = "network: {sampling: {stride: 2, layers: {conv1: {stride: 1, foo: 1}}}}"
    with pytest.raises(ConfigError, match=r"expected one of stride, .*, group_offset, signs$"):
        parse_config(text, "x.yaml")


@pytest.mark.parametrize(
    ("settings_", "found"),
    [
        (["train.lr=1e-3"], lambda c: c.train.lr == 0.001),
        (["train.lr=1e-3", "train.lr=2"], lambda c: c.train.lr == 2),
        (["description=a=b"], lambda c: c.description == "a=b"),
        (["audio.hop_s="], lambda c: c.audio.hop_s is None),
        (
            ["network.sampling.stride=4"],
            lambda c: c.network.sampling == NetworkSamplingConfig(stride=4),
        ),
        (
            ["network.sampling.stride=2", "network.sampling.layers.conv1=dense"],
            lambda c: c.network.sampling.layers == {"conv1": "dense"},
        ),
        (["augment.polarity=false"], lambda c: c.augment.polarity is False),
        (["augment.noise_snr_db=[0, 30]"], lambda c: c.augment.noise_snr_db == (0, 30)),
        (["train.drops=[]"], lambda c: c.train.drops == ()),
        (["description=[draft"], lambda c: c.description == "[draft"),
    ],
)
def test_settings_lie_over_the_file(settings_: list[str], found: object) -> None:
    config = parse_config("train: {lr: 5}\nnetwork: {sampling: }", "x.yaml", settings_)
    assert callable(found)
    assert found(config)


@pytest.mark.parametrize(
    ("setting", "kind", "message"),
    [
        ("train.lr", UsageError, "--set train.lr: expected key=value, for instance train.lr=1e-3"),
        ("=3", UsageError, "--set =3: expected key=value, for instance train.lr=1e-3"),
        ("train.lr=x", ConfigError, "--set train.lr=x: train.lr = 'x'; expected a number"),
        (
            "train.lrr=1",
            ConfigError,
            "--set train.lrr=1: train.lrr: unknown key; did you mean train.lr?",
        ),
        ("train.epochs=0", ConfigError, "--set train.epochs=0: train.epochs = 0; expected greater"),
        ("train.drops=[&a 1]", ConfigError, "--set train.drops=[&a 1]:1: anchors and aliases are"),
        ("train=3", ConfigError, "--set train=3: train = 3; expected a section"),
        (
            "train.keep=best",
            ConfigError,
            "--set train.keep=best: train.keep = 'best' without a validation part; expected train",
        ),
        ("train.patience=2", ConfigError, "--set train.patience=2: train.patience = 2 without a"),
        (
            "trian.epochs=3",
            ConfigError,
            "--set trian.epochs=3: trian: unknown key; did you mean tra",
        ),
        ("train.lr.x=3", ConfigError, "--set train.lr.x=3: lr = 5 is a value, not a section"),
    ],
)
def test_wrong_setting_is_named(setting: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}"):
        parse_config("train:\n  lr: 5\n", "x.yaml", ["train.seed=1", setting])


def test_unknown_name_offers_the_nearest_presets() -> None:
    with pytest.raises(UsageError, match=r"^esc10-wsnt: no such .*; did you mean esc10-wsnet"):
        load_config("esc10-wsnt")
    with pytest.raises(UsageError, match=r"^zzzz: no such preset or file; presets: .*esc10-dense"):
        load_config("zzzz")
    with pytest.raises(UsageError, match="no such preset or file"):
        find_config("x" * 5_000)


def test_files_that_hold_no_configuration_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"x\.yaml: is not UTF-8 text; expected a config"):
        load_config(str(path))
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match=r"x\.yaml: is 1000001 bytes; expected a config"):
        load_config(str(path))
    path.write_bytes(b"\xef\xbb\xbftrain: {epochs: 7}\r\n")
    assert load_config(str(path)).train.epochs == 7

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FileError, match=r"^cannot read .*x\.yaml: Permission denied"):
        load_config(str(path))


positive = st.floats(1e-300, 1e300)
whole = st.integers(1, 10**18)
sampling_fields = {"stride": whole, "channel_factor": whole, "denser": whole}
layers = st.dictionaries(st.text(), st.just("dense") | st.builds(SamplingConfig, **sampling_fields))
configs = st.builds(
    Config,
    description=st.text(),
    audio=st.builds(AudioConfig, window_s=positive, hop_s=st.none() | positive),
    network=st.builds(
        NetworkConfig,
        head=st.sampled_from(["mean-linear", "conv8"]),
        head_sampling_stride=st.none() | whole,
        sampling=st.none() | st.builds(NetworkSamplingConfig, layers=layers, **sampling_fields),
    ),
    augment=st.builds(AugmentConfig, polarity=st.booleans(), gain_db=positive),
    train=st.builds(TrainConfig, lr=positive, seed=whole, average_decay=st.floats(0, 0.999)),
)


@settings(deadline=None, max_examples=60)
@given(configs)
@example(Config(description="1e3"))
@example(Config(description="no"))
@example(Config(description="0123"))
@example(Config(description="\x85"))
@example(Config(description="\ufeff\u2028 '\"\n"))
def test_what_is_written_reads_back_equal(config: Config) -> None:
    text = dump_config(config)
    assert parse_config(text, "x.yaml") == config
    assert parse_config(text.encode().decode(), "x.yaml") == config


SCRAPS = (
    "{",
    "}",
    "[",
    ":",
    "- ",
    "&a ",
    "*a",
    "!!x ",
    '"',
    "\\U",
    "\t",
    "\n",
    "\0",
    "%",
    "9",
    "~",
)


def damage(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        at, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        scrap = rng.choice([*SCRAPS, chr(rng.randrange(0x300)), text[at:end][:20]])
        kept = rng.choice([at, min(at + 1, len(text)), end])
        text = text[:at] + scrap + text[kept:]
    return text


@pytest.mark.parametrize("name", preset_names())
def test_damaged_text_is_read_or_refused_in_one_line(name: str) -> None:
    texts = [dump_config(load_config(name)), find_config(name).read_text(encoding="utf-8")]
    n_refused = 0
    for seed in range(500 // len(preset_names()) + 1):
        rng = random.Random(f"{name} {seed}")
        try:
            config = parse_config(damage(rng.choice(texts), rng), "x.yaml")
            build_network(config.network, 10, 30_225)
        except (ConfigError, UsageError) as error:
            assert "\n" not in str(error), seed  # noqa: PT017
            n_refused += 1
    assert n_refused >= 10


# ------------------------------------------------------------------------------- from the data


def test_what_is_set_is_not_left_to_the_data() -> None:
    text = "from_data: [rate, window, epochs]\naudio: {window_s: 2.0}\n"
    assert parse_config(text, "x").from_data == ("rate", "epochs")
    assert parse_config(text, "x", ["train.epochs=3"]).from_data == ("rate",)
    assert parse_config("from_data: [pooling]\n", "x", ["network.width=0.5"]).from_data == (
        "pooling",
    )
    with pytest.raises(ConfigError, match=r"x:1: from_data"):
        parse_config("from_data: [speed]\n", "x")


def test_the_default_preset_leaves_to_the_data_what_depends_on_it() -> None:
    assert load_config("default").from_data == ("rate", "window", "crops", "epochs")


def test_a_word_of_several_keys_goes_with_the_first_that_is_set() -> None:
    text = "from_data: [crops]\n"
    assert parse_config(text, "x", ["augment.shift=0.3"]).from_data == ()
    config = parse_config(text, "x")
    assert config.from_data == ("crops",)
    assert parse_config(dump_config(config), "y") == config


def test_a_word_said_twice_counts_once() -> None:
    config = parse_config("from_data: [rate, epochs, rate, epochs]\n", "x")
    assert config.from_data == ("rate", "epochs")
    assert parse_config(dump_config(config), "y") == config

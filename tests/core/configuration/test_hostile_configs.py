"""Configurations that someone made to do harm, or that other readers take for something else."""

from __future__ import annotations

import re

import pytest

from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.errors import ConfigError

BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))])

HOSTILE = [
    (
        "description: !!python/object/apply:os.system [touch executed]",
        "x.yaml:1: tag 'tag:yaml.org",
    ),
    ("description: !!python/name:os.system ''", "x.yaml:1: tag 'tag:yaml.org,2002:python/name"),
    ("!!python/object/new:os.system [touch executed]", "x.yaml:1: tag 'tag:yaml.org,2002:python"),
    ("train:\n  lr: !!float 1e-3", "x.yaml:2: tag 'tag:yaml.org,2002:float' is not allowed"),
    (BOMB, "x.yaml:1: anchors and aliases are not allowed"),
    ("train: &a\n  lr: 1\nx: *a", "x.yaml:1: anchors and aliases are not allowed"),
    ("train: {<<: {lr: 1}}", "x.yaml:1: train.<<: unknown key; expected one of"),
    ("train:\n  lr: 1\n  lr: 2", "x.yaml:3: key 'lr' stands twice; keep one of them"),
    ('train: {lr: 1, "l\\x72": 2}', "x.yaml:1: key 'lr' stands twice; keep one of them"),
    ("train:\n  lrr: 1", "x.yaml:2: train.lrr: unknown key; did you mean train.lr?"),
    ("trian:\n  lr: 1", "x.yaml:1: trian: unknown key; did you mean train?"),
    ("train:\n  lr: fast", "x.yaml:2: train.lr = 'fast'; expected a number"),
    ("train:\n  lr: true", "x.yaml:2: train.lr = True; expected a number"),
    ("train:\n  lr: .nan", "x.yaml:2: train.lr = '.nan'; expected a number"),
    ("train:\n  lr: 1e999", "x.yaml:2: train.lr = inf; expected a finite number"),
    ("train:\n  epochs: 1e3", "x.yaml:2: train.epochs = 1000.0; expected an integer"),
    ("train:\n  epochs: 0x10", "x.yaml:2: train.epochs = '0x10'; expected an integer"),
    ("train:\n  epochs: 1_000", "x.yaml:2: train.epochs = '1_000'; expected an integer"),
    ("train:\n  epochs: " + "9" * 5_000, "x.yaml:2: train.epochs = '99999"),
    ("network:\n  width: -1", "x.yaml:2: network.width = -1; expected greater than 0"),
    ("audio:\n  window_s: -0.0", "x.yaml:2: audio.window_s = -0.0; expected greater than 0"),
    ("train: [1, 2]", "x.yaml:1: train = [1, 2]; expected a section"),
    ("- train", "x.yaml: is no mapping; expected keys such as network and train"),
    ("a: " + "[" * 900_000, "x.yaml: not valid YAML: nested too deeply or not text"),
    ("description: \0", "x.yaml: not valid YAML: nested too deeply or not text"),
    ("train:\n\tlr: 1", "x.yaml:2: not valid YAML: "),
    ("train: {lr: 1}\n---\ntrain: {lr: 2}", "x.yaml:2: not valid YAML: "),
    ('description: "\\uD800"', r"x.yaml:1: '\ud800' is not Unicode; expected whole characters"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_it_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.yaml")
    told = str(caught.value)
    assert re.match(re.escape(message), told), told
    assert "\n" not in told
    assert len(told) < 1_000


@pytest.mark.parametrize(
    "word", ["no", "on", "off", "y", "0123", "0x1F", "1_000", "12:30:45", "2024-01-01", "!", "NaN"]
)
def test_words_stay_words(word: str) -> None:
    text = f"'{word}'" if word == "!" else word
    assert parse_config(f"description: {text}", "x.yaml").description == word


@pytest.mark.parametrize(("word", "value"), [("1e-3", 0.001), ("1E-3", 0.001), (".001", 0.001)])
def test_numbers_are_numbers(word: str, value: float) -> None:
    assert parse_config(f"train: {{lr: {word}}}", "x.yaml").train.lr == value

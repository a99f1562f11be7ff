from __future__ import annotations

import re

import pytest

from wsnet_cli.core.configuration.yamlfile import load_yaml, parse_scalar
from wsnet_cli.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100_000.0),
        ("-2.5e+2", -250.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.10", 1.1),
        ("0", 0),
        ("-0", 0),
        ("+7", 7),
        ("-12", -12),
        ("9" * 19, int("9" * 19)),
        ("9" * 20, "9" * 20),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("nan", "nan"),
        ("e5", "e5"),
        ("1e", "1e"),
        (".", "."),
        ("-", "-"),
    ],
)
def test_plain_words_mean_what_they_say(text: str, value: object) -> None:
    found = parse_scalar(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 'no'", {"a": "no"}),
        ('a: "1e-3"', {"a": "1e-3"}),
        ("a: '8'", {"a": "8"}),
        ("a: ''", {"a": ""}),
        ("a:", {"a": None}),
        ("a: |\n  8\n", {"a": "8\n"}),
        ("a: [1, no, 1e2]", {"a": [1, "no", 100.0]}),
        ("on: 1", {"on": 1}),
        ("1: 2", {"1": 2}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("- 1\n- x", [1, "x"]),
        ("", None),
        ("# only a comment", None),
        ("8", 8),
    ],
)
def test_documents(text: str, value: object) -> None:
    assert load_yaml(text, "x.yaml").value == value


def test_lines_say_where_each_value_stands() -> None:
    document = load_yaml("# first\na: 1\n\nb:\n  c:\n    - x\n    - y\n  d: {e: 5}\n", "x.yaml")
    expected = {
        ("a",): 2,
        ("b",): 4,
        ("b", "c"): 5,
        ("b", "c", 0): 6,
        ("b", "c", 1): 7,
        ("b", "d"): 8,
        ("b", "d", "e"): 8,
    }
    assert {path: line for path, line in document.lines.items() if path} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "x.yaml:3: key 'a' stands twice; keep one of them"),
        ("a: 1\n'a': 3", "x.yaml:2: key 'a' stands twice; keep one of them"),
        ("b:\n  c: 1\n  c: 1", "x.yaml:3: key 'c' stands twice; keep one of them"),
        ("a: &x 1", "x.yaml:1: anchors and aliases are not allowed; repeat the value"),
        ("a: 1\nb: &x\n  c: 1", "x.yaml:2: anchors and aliases are not allowed"),
        ("a: 1\nb: *x", "x.yaml:2: anchors and aliases are not allowed; repeat the value"),
        ("a: !!int '5'", "x.yaml:1: tag 'tag:yaml.org,2002:int' is not allowed"),
        (
            "a: 1\nb: !!python/object/apply:os.system [ls]",
            "x.yaml:2: tag 'tag:yaml.org,2002:python",
        ),
        ("a: !own 5", "x.yaml:1: tag '!own' is not allowed; write a plain value"),
        ("a: !a%0Ab 5", "x.yaml:1: tag '!a\\nb' is not allowed"),
        (
            f"a: !{'own' * 1_000} 5",
            f"x.yaml:1: tag '!{'own' * 18}ow...n{'own' * 19}' is not allowed",
        ),
        (
            f"a: !{'own' * 1_000}!x 5",
            f"x.yaml:1: not valid YAML: found undefined tag handle '!{'own' * 20}",
        ),
        ("a: 1\n? [b]\n: 2", "x.yaml:2: a key is a list or mapping; expected a word"),
        ("a: 1\nb: [1, 2", "x.yaml:2: not valid YAML: "),
        ("a: b: c", "x.yaml:1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "x.yaml:2: not valid YAML: "),
        ("a: 1\n---\nb: 2", "x.yaml:2: not valid YAML: but found another document"),
        ("a: \0", "x.yaml: not valid YAML: nested too deeply or not text"),
        (
            "a: " + "[" * 1_000 + "]" * 1_000,
            "x.yaml: not valid YAML: nested too deeply or not text",
        ),
        ('a: "\\UFFFFFFFF"', "x.yaml: not valid YAML: nested too deeply or not text"),
        ('a: 1\nb: "\\uD800"', r"x.yaml:2: '\ud800' is not Unicode; expected whole characters"),
        ('"\\uDC00": 1', r"x.yaml:1: '\udc00' is not Unicode; expected whole characters"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}") as caught:
        load_yaml(text, "x.yaml")
    assert "\n" not in str(caught.value)


def test_aliases_cannot_make_a_document_grow() -> None:
    rows = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    with pytest.raises(ConfigError, match=r"^x\.yaml:1: anchors and aliases are not allowed"):
        load_yaml("\n".join(rows), "x.yaml")


@pytest.mark.parametrize("depth", range(100, 420, 20))
def test_any_depth_is_read_or_refused(depth: int) -> None:
    try:
        load_yaml("a: " + "{b: " * depth + "}" * depth, "x.yaml")
    except ConfigError as error:
        assert "nested too deeply" in str(error)  # noqa: PT017

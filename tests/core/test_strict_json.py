from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.strict_json import MAX_BRACKETS, read_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
finite = scalars.filter(lambda x: x not in (float("inf"), float("-inf")))
documents = st.recursive(
    finite, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(documents)
def test_json_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '[{"b": {"a": 1, "\\u0061": 2}}]',
        "NaN",
        '{"a": -Infinity}',
        "[Infinity]",
        "{} {}",
        "[1,]",
        "",
        "\ufeff{}",
        "9" * 5_000,
        "[" + "[]," * MAX_BRACKETS + "[]]",
    ],
)
def test_what_readers_may_take_differently_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)

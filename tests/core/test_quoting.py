"""What someone else wrote stays one line, and short."""

from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.core.quoting import MOST_QUOTED, bare, quoted, shown

ODD = "e\x1b]0;owned\x07\n\x9b2J\u202e\udcff"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("é" * 10**6, id="text"),
        pytest.param("\n" * 10**6, id="lines"),
        pytest.param(ODD * 99, id="odd"),
        pytest.param(b"\0" * 10**6, id="bytes"),
        pytest.param([10**30] * 99, id="list"),
        pytest.param(np.eye(60), id="matrix"),
        pytest.param(10**4_000, id="number"),
        pytest.param({"x" * 1_000: [["y" * 1_000] * 99] * 99}, id="mapping"),
    ],
)
def test_whatever_it_is_it_is_short_and_on_one_line(value: object) -> None:
    for told in (quoted(value), bare(value)):
        assert told.isprintable()
        assert len(told) <= MOST_QUOTED


def test_it_looks_no_deeper_than_it_tells() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert quoted(deep) == "[[[[...]]]]"


def test_a_long_text_keeps_its_ends() -> None:
    told = quoted("begin" + "-" * 1_000 + "end")
    assert told.startswith("'begin")
    assert told.endswith("end'")
    assert "..." in told


def test_what_is_shown_is_whole_and_printable() -> None:
    assert shown(ODD) == r"e\x1b]0;owned\x07\n\x9b2J\u202e\udcff"
    assert shown("é" * 10**4) == "é" * 10**4


def test_what_can_be_read_without_quotes_has_none() -> None:
    assert [bare(value) for value in ("a b", 0.5, None, "", ODD[:1] + "\n")] == (
        ["a b", "0.5", "None", "''", r"'e\n'"]
    )

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.data.clips import Clip, ClipTable

ROOT = Path("/set")
names = st.sampled_from(["a.wav", "b.wav", "dir/c.wav", "é.wav"])
words = st.one_of(st.none(), st.sampled_from(["1", "2", "x"]))
seconds = st.one_of(st.none(), st.floats(0, 9))


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    name = draw(names)
    path = ROOT / name if draw(st.booleans()) else Path("/elsewhere") / name
    return Clip(
        path,
        name,
        draw(st.sampled_from(["dog", "cat"])),
        fold=draw(words),
        split=draw(words),
        group=draw(words),
        start_s=draw(seconds),
        end_s=draw(seconds),
    )


def _key(clip: Clip) -> tuple[str, float, float]:
    return clip.name, clip.start_s or 0.0, math.inf if clip.end_s is None else clip.end_s


@given(st.lists(clips(), max_size=12))
def test_a_table_is_the_sorted_clips(made: list[Clip]) -> None:
    table = ClipTable(ROOT, iter(made))
    assert list(table) == sorted(made, key=_key)
    assert len(table) == len(made)
    assert [table[i] for i in range(-len(made), 0)] == list(table)
    assert table[1:4] == tuple(sorted(made, key=_key)[1:4])


@given(st.lists(clips(), max_size=12))
def test_columns_say_what_the_clips_say(made: list[Clip]) -> None:
    table = ClipTable(ROOT, made)
    for words, numbers, field in (
        (table.label_words, table.label_numbers, "label"),
        (table.fold_words, table.fold_numbers, "fold"),
        (table.split_words, table.split_numbers, "split"),
        (table.group_words, table.group_numbers, "group"),
    ):
        column = [None if number < 0 else words[number] for number in numbers]
        assert column == [getattr(clip, field) for clip in table]
    assert list(table.names) == [clip.name for clip in table]


def test_a_clip_that_is_not_there_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="clip 1 of 1"):
        ClipTable(ROOT, [Clip(ROOT / "a.wav", "a.wav", "dog")])[1]

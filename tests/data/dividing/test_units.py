"""Units against sets that are merged in plain Python."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.dividing.units import Units, join_units

AUDIO_BYTES = 4


def make_dataset(groups: list[str | None], labels: list[str]) -> DataSet:
    clips = [
        Clip(Path(f"{i:03d}"), f"{i:03d}", label, group=group)
        for i, (group, label) in enumerate(zip(groups, labels, strict=True))
    ]
    return DataSet(Path(), "manifest", clips)


def merged(n: int, tokens: list[set[object]], pairs: list[tuple[int, int]]) -> list[set[int]]:
    """Sets of clips that have a token in common or are paired, one after the other."""
    sets = [{i} for i in range(n)]
    links = [*pairs, *((i, j) for i in range(n) for j in range(i) if tokens[i] & tokens[j])]
    for i, j in links:
        one = next(s for s in sets if i in s)
        other = next(s for s in sets if j in s)
        if one is not other:
            sets.remove(other)
            one |= other
    return sets


def expected_position(members: set[int], groups: list[str | None], files: list[str]) -> float:
    """The first 53 bits of a hash of the last group's name, else of the last file's content."""
    names = [f"group {groups[i]}" for i in members if groups[i] is not None]
    names = names or [f"content {files[i]}" for i in members]
    digest = hashlib.sha256(f"wsnet split 1 {max(names)}".encode()).digest()
    return int.from_bytes(digest, "big") // 2 ** (256 - 53) / 2**53


SETS = st.integers(1, 12).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "groups": st.lists(st.none() | st.sampled_from("xyz"), min_size=n, max_size=n),
            "labels": st.lists(st.sampled_from("abc"), min_size=n, max_size=n),
            "files": st.lists(st.sampled_from("01234567"), min_size=n, max_size=n),
            "audio": st.lists(st.integers(0, 9), min_size=n, max_size=n),
            "pairs": st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=4),
            "readable": st.lists(st.booleans(), min_size=n, max_size=n),
        }
    )
)


@settings(deadline=None, max_examples=300)
@given(SETS)
def test_units_are_the_sets_of_clips_that_hang_together(case: dict[str, list]) -> None:
    groups, files, n = case["groups"], case["files"], len(case["groups"])
    readable = [i for i in range(n) if case["readable"][i]]
    dataset = make_dataset(groups, case["labels"])
    keys = [f"{file}@{i}-" if i % 2 else file for i, file in enumerate(files)]
    audio = np.array(case["audio"], ">u4").view(np.uint8).reshape(n, AUDIO_BYTES)
    units = join_units(dataset, readable, keys, audio, case["pairs"])

    tokens: list[set[object]] = [
        {("file", files[i]), ("audio", case["audio"][i]), ("group", groups[i] or i)}
        for i in range(n)
    ]
    tokens = [tokens[i] if i in readable else set() for i in range(n)]
    pairs = [(i, j) for i, j in case["pairs"] if {i, j} <= set(readable)]
    sets = [s for s in merged(n, tokens, pairs) if s <= set(readable)]
    found = [{int(i) for i in units.clips[units.of_clip == u]} for u in range(len(units.positions))]
    assert units.clips.tolist() == readable
    assert sorted(found, key=min) == sorted(sets, key=min)
    assert units.positions.tolist() == [expected_position(s, groups, files) for s in found]
    order = [(position, min(s)) for position, s in zip(units.positions, found, strict=True)]
    assert order == sorted(order)
    check_counts(units, found, case["labels"])


def check_counts(units: Units, found: list[set[int]], labels: list[str]) -> None:
    """What is counted of units and classes, by hand."""
    classes = sorted(set(labels))
    for u, members in enumerate(found):
        here = [classes.index(labels[i]) for i in members]
        numbers, counts = units.labels_of(u)
        assert dict(zip(numbers.tolist(), counts.tolist(), strict=True)) == {
            c: here.count(c) for c in set(here)
        }
    for c in range(len(classes)):
        expected = [u for u, s in enumerate(found) if any(labels[i] == classes[c] for i in s)]
        assert units.of_label(c) == expected
    chosen = np.arange(len(found)) % 2 == 0
    clips = sorted(i for u, s in enumerate(found) if u % 2 == 0 for i in s)
    assert sorted(units.clips_of(chosen)) == clips
    assert units.count(chosen).tolist() == [
        sum(labels[i] == label for i in clips) for label in classes
    ]
    every = [sum(labels[i] == label for s in found for i in s) for label in classes]
    assert units.totals.tolist() == every


def test_no_clip_gives_no_unit() -> None:
    dataset = make_dataset([None, "g"], ["a", "b"])
    units = join_units(dataset, [], ["1", "2"], np.zeros((2, 0), np.uint8))
    assert (len(units.clips), len(units.positions)) == (0, 0)
    assert units.totals.tolist() == [0, 0]


def test_a_group_stays_where_it_is_whatever_joins_it() -> None:
    alone = join_units(make_dataset(["g", None], ["a", "b"]), [0, 1], ["1", "2"])
    joined = join_units(make_dataset(["g", None], ["a", "b"]), [0, 1], ["1", "2"], None, [(0, 1)])
    of_group = alone.positions[alone.of_clip[0]]
    assert joined.positions.tolist() == [of_group]


def test_other_clips_move_no_unit() -> None:
    few = make_dataset([None] * 5, list("ababa"))
    many = make_dataset([None] * 9, list("ababababa"))
    keys = [str(i) for i in range(9)]
    before, after = join_units(few, range(5), keys[:5]), join_units(many, range(9), keys)
    for clip in range(5):
        assert before.positions[before.of_clip[clip]] == after.positions[after.of_clip[clip]]


def test_positions_spread_evenly_over_the_unit_interval() -> None:
    n = 5_000
    dataset = make_dataset([None] * n, ["a"] * n)
    positions = join_units(dataset, range(n), [str(i) for i in range(n)]).positions
    counts, _ = np.histogram(positions, 10, (0, 1))
    assert counts.sum() == n
    # Ten cells of 500: a chi-square of 9 degrees of freedom is above 33.7 once in ten thousand.
    assert ((counts - n / 10) ** 2 / (n / 10)).sum() < 33.7


@pytest.mark.parametrize("n_bytes", [1, 16])
def test_keys_that_end_in_zeros_are_told_apart(n_bytes: int) -> None:
    audio = np.zeros((3, n_bytes), np.uint8)
    audio[1, 0] = 1
    units = join_units(make_dataset([None] * 3, list("abc")), [0, 1, 2], ["1", "2", "3"], audio)
    assert units.of_clip[0] == units.of_clip[2] != units.of_clip[1]

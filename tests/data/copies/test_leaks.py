from __future__ import annotations

import json

import numpy as np
import pytest

from wsnet_cli.data.copies import leaks
from wsnet_cli.data.copies.duplicates import Duplicate
from wsnet_cli.data.copies.leaks import Sides, leak_report

TRAIN, TEST, NONE = 0, 1, -1


def near(first: int, second: int, correlation: float = 0.9) -> Duplicate:
    return Duplicate(first, second, "near", correlation, 0.25)


def same(first: int, second: int) -> Duplicate:
    return Duplicate(first, second, "identical", 1.0, 0.0)


def sides(part_of, label_of=None, group_of=None) -> Sides:
    n = len(part_of)
    return Sides(
        name=lambda i: f"{i}.wav",
        parts=("train", "test"),
        part_of=part_of,
        labels=("cat", "dog"),
        label_of=label_of or [0] * n,
        groups=("anna", "ben", "carl\n"),
        group_of=group_of or [-1] * n,
    )


def test_nothing_found_is_a_report_of_zeros():
    report = leak_report([], sides([]))
    assert {value for value in report.values() if isinstance(value, int)} == {0}
    assert [value for value in report.values() if not isinstance(value, int)] == [[], [], []]


def test_copies_are_counted_as_pairs_clusters_and_clips():
    pairs = [same(0, 1), near(1, 2), near(4, 5)]
    report = leak_report(pairs, sides([TRAIN, TRAIN, TEST, TEST, TRAIN, TRAIN]))
    assert (report["identical"], report["near"]) == (1, 2)
    assert (report["clusters"], report["clips"]) == (2, 5)
    assert (report["clusters_across"], report["clips_across"]) == (1, 3)
    assert report["between"] == [{"parts": ["train", "test"], "clusters": 1}]


def test_a_clip_in_no_part_is_on_no_side():
    report = leak_report([near(0, 1)], sides([TRAIN, NONE]))
    assert (report["clusters"], report["clusters_across"], report["between"]) == (1, 0, [])
    assert report["pairs"][0]["clips"][1]["part"] is None
    assert report["pairs"][0]["across"] is False


def test_copies_with_two_labels_are_counted():
    report = leak_report([near(0, 1), near(2, 3)], sides([TRAIN] * 4, label_of=[0, 1, 1, 1]))
    assert report["labels_differ"] == 1


def test_pairs_across_come_first_and_the_closest_first(monkeypatch):
    monkeypatch.setattr(leaks, "MAX_PAIRS", 3)
    pairs = [same(0, 1), near(2, 3, 0.9), near(4, 5, 0.95), near(6, 7, 0.99)]
    report = leak_report(pairs, sides([TRAIN, TRAIN, TRAIN, TEST, TRAIN, TEST, TRAIN, TRAIN]))
    assert [pair["clips"][0]["clip"] for pair in report["pairs"]] == [4, 2, 0]
    assert report["pairs_not_listed"] == 1
    assert report["pairs"][0] == {
        "clips": [
            {"clip": 4, "file": "4.wav", "part": "train", "label": "cat"},
            {"clip": 5, "file": "5.wav", "part": "test", "label": "cat"},
        ],
        "across": True,
        "kind": "near",
        "correlation": 0.95,
        "offset_s": 0.25,
    }


def test_groups_on_two_sides_are_listed_the_largest_first(monkeypatch):
    part_of = [TRAIN, TEST, TRAIN, TRAIN, TRAIN, TRAIN, TEST, TEST, NONE]
    group_of = [0, 0, 1, 1, 2, 2, 2, -1, 1]
    report = leak_report([], sides(part_of, group_of=group_of))
    assert (report["groups_across"], report["group_clips_across"]) == (2, 5)
    assert report["groups"] == [
        {
            "group": r"carl\n",
            "parts": [{"part": "train", "clips": 2}, {"part": "test", "clips": 1}],
        },
        {"group": "anna", "parts": [{"part": "train", "clips": 1}, {"part": "test", "clips": 1}]},
    ]
    monkeypatch.setattr(leaks, "MAX_GROUPS", 1)
    shorter = leak_report([], sides(part_of, group_of=group_of))
    assert (len(shorter["groups"]), shorter["groups_not_listed"]) == (1, 1)


@pytest.mark.parametrize("dtype", [list, np.int32, np.int64])
def test_the_report_is_json_whatever_the_columns_are(dtype):
    columns = ([TRAIN, TEST], [0, 1], [0, 0])
    if dtype is not list:
        columns = tuple(np.array(column, dtype) for column in columns)
    report = leak_report(
        [same(0, 1)], Sides(str, ("a", "b"), columns[0], ("x", "y"), columns[1], ("g",), columns[2])
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report

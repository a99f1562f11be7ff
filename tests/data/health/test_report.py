from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AUDIO_FAULTS
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.health.report import MAX_EXAMPLES, MAX_LISTED, Columns, build_report

ABOUT = {"layout": "class folders", "split": "a fifth held out"}


def healthy(n: int, **fields: Any) -> Any:
    records = np.zeros(n, HEALTH)
    for name, value in {
        **{"duration_s": 1.0, "sample_rate": 16_000, "n_channels": 1},
        **{"peak": 0.5, "span": 1.0, "rms": 0.1, "mix_rms": 0.1},
        **fields,
    }.items():
        records[name] = value
    return records


def columns_of(health: Any, **fields: Any) -> Columns:
    n = len(health)
    return Columns(
        **{
            **{"name": "{}.wav".format, "labels": ["cat", "dog"], "health": health},
            **{"label_of": [i % 2 for i in range(n)], "failures": {}},
            **{"parts": ["train", "test"], "part_of": [0 if i < n // 2 else 1 for i in range(n)]},
            **fields,
        }
    )


def report_of(health: Any, **fields: Any) -> dict[str, Any]:
    return build_report(columns_of(health, **fields), about=ABOUT)


def test_a_clip_of_several_classes_counts_in_each_of_them() -> None:
    members = np.array([[1, 1], [0, 0], [0, 1]], bool)  # both, none, dog
    health = healthy(4, duration_s=[1.0, 2.0, 4.0, 8.0], sample_rate=[8000, 1, 8000, 16_000])
    report = report_of(health, label_of=[0, 1, 2, 2], members=members)
    cat, dog = report["classes"]
    assert (cat["clips"], cat["duration_s"]) == (1, 1.0)
    assert (dog["clips"], dog["duration_s"]) == (3, 13.0)
    assert dog["parts"]["test"] == {"clips": 2, "duration_s": 12.0}
    assert report["clips"]["used"] == 4
    assert not [line for line in report["warnings"] if "sample rate alone" in line]


@settings(max_examples=40, deadline=None)
@given(n=st.integers(0, 30), failed=st.sets(st.integers(0, 29)), seed=st.integers(0, 99))
def test_the_counts_add_up(n: int, failed: set[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = sorted(AUDIO_FAULTS)
    failures = {i: (kinds[int(rng.integers(len(kinds)))], "why") for i in failed if i < n}
    report = report_of(
        healthy(n, duration_s=rng.uniform(0.001, 100, n)),
        label_of=rng.integers(0, 2, n),
        part_of=rng.integers(-1, 2, n),
        failures=failures,
    )
    clips, classes = report["clips"], report["classes"]
    assert clips["found"] == n
    assert clips["used"] + clips["refused"] == n
    assert sum(report["refused"]["kinds"].values()) == clips["refused"]
    assert len(report["refused"]["files"]) + report["refused"]["not_listed"] == clips["refused"]
    assert sum(row["clips"] for row in classes) == clips["used"]
    for part in report["parts"]:
        cells = [row["parts"][part["part"]] for row in classes]
        assert part["clips"] == sum(cell["clips"] for cell in cells)
        assert part["duration_s"] == pytest.approx(sum(c["duration_s"] for c in cells), abs=0.01)
    for key in ("rates", "channels"):
        assert sum(row["clips"] for row in report[key]) == clips["used"]
    assert sum(row["clips"] for row in report["duration"]["bins"]) == clips["used"]
    total = report["duration"]["total_s"]
    assert total == pytest.approx(sum(row["duration_s"] for row in classes), abs=0.01)


def test_a_small_set_by_hand() -> None:
    health = healthy(
        5, duration_s=[1.0, 2.0, 4.0, 99.0, 3.0], sample_rate=[8000, 8000, 16000, 1, 8000]
    )
    health["n_channels"] = [1, 2, 2, 9, 2]
    report = report_of(health, failures={3: ("damaged", "it stops")}, part_of=[0, 0, 1, 1, -1])
    assert report["data"] == ABOUT
    assert report["clips"] == {"found": 5, "used": 4, "refused": 1, "left_out": 0}
    assert report["classes"] == [
        {
            **{"label": "cat", "clips": 3, "duration_s": 8.0},
            "parts": {
                "train": {"clips": 1, "duration_s": 1.0},
                "test": {"clips": 1, "duration_s": 4.0},
            },
        },
        {
            **{"label": "dog", "clips": 1, "duration_s": 2.0},
            "parts": {
                "train": {"clips": 1, "duration_s": 2.0},
                "test": {"clips": 0, "duration_s": 0.0},
            },
        },
    ]
    assert report["parts"] == [
        {"part": "train", "clips": 2, "duration_s": 3.0},
        {"part": "test", "clips": 1, "duration_s": 4.0},
    ]
    assert report["rates"] == [
        {"sample_rate": 8000, "clips": 3},
        {"sample_rate": 16000, "clips": 1},
    ]
    assert report["channels"] == [{"n_channels": 1, "clips": 1}, {"n_channels": 2, "clips": 3}]
    refused = {"clip": 3, "file": "3.wav", "kind": "damaged", "reason": "it stops"}
    assert report["refused"] == {"kinds": {"damaged": 1}, "files": [refused], "not_listed": 0}
    duration = report["duration"]
    assert [duration[k] for k in ("total_s", "shortest_s", "median_s", "longest_s")] == [
        10,
        1,
        2.5,
        4,
    ]
    assert duration["bins"] == [
        {"from_s": 1.0, "below_s": 1.5, "clips": 1},
        {"from_s": 1.5, "below_s": 2.0, "clips": 0},
        {"from_s": 2.0, "below_s": 3.0, "clips": 1},
        {"from_s": 3.0, "below_s": 5.0, "clips": 2},
    ]


def test_the_worst_examples_come_first_and_are_few() -> None:
    flat = np.linspace(0, 0.5, 101)
    report = report_of(healthy(101, flat=flat))
    row = next(row for row in report["findings"] if row["finding"] == "clipped")
    assert (row["clips"], row["share"]) == (100, round(100 / 101, 6))
    assert [e["clip"] for e in row["examples"]] == list(range(100, 100 - MAX_EXAMPLES, -1))
    assert row["examples"][0] == {"clip": 100, "file": "100.wav", "value": 0.5}
    short = report_of(healthy(40, duration_s=[0.01, 0.005, *[1.0] * 38]))
    row = next(row for row in short["findings"] if row["finding"] == "very-short")
    assert [e["clip"] for e in row["examples"]] == [1, 0]
    offsets = report_of(healthy(3, dc=[0.1, -0.3, 0.0]))
    row = next(row for row in offsets["findings"] if row["finding"] == "dc-offset")
    assert [e["value"] for e in row["examples"]] == [-0.3, 0.1]


def test_what_failed_is_judged_by_nothing() -> None:
    health = healthy(4, dc=[0.5, 0, 0, 0], duration_s=[1e6, 1, 1, 1])
    report = report_of(health, failures={0: ("changed", "while it was read")})
    assert [row["clips"] for row in report["findings"]] == [0] * len(report["findings"])


def test_examples_carry_the_index_of_the_clip_among_all() -> None:
    health = healthy(4, dc=[0, 0, 0, 0.5])
    report = report_of(health, failures={0: ("empty", ""), 1: ("empty", "")})
    row = next(row for row in report["findings"] if row["finding"] == "dc-offset")
    assert row["examples"] == [{"clip": 3, "file": "3.wav", "value": 0.5}]


def test_long_lists_are_cut_and_say_so() -> None:
    n = MAX_LISTED + 5
    failures = dict.fromkeys(reversed(range(n)), ("empty", "is empty"))
    report = build_report(
        columns_of(healthy(n), failures=failures), about=ABOUT, left_out=[("x", "y")] * n
    )
    for key in ("refused", "left_out"):
        assert (len(report[key]["files"]), report[key]["not_listed"]) == (MAX_LISTED, 5)
    assert [f["clip"] for f in report["refused"]["files"][:3]] == [0, 1, 2]


def test_names_are_such_as_can_be_shown_and_written() -> None:
    health = healthy(3, dc=0.5)
    names = ["a\nb.wav", "\udcff.wav", "é.wav"]
    report = report_of(health, name=names.__getitem__, failures={1: ("empty", "\x07")})
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    text.encode("utf-8")
    row = next(row for row in report["findings"] if row["finding"] == "dc-offset")
    assert [e["file"] for e in row["examples"]] == [r"a\nb.wav", "é.wav"]
    assert report["refused"]["files"][0]["file"] == r"\udcff.wav"


def test_the_same_clips_make_the_same_text() -> None:
    health = healthy(50, dc=np.linspace(0, 0.5, 50), sample_rate=[8000, 16000] * 25)
    failures = {7: ("empty", "a"), 3: ("damaged", "b")}
    other_order = dict(reversed(failures.items()))
    first = json.dumps(report_of(health, failures=failures))
    assert first == json.dumps(report_of(health.copy(), failures=other_order))


def test_leaks_are_taken_as_they_are() -> None:
    leaks = {"clusters_across": 0, "groups_across": 0, "labels_differ": 0, "pairs": [{"x": 1}]}
    assert build_report(columns_of(healthy(2)), about=ABOUT, leaks=leaks)["leaks"] == leaks
    assert report_of(healthy(2))["leaks"] is None


def test_nothing_has_a_sign() -> None:
    report = report_of(healthy(1, span=0.0, peak=-0.0))
    assert json.dumps(report["findings"][0]["examples"][0]["value"]) == "0.0"


def test_an_empty_set_has_a_report() -> None:
    report = report_of(healthy(0), labels=[], parts=[])
    assert report["clips"] == {"found": 0, "used": 0, "refused": 0, "left_out": 0}
    assert report["warnings"] == []


def test_very_many_clips_take_little_memory() -> None:
    n = 100_000
    columns = columns_of(
        healthy(n, dc=0.5, flat=0.1), label_of=np.arange(n) % 2, part_of=np.zeros(n)
    )
    tracemalloc.start()
    try:
        report = build_report(columns, about=ABOUT)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(json.dumps(report)) < 20_000
    assert peak < 250 * n

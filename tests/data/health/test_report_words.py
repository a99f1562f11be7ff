from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.health.report import Columns, build_report


def warnings_of(
    counts: Sequence[int],
    *,
    parts: Any = (),
    failures: Any = None,
    leaks: Any = None,
    **fields: Any,
) -> list[str]:
    """The warnings of a set with so many clips of the classes a, b, c, ..."""
    label_of = np.repeat(np.arange(len(counts)), counts)
    health = np.zeros(len(label_of), HEALTH)
    sound = {"duration_s": 1.0, "sample_rate": 8000, "n_channels": 1, "span": 1, "rms": 0.1}
    for name, value in {**sound, "mix_rms": 0.1, **fields}.items():
        health[name] = value
    columns = Columns(
        str,
        labels=[chr(ord("a") + i) for i in range(len(counts))],
        label_of=label_of,
        parts=[f"part {i}" for i in range(len(set(parts)))],
        part_of=parts if len(parts) else np.full(len(label_of), -1),
        health=health,
        failures=failures or {},
    )
    about = {"layout": "y", "split": "z"}
    return list(build_report(columns, about=about, leaks=leaks)["warnings"])


def test_parts_without_a_clip_are_named() -> None:
    about = {"layout": "y", "split": "z"}
    columns = Columns(
        str,
        labels=["a", "b"],
        label_of=np.repeat([0, 1], 10),
        parts=["fold 1", "fold 2", "fold 3"],
        part_of=np.tile([0, 2], 10),
        health=np.zeros(20, HEALTH),
        failures={},
    )
    warnings = build_report(columns, about=about, leaks=None)["warnings"]
    assert "no clip at all in fold 2: too few clips or groups for so many parts" in warnings


def test_nothing_is_said_of_a_set_that_is_fine() -> None:
    assert warnings_of([40, 30]) == []
    assert warnings_of([10, 99]) == []


@pytest.mark.parametrize(
    ("counts", "fields", "expected"),
    [
        ([40, 3], {}, ["fewer than 10 clips, too few to learn from: b (3)", "13 times"]),
        ([40, 0], {}, ["no usable clip at all: b"]),
        ([120, 12], {}, ["a has 10 times as many clips as b (120 and 12)"]),
        ([10, 1000], {}, ["b has 100 times as many clips as a (1,000 and 10)"]),
        ([9] * 7, {}, ["a (9), b (9), c (9), d (9), e (9) and 2 more"]),
        (
            [20, 20],
            {"failures": {0: ("empty", "?"), 1: ("damaged", "?"), 2: ("empty", "?")}},
            ["3 of 40 clips (7.5 %) cannot be used: 1 damaged, 2 empty"],
        ),
        ([20, 20], {"parts": [0] * 19 + [1] + [0] * 20}, ["no clip in part 1: b"]),
        (
            [20, 20],
            {"sample_rate": [8000] * 20 + [16_000] * 19 + [44_100]},
            ["the sample rate alone tells the class", "a (8,000 Hz), b (16,000 Hz, 44,100 Hz)"],
        ),
        (
            [50, 50],
            {"flat": [0.5] + [0.0] * 99, "peak": 1.0},
            ["clipped: 1 of 100 clips (1.0 %); flat tops"],
        ),
        (
            [500, 500],
            {"span": [0.0] + [1.0] * 999},
            ["silent: 1 of 1,000 clips (0.1 %)"],
        ),
    ],
)
def test_what_stands_out_is_said_in_words(
    counts: list[int], fields: dict[str, Any], expected: list[str]
) -> None:
    lines = warnings_of(counts, **fields)
    assert len(lines) == (2 if "times" in expected[-1] and len(expected) > 1 else 1)
    for text in expected:
        assert text in " | ".join(lines)


def test_few_clips_with_a_small_fault_are_left_to_the_table() -> None:
    assert warnings_of([500, 500], flat=[0.5] + [0.0] * 999, peak=1.0) == []


def test_a_rate_that_two_classes_share_tells_nothing() -> None:
    rates = [8000] * 20 + [8000] * 10 + [16_000] * 10
    assert warnings_of([20, 20], sample_rate=rates) == []
    assert warnings_of([20], sample_rate=8000) == []


def test_leaks_come_first(leaks: dict[str, Any]) -> None:
    assert warnings_of([20, 9], leaks=leaks) == [
        "leak: 1 sound in more than one part of the split, as copies (2 clips): a model is tested "
        "on what it was trained on",
        "leak: 1 group in more than one part of the split (4 clips)",
        "1 sound with copies under different labels",
        "fewer than 10 clips, too few to learn from: b (9)",
    ]
    leaks.update(clusters_across=0, groups_across=0, labels_differ=0)
    assert warnings_of([20, 20], leaks=leaks) == []

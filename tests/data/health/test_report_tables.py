from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.health.report import Columns, build_report
from wsnet_cli.data.health.report_tables import MAX_ROWS, class_table, finding_table, leak_table


def make_report(n_classes: int = 2) -> dict[str, Any]:
    n = 4 * n_classes
    health = np.zeros(n, HEALTH)
    sound = {"duration_s": 90.0, "sample_rate": 8000, "n_channels": 1, "span": 1, "rms": 0.1}
    for name, value in {**sound, "mix_rms": 0.1, "peak": 1.0}.items():
        health[name] = value
    health["flat"][2] = 0.0125
    health["dc"][3] = -0.25
    columns = Columns(
        "clip{}.wav".format,
        labels=[f"class {i}" for i in range(n_classes)],
        label_of=np.arange(n) % n_classes,
        parts=["train", "test"],
        part_of=[0, 0, 0, *[1] * (n - 4), -1],
        health=health,
        failures={1: ("empty", "is empty (0 bytes)")},
    )
    return build_report(columns, about={"layout": "y", "split": "z"})


def test_classes_by_parts() -> None:
    headings, rows = class_table(make_report())
    assert headings == ["class", "train", "test", "clips", "minutes"]
    assert rows == [
        ["class 0", "2", "2", "4", "6.0"],
        ["class 1", "0", "2", "3", "4.5"],
        ["all", "2", "4", "7", "10.5"],
    ]


def test_very_many_classes_do_not_fill_the_screen() -> None:
    headings, rows = class_table(make_report(MAX_ROWS + 7))
    assert len(rows) == MAX_ROWS + 2
    assert rows[-2] == ["and 7 more", "", "", "", ""]
    assert rows[-1][0] == "all"
    assert {len(row) for row in rows} == {len(headings)}


def test_findings_with_the_worst_clip_of_each() -> None:
    headings, rows = finding_table(make_report())
    assert headings == ["finding", "clips", "for example"]
    assert rows == [
        ["refused: empty", "1", "clip1.wav: is empty (0 bytes)"],
        ["clipped", "1", "clip2.wav (1.25 % of all samples)"],
        ["dc-offset", "1", "clip3.wav (-0.25 offset)"],
    ]


def test_a_kind_whose_files_are_not_listed_still_counts() -> None:
    report = make_report()
    report["refused"]["files"] = []
    assert finding_table(report)[1][0] == ["refused: empty", "1", ""]


def test_leaks_with_one_of_each(leaks: dict[str, Any]) -> None:
    headings, rows = leak_table({"leaks": leaks})
    near = "2.wav (train), 4.wav (test): near, correlation 0.97"
    assert headings == ["leak", "found", "for example"]
    assert rows == [
        ["copies across parts", "1", near],
        ["groups across parts", "1", "anna: 3 in train, 1 in test"],
        ["copies under two labels", "1", "0.wav (train, cat), 1.wav (train, dog): identical"],
        ["copies in all", "2", near],
    ]


def test_copies_across_parts_by_way_of_a_third_have_no_pair_to_show(leaks: dict[str, Any]) -> None:
    leaks["pairs"] = [pair for pair in leaks["pairs"] if not pair["across"]]
    assert leak_table({"leaks": leaks})[1][0] == ["copies across parts", "1", ""]


def test_no_leaks_no_rows(leaks: dict[str, Any]) -> None:
    assert leak_table({"leaks": None})[1] == []
    nothing = {key: [] if isinstance(value, list) else 0 for key, value in leaks.items()}
    assert leak_table({"leaks": nothing})[1] == []


@pytest.mark.parametrize("cell", ["class 0", "clip2.wav (1.25 % of all samples)"])
def test_every_cell_is_text(cell: str) -> None:
    report = make_report()
    cells = [c for _, rows in (class_table(report), finding_table(report)) for r in rows for c in r]
    assert cell in cells
    assert all(isinstance(c, str) for c in cells)

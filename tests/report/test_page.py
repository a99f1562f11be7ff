from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_outline import Outline

from wsnet_cli.data.copies.duplicates import Duplicate
from wsnet_cli.data.copies.leaks import MAX_PAIRS, Sides, leak_report
from wsnet_cli.data.health.meter import HEALTH, HealthMeter
from wsnet_cli.data.health.report import Columns, build_report
from wsnet_cli.report.page import MAX_DRAWN, MAX_LINES, render, write_page

NASTY = [
    "<script>alert(1)</script>.wav",
    "a\nb\x00\x1b[31m.wav",
    '"><img src=x onerror=alert(1)>.wav',
    "{{ 7*7 }}{% raw %}.wav",
    "gnp.\u202ewav",
    "\udcff.wav",
    "é " + "long" * 60 + ".wav",
]


def measured(samples: Any) -> Any:
    meter = HealthMeter()
    meter.add(np.asarray(samples, np.float32)[:, None])
    return meter.record(8000, 1)


@pytest.fixture
def report() -> dict[str, Any]:
    """Nasty names as files, classes, parts and reasons; every clip silent."""
    n = len(NASTY)
    health = np.array([measured(np.zeros(800))] * n, HEALTH)
    failures = {n - 1: ("damaged", "<b>bold</b>\nreason")}
    columns = Columns(
        NASTY.__getitem__,
        labels=["<i>class</i>", "b & c"],
        label_of=[i % 2 for i in range(n)],
        parts=["train", "<u>test</u>"],
        part_of=[i % 2 for i in range(n)],
        health=health,
        failures=failures,
    )
    about = {"layout": "<h1>class</h1> folders", "split": "seeded"}
    return build_report(columns, about=about, left_out=[("<s>.txt", "not\taudio")])


def sine(_clip: int) -> Iterator[Any]:
    return iter([np.sin(np.arange(900, dtype=np.float32))])


def test_whatever_stands_in_a_name_is_text(report: dict[str, Any]) -> None:
    page = render(report, sine)
    outline = Outline(page)
    assert not {"script", "img", "b", "i", "u", "s"} & set(outline.tags)
    assert outline.tags.count("h1") == 1
    for name in NASTY[:1] + NASTY[2:4]:
        assert name in outline.text
    for shown in (r"a\nb\x00\x1b[31m.wav", r"gnp.\u202ewav", r"\udcff.wav", r"bold</b>\nreason"):
        assert shown in outline.text
    assert all(sign.isprintable() or sign == "\n" for sign in page)
    assert not [name for _tag, name, _value in outline.attributes if name.startswith("on")]


def test_names_that_nobody_cleaned_are_cleaned_here(report: dict[str, Any]) -> None:
    report["refused"]["files"][0]["file"] = "a\x1b[2J\n<script>"
    report["warnings"] = ["<script>\x07"]
    outline = Outline(render(report))
    assert "script" not in outline.tags
    assert r"a\x1b[2J\n<script>" in outline.text
    assert r"<script>\x07" in outline.text


def test_the_page_needs_nothing_from_elsewhere(report: dict[str, Any]) -> None:
    outline = Outline(render(report, sine))
    assert not {"link", "script", "img", "iframe", "object", "a"} & set(outline.tags)
    assert not [a for a in outline.attributes if a[1] in ("src", "href", "style")]
    policy = [v for _t, name, v in outline.attributes if name == "content" and "none" in str(v)]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "url(" not in render(report)


def test_the_page_can_be_read_aloud(report: dict[str, Any]) -> None:
    outline = Outline(render(report, sine))
    assert ("html", "lang", "en") in outline.attributes
    assert outline.tags.count("table") == outline.tags.count("caption") >= 5
    n_headings = sum(1 for tag, name, _v in outline.attributes if (tag, name) == ("th", "scope"))
    assert n_headings == outline.tags.count("th")
    hidden = sum(1 for tag, name, _v in outline.attributes if (tag, name) == ("svg", "aria-hidden"))
    assert hidden == outline.tags.count("svg") > 10  # all numbers stand beside as text


def test_the_same_report_makes_the_same_bytes(report: dict[str, Any], tmp_path: Path) -> None:
    write_page(report, tmp_path / "a.html", sine)
    write_page(report, tmp_path / "b.html", sine)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_bytes().startswith(b"<!DOCTYPE html>\n<html lang")
    assert str(tmp_path) not in (tmp_path / "a.html").read_text("utf-8")


def test_the_worst_clips_are_drawn_and_no_more(report: dict[str, Any]) -> None:
    asked: list[int] = []

    def waveform(clip: int) -> Iterator[Any] | None:
        asked.append(clip)
        return None if clip == 1 else sine(clip)

    page = render(report, waveform)
    silent = next(row for row in report["findings"] if row["finding"] == "silent")
    assert asked == [example["clip"] for example in silent["examples"][:MAX_DRAWN]]
    assert page.count('class="wave"') == MAX_DRAWN - asked.count(1)


def test_the_numbers_of_the_report_stand_on_the_page(report: dict[str, Any]) -> None:
    text = " ".join(Outline(render(report)).text.split())
    assert "clips found 7 used 6 refused 1 classes 2" in text
    assert "silent: 6 clips (100.0 %)" in text
    assert "Looked for and not found: nearly-silent, clipped," in text
    assert "0.1 to below 0.15" in text
    assert "8,000" in text


def test_bars_are_as_long_as_their_numbers(report: dict[str, Any]) -> None:
    report["classes"][0].update(clips=10)  # 3 in train, none in test, 7 in neither
    page = render(report)
    assert '<rect class="p0" x="0.00%" width="30.00%" height="100%"/>' in page
    assert '<rect class="rest" x="30.00%" width="70.00%" height="100%"/>' in page
    assert '<rect class="p1" x="0.00%" width="30.00%" height="100%"/>' in page  # the other class


def test_leaks_stand_on_the_page_in_words_and_tables(report: dict[str, Any]) -> None:
    n = 2 * MAX_PAIRS + 10
    pairs = [Duplicate(i, i + n // 2, "near", 0.9, 0.0) for i in range(n // 2)]
    sides = Sides(
        name=lambda i: f"<b>{i}</b>.wav",
        parts=("train", "<i>test</i>"),
        part_of=[0] * (n // 2) + [1] * (n // 2),
        labels=("cat", "dog"),
        label_of=[0] * (n - 1) + [1],
        groups=("<u>anna</u>",),
        group_of=[0] * n,
    )
    report["leaks"] = leak_report(pairs, sides)
    outline = Outline(render(report))
    text = " ".join(outline.text.split())
    assert "105 sounds as copies (210 clips), 1 group (210 clips)" in text
    assert "105 sounds with copies: 0 identical and 105 near pairs" in text
    assert "<b>0</b>.wav train <b>105</b>.wav <i>test</i> near, correlation 0.90, across" in text
    assert "train and <i>test</i> 105" in text
    assert "And 5 more pairs." in text
    assert "<u>anna</u>: 105 in train, 105 in <i>test</i>" in text
    assert not {"b", "i", "u"} & set(outline.tags)


def test_a_split_without_leaks_is_said_to_have_none(report: dict[str, Any]) -> None:
    sides = Sides(str, ("train",), [0], ("cat",), [0], (), [-1])
    report["leaks"] = leak_report([], sides)
    assert "No copy of a sound and no group stands in more" in Outline(render(report)).text
    report["leaks"] = None
    assert "Leaks" not in Outline(render(report)).text


def test_long_lists_end_with_how_many_there_are_more(report: dict[str, Any]) -> None:
    entry = report["refused"]["files"][0]
    report["refused"]["files"] = [entry] * (MAX_LINES + 50)
    report["clips"]["refused"] = MAX_LINES + 1_234
    assert "And 1,234 more." in Outline(render(report)).text


def test_a_set_without_a_usable_clip_has_a_page() -> None:
    columns = Columns(str, [], [0], [], [-1], np.zeros(1, HEALTH), {0: ("empty", "is empty")})
    report = build_report(columns, about={"layout": "folders", "split": ""})
    text = Outline(render(report)).text
    assert "No clip can be used." in text
    assert "is empty" in text


def test_what_is_missing_from_a_report_is_an_error_and_no_gap(report: dict[str, Any]) -> None:
    del report["duration"]["median_s"]
    with pytest.raises(Exception, match="median_s"):
        render(report)


def test_without_jinja2_the_import_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from wsnet_cli.cli.shared.light import HEAVY_PACKAGES, explain_missing

    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "wsnet_cli.report.page")
    with pytest.raises(ModuleNotFoundError) as caught:
        from wsnet_cli.report.page import write_page  # noqa: F401
    assert caught.value.name in HEAVY_PACKAGES
    assert "jinja2" in explain_missing("jinja2")

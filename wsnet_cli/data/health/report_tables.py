"""The health report as short tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_ROWS = 40
"""Classes that are shown; a terminal is no place for more."""

Table = tuple[list[str], list[list[str]]]
"""Headings, and rows of cells."""


def class_table(report: Mapping[str, Any]) -> Table:
    """Return classes by parts: clips and minutes of each, and a last row for all of them."""
    parts = [row["part"] for row in report["parts"]]
    rows = [
        [
            row["label"],
            *(_amount(row["parts"][part]) for part in parts),
            f"{row['clips']:,}",
            _minutes(row["duration_s"]),
        ]
        for row in report["classes"][:MAX_ROWS]
    ]
    if (n_more := len(report["classes"]) - MAX_ROWS) > 0:
        rows.append([f"and {n_more:,} more", *("" for _ in parts), "", ""])
    total = (f"{report['clips']['used']:,}", _minutes(report["duration"]["total_s"]))
    rows.append(["all", *(_amount(row) for row in report["parts"]), *total])
    return ["class", *parts, "clips", "minutes"], rows


def finding_table(report: Mapping[str, Any]) -> Table:
    """Return what was found and refused: how many clips, and which is the worst."""
    rows = [
        [f"refused: {kind}", f"{n:,}", _first_of(report, kind)]
        for kind, n in report["refused"]["kinds"].items()
    ]
    rows += [
        [row["finding"], f"{row['clips']:,}", example_text(row["examples"][0], row["unit"])]
        for row in report["findings"]
        if row["clips"]
    ]
    return ["finding", "clips", "for example"], rows


def leak_table(report: Mapping[str, Any]) -> Table:
    """Return what stands on both sides of the split, and copies: how many, and one of each."""
    leaks = report["leaks"] or {}
    across = [pair for pair in leaks.get("pairs", ()) if pair["across"]]
    unlike = [pair for pair in leaks.get("pairs", ()) if differs(pair)]
    found = (
        ("copies across parts", "clusters_across", [pair_text(pair) for pair in across]),
        ("groups across parts", "groups_across", [group_text(g) for g in leaks.get("groups", ())]),
        ("copies under two labels", "labels_differ", [pair_text(pair) for pair in unlike]),
        ("copies in all", "clusters", [pair_text(pair) for pair in leaks.get("pairs", ())]),
    )
    rows = [
        [what, f"{leaks[key]:,}", next(iter(examples), "")]
        for what, key, examples in found
        if leaks.get(key)
    ]
    return ["leak", "found", "for example"], rows


def differs(pair: Mapping[str, Any]) -> bool:
    """Whether the clips of a pair have different labels."""
    first, second = (clip["label"] for clip in pair["clips"])
    return bool(first != second)


def pair_text(pair: Mapping[str, Any]) -> str:
    """Return a pair of copies as text: both clips with what tells them apart, and how alike.

    >>> clips = [{"file": "a.wav", "part": "train"}, {"file": "b.wav", "part": None}]
    >>> labels = {"label": "dog"}
    >>> pair = {"clips": [c | labels for c in clips], "kind": "near", "correlation": 0.97}
    >>> pair_text(pair)
    'a.wav (train), b.wav (in no part): near, correlation 0.97'
    """
    with_labels = differs(pair)
    clips = ", ".join(
        f"{clip['file']} ({clip['part'] or 'in no part'}"
        + (f", {clip['label']})" if with_labels else ")")
        for clip in pair["clips"]
    )
    return f"{clips}: {alike_text(pair)}"


def alike_text(pair: Mapping[str, Any]) -> str:
    """Return how alike two copies are."""
    if pair["kind"] == "identical":
        return "identical"
    return f"{pair['kind']}, correlation {pair['correlation']:.2f}"


def group_text(group: Mapping[str, Any]) -> str:
    """Return a group with its clips in each part."""
    parts = ", ".join(f"{row['clips']:,} in {row['part']}" for row in group["parts"])
    return f"{group['group']}: {parts}"


def example_text(example: Mapping[str, Any], unit: str) -> str:
    """Return an example with its value, shares in percent.

    >>> example_text({"file": "a.wav", "value": 0.0125}, "of all samples")
    'a.wav (1.25 % of all samples)'
    """
    return f"{example['file']} ({value_text(example['value'], unit)})"


def value_text(value: float, unit: str) -> str:
    """Return the value of a finding with its unit."""
    return f"{100 * value:.3g} % {unit}" if unit.startswith("of ") else f"{value:.3g} {unit}"


def _first_of(report: Mapping[str, Any], kind: str) -> str:
    for entry in report["refused"]["files"]:
        if entry["kind"] == kind:
            return f"{entry['file']}: {entry['reason']}"
    return ""


def _amount(cell: Mapping[str, Any]) -> str:
    return f"{cell['clips']:,}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f}"

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

"""What a health report says in words: what someone should know before training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.counting import plural

FEW_CLIPS = 10
"""Fewer clips of a class than this: held out, a fifth of them are one or two, which measure
nothing."""

IMBALANCE = 10.0
"""Largest class over smallest; from here on a classifier that never says the smallest class is
still right ten times out of eleven."""

NAMED = 5
"""Classes that one line names."""

WARN_SHARE = 0.01
"""Of all clips; what fewer have stands in the table alone."""

_ALWAYS = ("silent", "cancels", "cut-off")  # such a clip may hold nothing of its class


def warnings_for(report: Mapping[str, Any], rates_by_class: Mapping[str, set[int]]) -> list[str]:
    """Return the warnings of a report, one line each, the gravest first.

    Args:
        report: all its other keys.
        rates_by_class: the sample rates that occur in each class that has clips.
    """
    return [
        *_leaks(report["leaks"]),
        *_refusals(report),
        *_class_sizes(report),
        *_missing_parts(report),
        *_telling_rates(rates_by_class),
        *_finding_shares(report),
    ]


def _leaks(leaks: Mapping[str, Any] | None) -> list[str]:
    if leaks is None:
        return []
    lines = []
    if n := leaks["clusters_across"]:
        lines.append(
            f"leak: {plural(n, 'sound')} in more than one part of the split, as copies "
            f"({leaks['clips_across']:,} clips): a model is tested on what it was trained on"
        )
    if n := leaks["groups_across"]:
        lines.append(
            f"leak: {plural(n, 'group')} in more than one part of the split "
            f"({leaks['group_clips_across']:,} clips)"
        )
    if n := leaks["labels_differ"]:
        lines.append(f"{plural(n, 'sound')} with copies under different labels")
    return lines


def _refusals(report: Mapping[str, Any]) -> list[str]:
    clips, kinds = report["clips"], report["refused"]["kinds"]
    if not clips["refused"]:
        return []
    which = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    return [f"{_of(clips['refused'], clips['found'])} cannot be used: {which}"]


def _class_sizes(report: Mapping[str, Any]) -> list[str]:
    counts = {row["label"]: row["clips"] for row in report["classes"]}
    lines = []
    if empty := [label for label, n in counts.items() if n == 0]:
        lines.append(f"no usable clip at all: {_named(empty)}")
    if few := [f"{label} ({n})" for label, n in counts.items() if 0 < n < FEW_CLIPS]:
        lines.append(f"fewer than {FEW_CLIPS} clips, too few to learn from: {_named(few)}")
    present = {label: n for label, n in counts.items() if n}
    if present:
        most, least = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
        ratio = present[most] / present[least]
        if ratio >= IMBALANCE:
            lines.append(
                f"{most} has {ratio:,.0f} times as many clips as {least} "
                f"({present[most]:,} and {present[least]:,})"
            )
    return lines


def _missing_parts(report: Mapping[str, Any]) -> list[str]:
    sizes = {row["part"]: row["clips"] for row in report["parts"]}
    lines = []
    if any(sizes.values()) and (empty := [part for part, n in sizes.items() if not n]):
        lines.append(
            f"no clip at all in {_named(empty)}: too few clips or groups for so many parts"
        )
    for row in report["parts"]:
        part = row["part"]
        missing = [
            c["label"] for c in report["classes"] if c["clips"] and not c["parts"][part]["clips"]
        ]
        if missing and row["clips"]:
            lines.append(f"no clip in {part}: {_named(missing)}")
    return lines


def _telling_rates(rates_by_class: Mapping[str, set[int]]) -> list[str]:
    """Name classes whose sample rates no other class has: the rate then tells the class."""
    n_classes: dict[int, int] = {}
    for rates in rates_by_class.values():
        for rate in rates:
            n_classes[rate] = n_classes.get(rate, 0) + 1
    alone = [
        f"{label} ({', '.join(f'{r:,} Hz' for r in sorted(rates))})"
        for label, rates in rates_by_class.items()
        if all(n_classes[rate] == 1 for rate in rates)
    ]
    if not alone or len(rates_by_class) < 2:
        return []
    return [f"the sample rate alone tells the class, as no other class has it: {_named(alone)}"]


def _finding_shares(report: Mapping[str, Any]) -> list[str]:
    n_used = report["clips"]["used"]
    return [
        f"{row['finding']}: {_of(row['clips'], n_used)}; {row['meaning']}"
        for row in report["findings"]
        if row["clips"] and (row["finding"] in _ALWAYS or row["share"] >= WARN_SHARE)
    ]


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {plural(whole, 'clip')} ({100 * part / whole:.1f} %)"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

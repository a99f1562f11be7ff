"""The health report of a data set: one document, the same for the same clips.

It holds no date, no host and no absolute path. Its keys are listed in docs/outputs.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.quoting import shown
from .findings import FINDINGS, Records, judge
from .report_words import warnings_for

MAX_EXAMPLES = 20
"""Clips that are named for one finding, the worst first."""

MAX_LISTED = 1_000
"""Refused files, and entries left out, that are listed each: at 200 bytes a line 0.2 MB."""

_MANTISSAS = (
    1.0,
    1.5,
    2.0,
    3.0,
    5.0,
    7.0,
)  # of bounds of a histogram: readable, nearly equal steps

Ints = npt.ArrayLike
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """What a report is made of: the clips of a data set in columns, all in one order.

    Attributes:
        name: a clip's name by its index, relative to the data set.
        labels: the classes.
        label_of: for each clip, its class as an index, [n]; with `members`, a row of these.
        parts: the parts of the split, or folds.
        part_of: for each clip, its part as an index, -1 where it is in none, [n].
        health: HEALTH [n]; not looked at where the clip failed.
        failures: kind (of core.errors.AUDIO_FAULTS) and reason by index, of clips that cannot be
            used.
        members: in a multi-label set, which classes each label names, [n_labels, n_classes].
    """

    name: Callable[[int], str]
    labels: Sequence[str]
    label_of: Ints
    parts: Sequence[str]
    part_of: Ints
    health: Records
    failures: Mapping[int, tuple[str, str]]
    members: npt.NDArray[np.bool_] | None = None


def build_report(
    columns: Columns,
    *,
    about: Mapping[str, str],
    left_out: Sequence[tuple[str, str]] = (),
    leaks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Assemble the health report of a data set.

    Takes a few hundred bytes a clip while it works; what it returns is bounded by MAX_LISTED,
    MAX_EXAMPLES and the numbers of classes, parts, sample rates and channel counts.

    Args:
        columns: the clips.
        about: words about the data set: `layout`, and `split`, how it was split.
        left_out: name and reason of what was found and deliberately not taken; no clip.
        leaks: the leak report, taken as it is; None where none was made.

    Returns: a document for JSON, sorted.
    """
    n = len(columns.health)
    used = np.ones(n, np.bool_)
    used[list(columns.failures)] = False
    kept = np.flatnonzero(used)
    health = columns.health[kept]
    pairs = _class_pairs(columns, kept)
    parts = np.asarray(columns.part_of, np.int64).reshape(n)[kept]
    report: dict[str, Any] = {
        "data": dict(about),
        "clips": {
            "found": n,
            "used": len(kept),
            "refused": len(columns.failures),
            "left_out": len(left_out),
        },
        "duration": _durations(health["duration_s"]),
        "classes": _classes(columns, pairs, parts, health["duration_s"]),
        "parts": [
            {"part": shown(part), **_amount(parts == i, health["duration_s"])}
            for i, part in enumerate(columns.parts)
        ],
        "rates": _table(health["sample_rate"], "sample_rate"),
        "channels": _table(health["n_channels"], "n_channels"),
        "findings": _findings(columns, kept, health),
        "refused": _refused(columns),
        "left_out": _listed([{"file": shown(f), "reason": shown(r)} for f, r in left_out]),
        "leaks": None if leaks is None else dict(leaks),
    }
    return {**report, "warnings": warnings_for(report, _rates_by_class(columns, pairs, health))}


def _class_pairs(columns: Columns, kept: Places) -> tuple[Places, Places]:
    """For each class of each clip that is kept, its place among these, and the class."""
    labels = np.asarray(columns.label_of, np.int64).reshape(len(columns.health))[kept]
    if columns.members is None:
        return np.arange(len(kept)), labels
    places, classes = np.nonzero(columns.members[labels])
    return places, classes


def _durations(seconds: npt.NDArray[np.float64]) -> dict[str, Any]:
    if not len(seconds):
        return {"total_s": 0.0, "shortest_s": None, "median_s": None, "longest_s": None, "bins": []}
    return {
        "total_s": _rounded(seconds.sum()),
        "shortest_s": _rounded(seconds.min()),
        "median_s": _rounded(np.median(seconds)),
        "longest_s": _rounded(seconds.max()),
        "bins": _bins(seconds),
    }


def _bins(seconds: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """How many clips last how long, from the first bin that has one to the last."""
    bounds = np.array([float(f"{m}e{e}") for e in range(-6, 9) for m in _MANTISSAS])
    places = np.clip(np.searchsorted(bounds, seconds, side="right") - 1, 0, len(bounds) - 2)
    counts = np.bincount(places)
    first = int(places.min())
    return [
        {"from_s": float(bounds[i]), "below_s": float(bounds[i + 1]), "clips": int(counts[i])}
        for i in range(first, len(counts))
    ]


def _classes(
    columns: Columns,
    pairs: tuple[Places, Places],
    parts: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.float64],
) -> list[dict[str, Any]]:
    places, labels = pairs
    parts, seconds = parts[places], seconds[places]
    n_parts = len(columns.parts) + 1  # the last is that of no part
    cells = labels * n_parts + np.where(parts < 0, n_parts - 1, parts)
    shape = (len(columns.labels), n_parts)
    clips = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    lengths = np.bincount(cells, seconds, minlength=shape[0] * shape[1]).reshape(shape)
    return [
        {
            "label": shown(label),
            "clips": int(clips[i].sum()),
            "duration_s": _rounded(lengths[i].sum()),
            "parts": {
                shown(part): {"clips": int(clips[i, j]), "duration_s": _rounded(lengths[i, j])}
                for j, part in enumerate(columns.parts)
            },
        }
        for i, label in enumerate(columns.labels)
    ]


def _amount(chosen: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {"clips": int(chosen.sum()), "duration_s": _rounded(seconds[chosen].sum())}


def _table(values: npt.NDArray[Any], key: str) -> list[dict[str, Any]]:
    different, counts = np.unique(values, return_counts=True)
    return [{key: int(v), "clips": int(n)} for v, n in zip(different, counts, strict=True)]


def _findings(
    columns: Columns, kept: npt.NDArray[np.int64], health: Records
) -> list[dict[str, Any]]:
    masks = judge(health)
    found = []
    for bit, finding in enumerate(FINDINGS):
        mine = np.flatnonzero(masks >> bit & 1)
        values = health[finding.field][mine]
        order = np.argsort(-finding.worst * np.abs(values), kind="stable")[:MAX_EXAMPLES]
        found.append(
            {
                "finding": finding.name,
                "meaning": finding.meaning,
                "clips": len(mine),
                "share": _rounded(len(mine) / len(kept), 6) if len(kept) else 0.0,
                "unit": finding.unit,
                "examples": [
                    {
                        "clip": int(kept[mine[i]]),
                        "file": shown(columns.name(int(kept[mine[i]]))),
                        "value": _rounded(values[i], 6),
                    }
                    for i in order
                ],
            }
        )
    return found


def _refused(columns: Columns) -> dict[str, Any]:
    kinds = Counter(kind for kind, _reason in columns.failures.values())
    files = [
        {
            "clip": index,
            "file": shown(columns.name(index)),
            "kind": columns.failures[index][0],
            "reason": shown(columns.failures[index][1]),
        }
        for index in sorted(columns.failures)[:MAX_LISTED]
    ]
    listed = {"files": files, "not_listed": len(columns.failures) - len(files)}
    return {"kinds": dict(sorted(kinds.items())), **listed}


def _listed(files: list[dict[str, str]]) -> dict[str, Any]:
    return {"files": files[:MAX_LISTED], "not_listed": max(0, len(files) - MAX_LISTED)}


def _rates_by_class(
    columns: Columns, pairs: tuple[Places, Places], health: Records
) -> dict[str, set[int]]:
    places, labels = pairs
    rates = health["sample_rate"].astype(np.int64)[places]
    different = np.unique(np.stack([labels, rates], axis=1), axis=0)
    found: dict[str, set[int]] = {}
    for label, rate in different.tolist():
        found.setdefault(shown(columns.labels[label]), set()).add(rate)
    return found


def _rounded(value: Any, places: int = 3) -> float:
    return round(float(value), places) + 0.0  # no -0.0

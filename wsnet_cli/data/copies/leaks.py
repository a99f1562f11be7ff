"""The leak report: what stands on both sides of a split and should not.

A model that has heard a clip, a copy of it, or more of the same recording is not tested by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.quoting import shown
from .duplicates import Clusters, Duplicate

MAX_PAIRS = 100
"""The report lists no more pairs than this, those across parts first, the closest first."""

MAX_GROUPS = 100
"""The report lists no more groups than this, the largest first."""

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Sides:
    """Where the clips of a data set stand.

    Attributes:
        name: gives a clip's name by its number.
        parts: names of the parts of the split, or of the folds.
        part_of: for each clip an index into `parts`, or -1.
        labels: names of the classes.
        label_of: for each clip an index into `labels`, or -1.
        groups: names of the groups (recordings, speakers).
        group_of: for each clip an index into `groups`, or -1.
    """

    name: Callable[[int], str]
    parts: Sequence[str]
    part_of: Sequence[int] | NDArray[np.integer[Any]]
    labels: Sequence[str]
    label_of: Sequence[int] | NDArray[np.integer[Any]]
    groups: Sequence[str]
    group_of: Sequence[int] | NDArray[np.integer[Any]]


def leak_report(pairs: Sequence[Duplicate], sides: Sides) -> dict[str, Any]:
    """Assemble the leak report; docs/leaks.md lists its keys.

    Clips in no part are left out of everything that is said about parts. All counts are complete;
    lists are cut at `MAX_PAIRS` and `MAX_GROUPS`.

    Args:
        pairs: as `duplicates.find_duplicates` returns them: every clip of a cluster is linked to
            the others, few pairs are redundant.
        sides: where the clips stand.

    Returns: a document for JSON; the same for the same arguments.
    """
    part_of, label_of, group_of = (
        np.asarray(column, np.int32) for column in (sides.part_of, sides.label_of, sides.group_of)
    )
    cluster_of = _clusters(pairs, len(part_of))
    n_clusters = int(cluster_of.max(initial=-1)) + 1
    across = _spread(cluster_of, n_clusters, part_of)
    groups_across = _spread(group_of, len(sides.groups), part_of)
    return {
        "identical": sum(pair.kind == "identical" for pair in pairs),
        "near": sum(pair.kind == "near" for pair in pairs),
        "clusters": n_clusters,
        "clips": int((cluster_of >= 0).sum()),
        "clusters_across": int(across.sum()),
        "clips_across": int(across[cluster_of[cluster_of >= 0]].sum()),
        "labels_differ": int(_spread(cluster_of, n_clusters, label_of).sum()),
        "between": _between(cluster_of, part_of, sides.parts),
        "pairs": list(_pairs(pairs, sides)),
        "pairs_not_listed": max(0, len(pairs) - MAX_PAIRS),
        "groups_across": int(groups_across.sum()),
        "group_clips_across": int(groups_across[group_of[group_of >= 0]].sum()),
        "groups": list(_groups(groups_across, group_of, part_of, sides)),
        "groups_not_listed": max(0, int(groups_across.sum()) - MAX_GROUPS),
    }


def _clusters(pairs: Sequence[Duplicate], n_clips: int) -> Numbers:
    """Return the cluster of each clip, numbered by their first clips; -1 = no copy."""
    clusters = Clusters(n_clips)
    for pair in pairs:
        clusters.join(pair.first, pair.second)
    members = sorted({clip for pair in pairs for clip in (pair.first, pair.second)})
    firsts = np.array([clusters.first(clip) for clip in members], np.int32)
    cluster_of = np.full(n_clips, -1, np.int32)
    cluster_of[members] = np.unique(firsts, return_inverse=True)[1]
    return cluster_of


def _spread(unit_of: Numbers, n_units: int, side_of: Numbers) -> NDArray[np.bool_]:
    """Tell of each unit whether its clips stand on more sides than one."""
    known = (unit_of >= 0) & (side_of >= 0)
    units, sides = unit_of[known], side_of[known]
    lowest = np.full(n_units, np.iinfo(np.int32).max)
    highest = np.full(n_units, -1)
    np.minimum.at(lowest, units, sides)
    np.maximum.at(highest, units, sides)
    spread: NDArray[np.bool_] = lowest < highest
    return spread


def _between(cluster_of: Numbers, part_of: Numbers, parts: Sequence[str]) -> list[dict[str, Any]]:
    """Return for every two parts how many clusters have clips in both, where there are any."""
    known = (cluster_of >= 0) & (part_of >= 0)
    present = np.zeros((int(cluster_of.max(initial=-1)) + 1, len(parts)), np.int32)
    present[cluster_of[known], part_of[known]] = 1
    common = np.triu(present.T @ present, 1)
    return [
        {"parts": [shown(parts[i]), shown(parts[j])], "clusters": int(common[i, j])}
        for i, j in np.argwhere(common).tolist()
    ]


def _pairs(pairs: Sequence[Duplicate], sides: Sides) -> Iterator[dict[str, Any]]:
    def order(pair: Duplicate) -> tuple[bool, float, int, int]:
        return not _is_across(pair, sides), -pair.correlation, pair.first, pair.second

    for pair in sorted(pairs, key=order)[:MAX_PAIRS]:
        clips = [_clip(number, sides) for number in (pair.first, pair.second)]
        yield {
            "clips": clips,
            "across": _is_across(pair, sides),
            "kind": pair.kind,
            "correlation": pair.correlation,
            "offset_s": pair.offset_s,
        }


def _is_across(pair: Duplicate, sides: Sides) -> bool:
    first, second = int(sides.part_of[pair.first]), int(sides.part_of[pair.second])
    return first != second and min(first, second) >= 0


def _clip(number: int, sides: Sides) -> dict[str, Any]:
    part, label = int(sides.part_of[number]), int(sides.label_of[number])
    return {
        "clip": number,
        "file": shown(sides.name(number)),
        "part": shown(sides.parts[part]) if part >= 0 else None,
        "label": sides.labels[label] if label >= 0 else None,
    }


def _groups(
    across: NDArray[np.bool_], group_of: Numbers, part_of: Numbers, sides: Sides
) -> Iterator[dict[str, Any]]:
    known = (group_of >= 0) & (part_of >= 0)
    sizes = np.bincount(group_of[known], minlength=len(across))
    of_them = np.flatnonzero(across)
    for group in of_them[np.argsort(-sizes[of_them], kind="stable")][:MAX_GROUPS].tolist():
        counts = np.bincount(part_of[known & (group_of == group)], minlength=len(sides.parts))
        yield {
            "group": shown(sides.groups[group]),
            "parts": [
                {"part": shown(sides.parts[part]), "clips": int(counts[part])}
                for part in np.flatnonzero(counts).tolist()
            ],
        }

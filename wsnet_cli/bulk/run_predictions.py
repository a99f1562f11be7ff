"""What a run said of its held-out clips, with the groups that older versions did not keep."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from ..core.files import explain_os_errors
from ..core.predictions import Predictions, read_predictions

SPLIT = "split.csv"

_Groups = dict[tuple[str, str, str, str], str]


def predictions_of_run(folder: Path) -> Predictions:
    """Read predictions.csv of a run; where it names no group, they are those of its split.csv.

    A split that is not there, or cannot be made out, gives no groups: each file is a recording.

    Raises:
        ArtifactError: there are no predictions, or they are damaged.
        FileError: the system refuses to read.
    """
    found = read_predictions(folder)
    if any(row.group is not None for row in found.rows):
        return found
    groups = _groups_of(folder)
    if not groups:
        return found
    rows = tuple(
        replace(row, group=groups.get((key.clip, key.start_s, key.end_s, key.content)))
        for row in found.rows
        for key in (row.key,)
    )
    return replace(found, rows=rows)


def _groups_of(folder: Path) -> _Groups:
    path = folder / SPLIT
    if not path.is_file():
        return {}
    try:
        with explain_os_errors("read", path), path.open(encoding="utf-8", newline="") as stream:
            return {
                (row["clip"], row["start_s"], row["end_s"], row["content"]): row["group"]
                for row in csv.DictReader(stream, strict=True)
                if row["group"]
            }
    except (ValueError, KeyError, csv.Error):
        return {}

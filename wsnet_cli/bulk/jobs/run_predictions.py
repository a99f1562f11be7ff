"""What a run said of its held-out clips, with the groups that older versions did not keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...core.measures.predictions import Predictions, read_predictions
from ...core.split_file import read_split_if_any


def predictions_of_run(folder: Path) -> Predictions:
    """Read predictions.csv of a run; where it names no group, they are those of its split.csv.

    A split that is not there, or cannot be made out, gives no groups: each file is a recording.

    Raises:
        ArtifactError: there are no predictions, or they are damaged.
        FileError: the system refuses to read them.
    """
    found = read_predictions(folder)
    if any(row.group is not None for row in found.rows):
        return found
    groups = {
        (*row.identity, row.content): row.group for row in read_split_if_any(folder) if row.group
    }
    if not groups:
        return found
    rows = tuple(
        replace(row, group=groups.get((key.clip, key.start_s, key.end_s, key.content)))
        for row in found.rows
        for key in (row.key,)
    )
    return replace(found, rows=rows)

"""What runs said of their held-out clips, one or several of them beside another or others."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import ArtifactError, DataError, UsageError
from ..core.files import explain_os_errors
from ..core.paired import Comparison, Right, compare
from ..core.predictions import PREDICTIONS, ClipKey, Prediction, read_predictions

RESULTS = "results.json"
"""What several runs together are known by."""


@dataclass(frozen=True)
class Answers:
    """Whether clips were classified right by each seed.

    Args:
        folder: of a run, or of several over folds and seeds.
        labels: of each clip, in order of name.
        right: [seeds, clips].
    """

    folder: Path
    labels: dict[ClipKey, str]
    right: Right


@dataclass(frozen=True)
class SideBySide:
    """Two sets of answers about the same clips, and their comparison."""

    first: Answers
    second: Answers
    comparison: Comparison

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        found = self.comparison
        clips = list(self.first.labels.items())
        changed = [*found.first_better.tolist(), *found.second_better.tolist()]
        return {
            "first": str(self.first.folder),
            "second": str(self.second.folder),
            "n_clips": len(clips),
            "n_seeds": [len(self.first.right), len(self.second.right)],
            "accuracies": list(found.accuracies),
            "difference": found.difference,
            "difference_interval": list(found.interval),
            "n_first_better": len(found.first_better),
            "n_second_better": len(found.second_better),
            "p_value": found.p_value,
            "changed": [
                {
                    "clip": clips[i][0].clip,
                    "start_s": clips[i][0].start_s,
                    "end_s": clips[i][0].end_s,
                    "label": clips[i][1],
                    "first": float(found.shares[0, i]),
                    "second": float(found.shares[1, i]),
                }
                for i in changed
            ],
        }


def put_side_by_side(first: Path, second: Path) -> SideBySide:
    """Compare what runs said of the same clips, matched by name, part and content.

    Args:
        first: folder of a run, or of several over folds and seeds.
        second: another.

    Raises:
        DataError: they did not hold out the same clips with the same labels.
        ArtifactError, UsageError: as `load_answers`.
    """
    one, other = load_answers(first), load_answers(second)
    if one.labels != other.labels:
        n_same = len(one.labels.items() & other.labels.items())
        raise DataError(
            f"{first} and {second}: held out {len(one.labels)} and {len(other.labels)} clips, of "
            f"which {n_same} are the same, by name, content and label; expected the same clips"
        )
    return SideBySide(one, other, compare(one.right, other.right))


def load_answers(folder: Path) -> Answers:
    """Read what a run said, or several over folds and seeds.

    Raises:
        UsageError: the folder is neither, or some of its runs did not come to their end.
        ArtifactError: a file is damaged.
    """
    if (folder / RESULTS).is_file():
        by_seed = _predictions_by_seed(folder)
    elif (folder / PREDICTIONS).is_file():
        by_seed = {0: list(read_predictions(folder).rows)}
    else:
        raise UsageError(
            f"{folder}: holds neither {PREDICTIONS} nor {RESULTS}; expected the folder of a "
            "finished run that held clips out, or of several over folds and seeds"
        )
    tables = [{p.key: p for p in predictions} for predictions in by_seed.values()]
    keys = sorted(tables[0], key=lambda key: (key.clip, key.start_s, key.end_s, key.content))
    for seed, table, predictions in zip(by_seed, tables, by_seed.values(), strict=True):
        if table.keys() != tables[0].keys() or len(table) != len(predictions):
            raise UsageError(
                f"{folder}: the runs of seed {seed} held out other clips than those of seed "
                f"{next(iter(by_seed))}, or a clip twice; expected every clip once for each seed"
            )
    right = np.array([[table[key].is_right for key in keys] for table in tables])
    return Answers(folder, {key: tables[0][key].label for key in keys}, right)


def _predictions_by_seed(folder: Path) -> dict[int, list[Prediction]]:
    """Of all folds together, for each seed."""
    path = folder / RESULTS
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        values = json.loads(content)
        failed = [str(run["run"]) for run in values["failed"]]
        runs = [(str(run["run"]), int(run["seed"])) for run in values["runs"]]
        if not all(run and Path(run).name == run and run != ".." for run, _ in runs):
            raise ValueError("a name that leads elsewhere")
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet train wrote there") from error
    if failed or not runs:
        which = failed[0] if failed else "all"
        raise UsageError(f"{folder}: some of its runs failed ({which}); train them to their end")
    by_seed: defaultdict[int, list[Prediction]] = defaultdict(list)
    for run, seed in runs:
        by_seed[seed] += read_predictions(folder / run).rows
    return dict(by_seed)

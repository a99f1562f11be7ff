"""Two sets of answers about the same clips, beside one another: of runs, or of models."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import DataError, UsageError
from ...core.measures.bootstrap import Ints, number_recordings
from ...core.measures.evaluation import Evaluated, recording_of
from ...core.measures.paired import Comparison, Right, compare
from ...core.measures.predictions import ClipKey, Prediction
from ...core.quoting import shown
from ...core.run_files import PREDICTIONS, RESULTS, holds_runs
from ..jobs.job_runs import measured_runs
from ..jobs.run_predictions import predictions_of_run

CHANGED_HEADER = (
    *("clip", "start_s", "end_s", "label"),
    *("first", "second", "first_predicted", "second_predicted"),
)


@dataclass(frozen=True, eq=False)
class Answers:
    """Whether clips were classified right by each seed.

    Args:
        name: of the run, the folder of several, or the model.
        labels: of each clip, in one order.
        right: [seeds, clips].
        predicted: what each clip was taken for; None where there are several seeds.
        recordings: number of the recording that each clip is of, [clips].
    """

    name: str
    labels: dict[ClipKey, str]
    right: Right
    predicted: tuple[str, ...] | None
    recordings: Ints


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Two sets of answers about the same clips in the same order, and their comparison."""

    first: Answers
    second: Answers
    comparison: Comparison
    n_recordings: int

    @property
    def changed(self) -> list[dict[str, Any]]:
        """Clips that one has right more often, those of the first before those of the second."""
        found, clips = self.comparison, list(self.first.labels.items())
        return [
            {
                "clip": clips[i][0].clip,
                "start_s": clips[i][0].start_s,
                "end_s": clips[i][0].end_s,
                "label": clips[i][1],
                "first": float(found.shares[0, i]),
                "second": float(found.shares[1, i]),
                "first_predicted": self.first.predicted and self.first.predicted[i],
                "second_predicted": self.second.predicted and self.second.predicted[i],
            }
            for i in (*found.first_better.tolist(), *found.second_better.tolist())
        ]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        found = self.comparison
        return {
            "first": self.first.name,
            "second": self.second.name,
            "n_clips": len(self.first.labels),
            "n_recordings": self.n_recordings,
            "n_seeds": [len(self.first.right), len(self.second.right)],
            "accuracies": list(found.accuracies),
            "difference": found.difference,
            "difference_interval": list(found.interval),
            "n_first_better": len(found.first_better),
            "n_second_better": len(found.second_better),
            "p_value": found.p_value,
            "changed": self.changed,
        }


def put_side_by_side(first: Path, second: Path) -> SideBySide:
    """Compare what runs said of the same clips, matched by name, part and content.

    Args:
        first: folder of a run, or of several over folds and seeds.
        second: another.

    Raises:
        DataError: they held out other clips, or the same with other labels.
        UsageError: as `load_answers`.
        ArtifactError: likewise.
    """
    one, other = load_answers(first), load_answers(second)
    if one.labels != other.labels:
        n_same = len(one.labels.items() & other.labels.items())
        raise DataError(
            f"{first} and {second}: held out {len(one.labels)} and {len(other.labels)} clips, of "
            f"which {n_same} are the same, by name, content and label; expected the same clips"
        )
    return _compare(one, other)


def compare_evaluations(
    first_name: str, first: Evaluated, second_name: str, second: Evaluated
) -> SideBySide:
    """Compare what two models said of the same clips; clips that one could not read are left out.

    Raises:
        DataError: there is no clip that both could read.
    """
    known = {_key_of(second, i): i for i in range(len(second.clips))}
    places = [i for i in range(len(first.clips)) if _key_of(first, i) in known]
    if not places:
        raise DataError(f"{first_name} and {second_name}: no clip could be read for both")
    others = [known[_key_of(first, i)] for i in places]
    return _compare(
        _answers_of(first_name, first, places), _answers_of(second_name, second, others)
    )


def load_answers(folder: Path) -> Answers:
    """Read what a run said, or several over folds and seeds; clips are in order of name.

    What was said of a clip several times in one file, as `evaluate JOB -o` writes it, is of several
    seeds.

    Raises:
        UsageError: the folder is neither, or some of its runs did not come to their end, or it
            tells of some clips more often than of others.
        ArtifactError: a file is damaged.
    """
    if holds_runs(folder):
        by_seed = _predictions_by_seed(folder)
    elif (folder / PREDICTIONS).is_file():
        by_seed = _apart(predictions_of_run(folder).rows, folder)
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
    rows = [tables[0][key] for key in keys]
    return Answers(
        name=str(folder),
        labels={row.key: row.label for row in rows},
        right=np.array([[table[key].is_right for key in keys] for table in tables]),
        predicted=tuple(row.predicted for row in rows) if len(tables) == 1 else None,
        recordings=number_recordings(recording_of(row.key.clip, row.group) for row in rows),
    )


def _predictions_by_seed(folder: Path) -> dict[int, list[Prediction]]:
    """Of all folds together, for each seed."""
    by_seed: defaultdict[int, list[Prediction]] = defaultdict(list)
    for run in measured_runs(folder):
        by_seed[run.seed] += predictions_of_run(folder / run.name).rows
    return dict(by_seed)


def _apart(rows: Iterable[Prediction], folder: Path) -> dict[int, list[Prediction]]:
    """Of one file, whose runs follow one another: a clip's n-th row is of its n-th seed."""
    by_seed: dict[int, list[Prediction]] = {0: []}
    n_seen = Counter[ClipKey]()
    for row in rows:
        by_seed.setdefault(n_seen[row.key], []).append(row)
        n_seen[row.key] += 1
    if len(set(n_seen.values())) > 1:
        (most, n), (least, m) = n_seen.most_common()[0], n_seen.most_common()[-1]
        raise UsageError(
            f"{folder}: {PREDICTIONS} tells of {shown(most.clip)} {n} times and of "
            f"{shown(least.clip)} {m} times; expected every clip equally often, once for each seed"
        )
    return by_seed


def _key_of(evaluated: Evaluated, i: int) -> ClipKey:
    clip = evaluated.clips[i]
    start, end = ("" if bound is None else str(bound) for bound in (clip.start_s, clip.end_s))
    return ClipKey(clip.file, start, end, "")


def _answers_of(name: str, evaluated: Evaluated, places: list[int]) -> Answers:
    clips = [evaluated.clips[i] for i in places]
    return Answers(
        name=name,
        labels={_key_of(evaluated, i): evaluated.clips[i].label for i in places},
        right=evaluated.right[places][np.newaxis],
        predicted=tuple(clip.predicted for clip in clips),
        recordings=number_recordings(recording_of(clip.file, clip.group) for clip in clips),
    )


def _compare(first: Answers, second: Answers) -> SideBySide:
    # Runs of older versions do not know which clips are of one group; one side's word will do.
    recordings = min(first.recordings, second.recordings, key=lambda numbers: int(numbers.max()))
    found = compare(first.right, second.right, recordings)
    return SideBySide(first, second, found, int(recordings.max()) + 1)

"""What several runs over folds and seeds said of all their held-out clips, measured together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import ArtifactError, UsageError
from ...core.files import explain_os_errors
from ...core.measures.evaluation import ClipResult, Evaluated, truth_of
from ...core.measures.metrics import Metrics
from ...core.measures.pooled import Pooled, RunMeasures, pool
from ...core.measures.predictions import ClipKey, Prediction, Predictions
from ...core.run_files import METRICS
from ...data.label_sets import split_names
from .job_runs import JobRun, measured_runs
from .run_predictions import predictions_of_run


@dataclass(frozen=True, eq=False)
class PooledRuns:
    """Some runs together.

    Args:
        folder: of all.
        pooled: their shares by fold and seed.
        evaluated: all that they said, each clip with the fold of the run that held it out; None of
            multi-label runs of older versions, which did not keep scores.
        contents: content key of each of its clips.
    """

    folder: Path
    pooled: Pooled
    evaluated: Evaluated | None
    contents: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        measures = None if self.evaluated is None else self.evaluated.as_json()
        return {
            "model": str(self.folder),
            **self.pooled.as_json(),
            "failed": [],
            "measures": measures,
        }


def pool_runs(folder: Path) -> PooledRuns:
    """Measure what the runs of a job said, without running a model.

    Raises:
        UsageError: the job or some of its runs did not come to their end, or the runs are of other
            classes, or a clip was held out twice for a seed.
        ArtifactError: a file is missing or damaged.
    """
    runs = measured_runs(folder)
    said = [predictions_of_run(folder / run.name) for run in runs]
    labels, multi_label = _classes_of(folder, runs)
    _check_clips(folder, runs, said)
    measures = [
        RunMeasures(run.name, run.fold, run.seed, run.n_bytes, _counts_of(of_run.rows))
        for run, of_run in zip(runs, said, strict=True)
    ]
    pooled = pool(measures)
    if multi_label and any(of_run.scores is None for of_run in said):
        return PooledRuns(folder, pooled, None)
    evaluated = _join(folder, runs, said, labels, multi_label=multi_label)
    if isinstance(evaluated.metrics, Metrics):
        matrix = [list(row) for row in evaluated.metrics.confusion]
        pooled = replace(pooled, confusion=(list(labels), matrix))
    contents = tuple(row.key.content for of_run in said for row in of_run.rows)
    return PooledRuns(folder, pooled, evaluated, contents)


def _counts_of(rows: Sequence[Prediction]) -> dict[str, int]:
    return {"n_clips": len(rows), "n_right": sum(row.is_right for row in rows)}


def _classes_of(folder: Path, runs: Sequence[JobRun]) -> tuple[tuple[str, ...], bool]:
    """The labels of all runs, in the order of their models, and whether a clip may have several."""
    found = {_classes_of_run(folder / run.name) for run in runs}
    if len(found) > 1:
        raise UsageError(f"{folder}: its runs are of other classes; expected the same in all")
    return found.pop()


def _classes_of_run(folder: Path) -> tuple[tuple[str, ...], bool]:
    path = folder / METRICS
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        values = json.loads(content)
        labels = tuple(str(row["label"]) for row in values["per_class"])
        return labels, bool(values.get("multi_label", False))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet train wrote there") from error


def _check_clips(folder: Path, runs: Sequence[JobRun], said: Sequence[Predictions]) -> None:
    """Refuse runs of which one seed's clips are not those of another, each once."""
    by_seed: dict[int, list[ClipKey]] = {}
    for run, of_run in zip(runs, said, strict=True):
        by_seed.setdefault(run.seed, []).extend(row.key for row in of_run.rows)
    first, *_ = (set(keys) for keys in by_seed.values())
    for seed, keys in by_seed.items():
        if len(set(keys)) != len(keys) or set(keys) != first:
            raise UsageError(
                f"{folder}: the runs of seed {seed} held out other clips than those of seed "
                f"{next(iter(by_seed))}, or a clip twice; expected every clip once for each seed"
            )


def _join(
    folder: Path,
    runs: Sequence[JobRun],
    said: Sequence[Predictions],
    labels: tuple[str, ...],
    *,
    multi_label: bool,
) -> Evaluated:
    clips: list[ClipResult] = []
    classes: list[list[int]] = []
    index = {label: i for i, label in enumerate(labels)}
    for run, of_run in zip(runs, said, strict=True):
        try:
            if of_run.scores is not None and of_run.labels != labels:
                raise ValueError("scores of other labels")
            for row in of_run.rows:
                names = split_names(row.label) if multi_label else (row.label,)
                classes.append([index[name] for name in names])
                if not multi_label:
                    index[row.predicted]
                clips.append(_clip_result(row, run.fold))
        except (KeyError, ValueError) as error:
            raise ArtifactError(
                f"{folder / run.name}: its predictions name other classes than its {METRICS}; "
                "expected what wsnet train wrote there"
            ) from error
    scores = [of_run.scores for of_run in said if of_run.scores is not None]
    return Evaluated(
        labels,
        tuple(clips),
        truth_of(classes, len(labels), multi_label=multi_label),
        np.concatenate(scores) if len(scores) == len(said) else None,
        len({run.seed for run in runs}),
    )


def _clip_result(row: Prediction, fold: str | None) -> ClipResult:
    start, end = (float(text) if text else None for text in (row.key.start_s, row.key.end_s))
    return ClipResult(
        file=row.key.clip,
        label=row.label,
        predicted=row.predicted,
        score=row.score,
        duration_s=None,
        start_s=start,
        end_s=end,
        fold=fold,
        group=row.group,
    )

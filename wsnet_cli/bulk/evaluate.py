"""A model on labelled clips: the same reading and scoring as `predict`, then the measures."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import AudioError, DataError
from ..core.files import explain_os_errors
from ..core.metrics import Metrics, measure
from ..data.dataset import Clip, Failure
from ..data.layouts import load_dataset
from ..engine.session import Classifier

N_LABELS_SHOWN = 3
SPLIT_COLUMNS = ("clip", "part", "start_s", "end_s", "content")
"""What is used of a run's split.csv."""


@dataclass(frozen=True)
class ClipResult:
    """A clip, what it is, what it was taken for, and the score of that."""

    file: str
    label: str
    predicted: str
    score: float


@dataclass(frozen=True)
class Evaluation:
    """Measures over the clips that could be read, those clips, and those that could not."""

    metrics: Metrics
    clips: tuple[ClipResult, ...]
    failures: tuple[Failure, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            **self.metrics.as_json(),
            "failed": [{"file": f.name, "error": f.reason} for f in self.failures],
        }


def evaluate_clips(
    classifier: Classifier,
    clips: Sequence[Clip],
    on_clip: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Classify every clip and compare with its label.

    Raises:
        DataError: a clip's label is none of the model's, or no clip can be read.
    """
    _check_labels(classifier, clips)
    index = {label: i for i, label in enumerate(classifier.labels)}
    results: list[ClipResult] = []
    failures: list[Failure] = []
    for done, clip in enumerate(clips, start=1):
        try:
            scores = classifier.classify_file(clip.path, clip.start_s, clip.end_s)
            best = int(np.argmax(scores))
            name = classifier.labels[best]
            results.append(ClipResult(clip.name, clip.label, name, float(scores[best])))
        except AudioError as error:
            failures.append(Failure(clip.name, str(error)))
        if on_clip:
            on_clip(done, len(clips))
    if not results:
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    truth = [index[result.label] for result in results]
    predicted = [index[result.predicted] for result in results]
    return Evaluation(measure(truth, predicted, classifier.labels), tuple(results), tuple(failures))


def clips_of_data(source: Path, fold: str | None) -> tuple[Clip, ...]:
    """All clips of a data set, or those of one fold.

    Raises:
        DataError: the data cannot be used, or has no such fold.
    """
    dataset = load_dataset(source)
    if fold is None:
        return dataset.clips
    clips = tuple(clip for clip in dataset.clips if clip.fold == fold)
    if not clips:
        folds = ", ".join(dataset.folds) or "none"
        raise DataError(f"{source}: no fold {fold}; its folds: {folds}")
    return clips


def held_out_clips(model_path: Path) -> tuple[Clip, ...]:
    """The held-out part of the run that a model file lies in, as it was while training.

    Raises:
        DataError: it lies in no run, the run held nothing out, its data is gone or has changed.
    """
    folder = model_path.parent
    if not (folder / "split.csv").is_file():
        raise DataError(
            f"{model_path}: lies in no run folder, so nothing was held out for it; "
            "give the DATA to evaluate on"
        )
    source = _data_of_run(folder)
    rows = [row for row in _split_of_run(folder) if row["part"] == "test"]
    if not rows:
        raise DataError(f"{folder}: the run held nothing out; give the DATA to evaluate on")
    clips = {_identity(clip): clip for clip in load_dataset(source).clips}
    chosen = []
    for row in rows:
        clip = clips.get((row["clip"], row["start_s"], row["end_s"]))
        if clip is None:
            raise DataError(f"{source}: {row['clip']} of the held-out part is gone; restore it")
        _check_unchanged(clip, row["content"], source)
        chosen.append(clip)
    return tuple(chosen)


def _identity(clip: Clip) -> tuple[str, str, str]:
    start, end = ("" if value is None else str(value) for value in (clip.start_s, clip.end_s))
    return (clip.name, start, end)


def _split_of_run(folder: Path) -> list[dict[str, str]]:
    path = folder / "split.csv"
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        rows = [{column: row[column] for column in SPLIT_COLUMNS} for row in reader]
        if any(value is None for row in rows for value in row.values()):
            raise ValueError("a row is short")
    except (ValueError, KeyError, csv.Error) as error:
        raise DataError(f"{path}: is damaged; give the DATA to evaluate on") from error
    return rows


def _data_of_run(folder: Path) -> Path:
    try:
        values = json.loads((folder / "env.json").read_text(encoding="utf-8"))
        return Path(values["data"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder}: env.json does not say where the data was; give the DATA to evaluate on"
        ) from error


def _check_unchanged(clip: Clip, content: str, source: Path) -> None:
    """A held-out clip whose bytes differ could be one that the model was trained on."""
    try:
        digest = hashlib.sha256(clip.path.read_bytes()).hexdigest()
    except OSError:
        return  # reading it will say why
    if content and not content.startswith(digest):
        raise DataError(
            f"{source}: {clip.name} has changed since training; "
            "give the DATA to evaluate on what is there now"
        )


def _check_labels(classifier: Classifier, clips: Sequence[Clip]) -> None:
    unknown = sorted({clip.label for clip in clips} - set(classifier.labels))
    if unknown:
        some = ", ".join(unknown[:N_LABELS_SHOWN])
        raise DataError(
            f"the data has classes that the model does not know: {some}; "
            f"its labels: {', '.join(classifier.labels)}"
        )

"""A model on labelled clips: the same reading and scoring as `predict`, then the measures."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import AudioError, DataError, WsnetError
from ..core.files import explain_os_errors
from ..core.metrics import Metrics, measure
from ..core.parallel import Check, map_in_order
from ..data.dataset import Clip, DataSet, Failure
from ..data.layouts import load_dataset
from ..data.units import SEGMENT_SIGN
from ..engine.session import Classifier
from .predict import hear_file

N_LABELS_SHOWN = 3
SPLIT_COLUMNS = ("clip", "part", "start_s", "end_s", "content")
"""What is used of a run's split.csv."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class ClipResult:
    """A clip, what it is, what it was taken for, the score of that, and its length in seconds."""

    file: str
    label: str
    predicted: str
    score: float
    duration_s: float


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
    on_clip: Callable[[int, int, float], None] | None = None,
    workers: int = 1,
) -> Evaluation:
    """Classify every clip and compare with its label; the same whatever the number of workers.

    Args:
        classifier: the model.
        clips: labelled.
        on_clip: told after each clip how many are done, of how many, and the seconds of sound in
            the latest, 0 where it could not be read.
        workers: clips that are read and classified at once, >= 1.

    Raises:
        DataError: a clip's label is none of the model's, or no clip can be read.
    """
    _check_labels(classifier, clips)
    results: list[ClipResult] = []
    failures: list[Failure] = []

    def work(clip: Clip, check: Check) -> ClipResult | Failure:
        try:
            heard = hear_file(classifier, clip.path, clip.start_s, clip.end_s, check=check)
        except AudioError as error:
            return Failure(clip.name, str(error))
        ((label, score),) = classifier.top(heard.scores, 1)
        return ClipResult(clip.name, clip.label, label, score, heard.duration_s)

    with closing(map_in_order(work, clips, workers)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            duration_s = 0.0
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                results.append(outcome)
                duration_s = outcome.duration_s
            if on_clip:
                on_clip(done, len(clips), duration_s)
    if not results:
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    index = {label: i for i, label in enumerate(classifier.labels)}
    truth = [index[result.label] for result in results]
    predicted = [index[result.predicted] for result in results]
    return Evaluation(measure(truth, predicted, classifier.labels), tuple(results), tuple(failures))


def clips_of_data(
    source: Path, fold: str | None, layout: str | None = None, pattern: str | None = None
) -> tuple[Clip, ...]:
    """The clips of a data set that a model is to be measured on.

    Those of the fold that is named; else, where the data set says which clips are for testing,
    those (for validation, if none is for testing), as training would hold them out; else all.

    Args:
        source: a data folder or manifest.
        fold: the name of a fold of it, or None.
        layout: the layout to read it by, or None to find out.
        pattern: the naming scheme of its files, or None.

    Raises:
        UsageError: no such layout, or the pattern makes no sense.
        DataError: the data cannot be used, has no such fold, or has a split without such a part.
    """
    dataset = load_dataset(source, layout, pattern)
    if fold is None:
        return _test_part(dataset, source)
    clips = tuple(clip for clip in dataset.clips if clip.fold == fold)
    if not clips:
        folds = ", ".join(dataset.folds) or "none"
        raise DataError(f"{source}: no fold {fold}; its folds: {folds}")
    return clips


def _test_part(dataset: DataSet, source: Path) -> tuple[Clip, ...]:
    for part in ("test", "validation"):
        clips = tuple(clip for clip in dataset.clips if clip.split == part)
        if clips:
            return clips
    if any(clip.split for clip in dataset.clips):
        raise DataError(
            f"{source}: its split has no test or validation part; expected one to evaluate on"
        )
    return dataset.clips[:]


def n_trained_on(model_path: Path, clips: Sequence[Clip]) -> int:
    """How many of the clips the run that a model file lies in was trained on, wholly or in part.

    Files are compared by content, whatever their names. 0 if the model lies in no run or the run's
    split cannot be read; a clip that cannot be read does not count.
    """
    folder = model_path.parent
    if not (folder / "split.csv").is_file():
        return 0
    heard: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    try:
        for row in _split_of_run(folder):
            if row["part"] == "train":
                digest = row["content"].partition(SEGMENT_SIGN)[0]
                start_s, end_s = float(row["start_s"] or 0), float(row["end_s"] or math.inf)
                heard[digest].append((start_s, end_s))
    except (WsnetError, ValueError):
        return 0
    digests = _hash_files(clips)
    return sum(_overlaps(clip, heard.get(digests[clip.path], [])) for clip in clips)


def _overlaps(clip: Clip, parts: Iterable[tuple[float, float]]) -> bool:
    clip_start_s = clip.start_s or 0.0
    clip_end_s = math.inf if clip.end_s is None else clip.end_s
    return any(start_s < clip_end_s and clip_start_s < end_s for start_s, end_s in parts)


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
    source, layout, pattern = _data_of_run(folder)
    rows = [row for row in _split_of_run(folder) if row["part"] == "test"]
    if not rows:
        raise DataError(f"{folder}: the run held nothing out; give the DATA to evaluate on")
    dataset = load_dataset(source, layout, pattern)
    clips = {_identity(clip): clip for clip in dataset.clips}
    chosen: list[Clip] = []
    for row in rows:
        clip = clips.get((row["clip"], row["start_s"], row["end_s"]))
        if clip is None:
            raise DataError(f"{source}: {row['clip']} of the held-out part is gone; restore it")
        chosen.append(clip)
    digests = _hash_files(chosen)
    for clip, row in zip(chosen, rows, strict=True):
        _check_unchanged(clip, digests[clip.path], row["content"], source)
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


def _data_of_run(folder: Path) -> tuple[Path, str | None, str | None]:
    """Where the data was and how it was read: its layout and pattern, None in old runs."""
    try:
        values = json.loads((folder / "env.json").read_text(encoding="utf-8"))
        how = values.get("layout"), values.get("pattern")
        if not all(isinstance(word, str | None) for word in how):
            raise TypeError("not text")
        return Path(values["data"]), *how
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{folder}: env.json does not say where the data was; give the DATA to evaluate on"
        ) from error


def _hash_files(clips: Iterable[Clip]) -> dict[Path, str]:
    """Hash each file once, however many clips are cut from it; "" where it cannot be read."""
    return {path: _hash_file(path) for path in dict.fromkeys(clip.path for clip in clips)}


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        if not path.is_file():  # a pipe would block for ever
            return ""
        with path.open("rb", buffering=0) as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return ""  # classifying it will say why
    return digest.hexdigest()


def _check_unchanged(clip: Clip, digest: str, content: str, source: Path) -> None:
    """A held-out clip whose bytes differ could be one that the model was trained on."""
    if digest and content and not content.startswith(digest):
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

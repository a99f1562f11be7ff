"""All that an evaluation found: what was said of each clip, and the measures of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..calibrating.calibration import DECISION
from ..errors import ParameterError
from ..natural_order import natural_order
from ..quant import Array
from .bootstrap import Interval, Ints, number_recordings
from .metrics import Metrics, known, measure, plain, wilson_interval
from .multi_label_metrics import MultiLabelMetrics, macro_f1, measure_labels
from .reliability import expected_calibration_error

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClipResult:
    """A clip, what it is, what it was taken for, the score of that, and its length in seconds.

    Of a multi-label model both are labels as `data.label_sets.join_names` makes them: what it was
    taken for are all classes that score `DECISION` or more, and the score is the largest of all.

    Args:
        file: its name in the data set.
        label: what it is.
        predicted: what it was taken for.
        score: of that, in [0, 1].
        duration_s: its length; None where it was not kept.
        path: of its file; nothing need be there where the data was prepared.
        start_s: where the part of the file begins; None where it is the whole.
        end_s: where it ends; None for the end of the file.
        fold: in its data set, if it has one.
        group: what clips of one recording or speaker share, where it is known.
    """

    file: str
    label: str
    predicted: str
    score: float
    duration_s: float | None
    path: Path = Path()
    start_s: float | None = None
    end_s: float | None = None
    fold: str | None = None
    group: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether exactly the label was predicted."""
        return self.label == self.predicted


@dataclass(frozen=True)
class FoldMeasures:
    """One fold of several: its clips, and the main measures of them, as `Metrics` has them.

    `macro_f1` is None where no clip has a class or was taken to, `calibration_error` where scores
    were not kept.
    """

    fold: str | None
    n_clips: int
    n_right: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float | None
    calibration_error: float | None


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What a model, or several over folds and seeds, said of labelled clips, in one order.

    Args:
        labels: of the model.
        clips: those that could be read, each as often as there are seeds.
        truth: class of each clip, [n] int64; of a multi-label model which classes it has,
            [n, n_classes] bool.
        scores: of each class, [n, n_classes] float32 in [0, 1]; None where they were not kept, as
            by runs of older versions that tell one label of each clip.
        n_seeds: how often every clip is among them, said of by as many models.
    """

    labels: tuple[str, ...]
    clips: tuple[ClipResult, ...]
    truth: Ints | Flags
    scores: Array | None
    n_seeds: int = 1

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several classes, or none."""
        return self.truth.ndim == 2

    @cached_property
    def recordings(self) -> Ints:
        """The number of the recording that each clip is of, [n]: `recording_of`."""
        return number_recordings(recording_of(clip.file, clip.group) for clip in self.clips)

    @cached_property
    def right(self) -> Flags:
        """Whether each clip is right, [n]."""
        return np.fromiter((clip.is_right for clip in self.clips), np.bool_, len(self.clips))

    @cached_property
    def metrics(self) -> Metrics | MultiLabelMetrics:
        """Of all clips."""
        if self.multi_label:
            return measure_labels(
                self._flags, self._known_scores, self.labels, self.recordings, self.n_seeds
            )
        truth: Ints = self.truth.astype(np.int64)
        return measure(
            truth, self._predicted, self.labels, self.scores, self.recordings, self.n_seeds
        )

    @cached_property
    def folds(self) -> tuple[FoldMeasures, ...]:
        """Of each fold, in natural order; empty unless the clips are of several."""
        members: dict[str | None, list[int]] = {}
        for i, clip in enumerate(self.clips):
            members.setdefault(clip.fold, []).append(i)
        if len(members) < 2:
            return ()
        names = sorted(members, key=lambda fold: (fold is None, natural_order(fold or "")))
        return tuple(self._measure_fold(fold, np.array(members[fold])) for fold in names)

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {**self.metrics.as_json(), "folds": [plain(vars(fold)) for fold in self.folds]}

    @cached_property
    def _predicted(self) -> Ints:
        index = {label: i for i, label in enumerate(self.labels)}
        return np.fromiter((index[clip.predicted] for clip in self.clips), np.int64)

    @property
    def _known_scores(self) -> Array:
        if self.scores is None:
            raise ParameterError("no scores; expected those of each class, of a multi-label model")
        return self.scores

    @property
    def _flags(self) -> Flags:
        return self.truth.astype(np.bool_)

    def _measure_fold(self, fold: str | None, clips: Ints) -> FoldMeasures:
        n, n_right = len(clips), int(self.right[clips].sum())
        return FoldMeasures(
            fold=fold,
            n_clips=n,
            n_right=n_right,
            accuracy=n_right / n,
            accuracy_interval=wilson_interval(n_right / self.n_seeds, n / self.n_seeds),
            macro_f1=self._macro_f1(clips),
            calibration_error=self._calibration_error(clips),
        )

    def _macro_f1(self, clips: Ints) -> float | None:
        from sklearn.metrics import f1_score

        if self.multi_label:
            return macro_f1(self._flags[clips], self._known_scores[clips] >= DECISION)
        options = {"average": "macro", "zero_division": np.nan, "labels": range(len(self.labels))}
        return known(f1_score(self.truth[clips], self._predicted[clips], **options))

    def _calibration_error(self, clips: Ints) -> float | None:
        if self.scores is None:
            return None
        scores = self.scores[clips]
        if self.multi_label:
            return expected_calibration_error(scores.ravel(), self._flags[clips].ravel())
        return expected_calibration_error(scores.max(axis=1), self.right[clips])


def recording_of(file: str, group: str | None) -> tuple[str, str]:
    """What clips of one recording have in common: their group, else the file they are parts of."""
    return ("file", file) if group is None else ("group", group)


def truth_of(
    classes: Sequence[Sequence[int]], n_classes: int, *, multi_label: bool
) -> Ints | Flags:
    """What `Evaluated` takes as truth, from the classes of each clip, one each or any number."""
    if not multi_label:
        return np.fromiter((c for (c,) in classes), np.int64, len(classes))
    truth = np.zeros((len(classes), n_classes), np.bool_)
    for row, members in zip(truth, classes, strict=True):
        row[list(members)] = True
    return truth

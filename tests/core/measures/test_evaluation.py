from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.measures.evaluation import ClipResult, Evaluated, recording_of, truth_of
from wsnet_cli.core.measures.metrics import measure, wilson_interval
from wsnet_cli.core.measures.multi_label_metrics import measure_labels
from wsnet_cli.core.measures.reliability import expected_calibration_error

LABELS = ("cat", "dog", "owl")
TRUTH = np.array([0, 1, 2, 2, 1, 0])
SCORES = np.float32(
    [
        *([0.6, 0.3, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]),
        *([0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]),
    ]
)
FOLDS = ("10", "2", "10", None, "2", "2")
GROUPS = ("g", "g", None, None, "h", None)
FILES = ("a", "b", "c", "c", "d", "e")


def evaluated(scores: np.ndarray | None = SCORES) -> Evaluated:
    found = SCORES.argmax(axis=1)
    clips = tuple(
        ClipResult(file, LABELS[t], LABELS[p], float(row.max()), 1.0, fold=fold, group=group)
        for file, t, p, row, fold, group in zip(
            FILES, TRUTH, found, SCORES, FOLDS, GROUPS, strict=True
        )
    )
    return Evaluated(LABELS, clips, TRUTH, scores)


def test_clips_of_one_group_or_file_are_one_recording():
    assert evaluated().recordings.tolist() == [0, 0, 1, 1, 2, 3]
    assert recording_of("a", None) != recording_of("b", "a")


def test_measures_are_those_of_all_clips():
    one = evaluated()
    found = SCORES.argmax(axis=1)
    assert one.metrics == measure(TRUTH, found, LABELS, SCORES, one.recordings)
    assert one.right.tolist() == (found == TRUTH).tolist()
    assert evaluated(None).metrics == measure(TRUTH, found, LABELS, None, one.recordings)


def test_folds_stand_by_themselves_in_natural_order():
    folds = evaluated().folds
    assert [fold.fold for fold in folds] == ["2", "10", None]
    assert [(fold.n_clips, fold.n_right) for fold in folds] == [(3, 2), (2, 2), (1, 0)]
    two, places = folds[0], [1, 4, 5]
    assert two.accuracy_interval == wilson_interval(2, 3)
    found = SCORES.argmax(axis=1)
    f1 = sklearn.metrics.f1_score(TRUTH[places], found[places], average="macro", zero_division=0)
    assert two.macro_f1 == pytest.approx(f1)
    best, right = SCORES.max(axis=1), found == TRUTH
    assert two.calibration_error == expected_calibration_error(best[places], right[places])
    assert evaluated(None).folds[0].calibration_error is None


def test_one_fold_is_none():
    one = evaluated()
    same = tuple(
        ClipResult(c.file, c.label, c.predicted, c.score, 1.0, fold="1") for c in one.clips
    )
    assert Evaluated(LABELS, same, TRUTH, SCORES).folds == ()


def test_several_labels():
    truth = truth_of([[0, 1], [], [2], [2], [1], [0]], 3, multi_label=True)
    assert truth[:2].tolist() == [[True, True, False], [False] * 3]
    one = evaluated()
    several = Evaluated(LABELS, one.clips, truth, SCORES)
    assert several.multi_label
    assert several.metrics == measure_labels(truth.astype(bool), SCORES, LABELS, one.recordings)
    places = [1, 4, 5]
    f1 = sklearn.metrics.f1_score(
        truth[places], SCORES[places] >= 0.5, average="macro", zero_division=np.nan
    )
    assert several.folds[0].macro_f1 == pytest.approx(f1)
    with pytest.raises(ParameterError, match="no scores; expected those of each class"):
        Evaluated(LABELS, one.clips, truth, None).metrics  # noqa: B018 - computed when asked for


def test_folds_of_a_single_class_that_a_clip_may_have_or_not():
    one, scores = evaluated(), SCORES[:, :1]
    truth = truth_of([[0], [], [0], [], [0], [0]], 1, multi_label=True)
    single = Evaluated(LABELS[:1], one.clips, truth, scores)
    for fold, places in zip(single.folds, ([1, 4, 5], [0, 2], [3]), strict=True):
        alone = measure_labels(truth[places].astype(bool), scores[places], LABELS[:1])
        assert fold.macro_f1 == alone.macro_f1


def test_truth_of_one_label_each():
    assert truth_of([[2], [0]], 3, multi_label=False).tolist() == [2, 0]

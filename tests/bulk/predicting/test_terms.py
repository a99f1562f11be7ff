from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.predicting.answers import Prediction, predictions_of
from wsnet_cli.bulk.predicting.predict import predict_files
from wsnet_cli.bulk.predicting.request import CLIP, EVENTS, WINDOWS, Request
from wsnet_cli.bulk.predicting.terms import terms_of
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import Model
from wsnet_cli.data.label_sets import label_of
from wsnet_cli.engine.session import Classifier

MakeTone = Callable[..., Path]
OWN = Calibration(2.0, (0.25, 0.0, 0.75), 0.5, 0.05)


def told(model: Model, path: Path, **asked: object) -> list[Prediction]:
    classifier, request = Classifier(model), Request(**asked)  # type: ignore[arg-type]
    hit = terms_of(model, request).hit
    (answer,) = predict_files(classifier, [str(path)], request)
    return list(predictions_of(answer, model.labels, hit))


@pytest.mark.parametrize("view", [CLIP, WINDOWS, EVENTS])
def test_without_thresholds_everything_is_told(small_model: Model, view: str) -> None:
    for calibration in (Calibration(), Calibration(3.0)):
        terms = terms_of(replace(small_model, calibration=calibration), Request(view=view))
        assert (terms.kept.tolist(), terms.hit) == ([0, 0, 0], None)


@pytest.mark.parametrize("view", [CLIP, WINDOWS, EVENTS])
def test_the_threshold_of_the_user_wins(small_model: Model, view: str) -> None:
    model = replace(small_model, calibration=OWN)
    terms = terms_of(model, Request(view=view, threshold=0.7))
    assert (terms.kept.tolist(), terms.hit) == ([float(np.float32(0.7))] * 3, None)
    assert terms_of(model, Request(view=view, threshold=0.0)).kept.tolist() == [0, 0, 0]


def test_a_calibrated_model_asks_for_its_own(small_model: Model) -> None:
    model = replace(small_model, calibration=OWN)
    least = [0.5, 0.5, 0.75]
    for view in (CLIP, WINDOWS):
        terms = terms_of(model, Request(view=view))
        assert (terms.kept.tolist(), terms.hit) == ([0, 0, 0], tuple(least))
    terms = terms_of(model, Request(view=EVENTS))
    assert (terms.kept.tolist(), terms.hit) == (least, None)
    several = terms_of(replace(model, multi_label=True), Request())
    assert (several.kept.tolist(), several.hit) == (least, None)


def test_every_way_of_asking_decides_alike(small_model: Model, make_tone: MakeTone) -> None:
    """Clips, windows, hits, the Python interface and `label_of`, at thresholds around the score."""
    path = make_tone("a.wav")
    warm = replace(small_model, calibration=Calibration(2.0))
    scores = Classifier(warm).classify_file(path)
    best, score = int(scores.argmax()), float(scores.max())
    for unknown in (score - 1e-4, score, score + 1e-4):
        model = replace(warm, calibration=Calibration(2.0, None, unknown))
        is_known = score >= unknown
        name = model.labels[best] if is_known else "unknown"
        (prediction,) = told(model, path, top_k=2)
        assert prediction.scores[0] == (name, round(score, 6), is_known)
        assert prediction.scores[1].label in model.labels
        classifier = Classifier(model)
        assert classifier.top(scores, 2)[0] == (name, score)
        assert classifier.top(scores, unknown=False) == [(model.labels[best], score)]
        assert classifier.told(scores) == ((model.labels[best],) if is_known else ())
        options = {"multi_label": False, "calibration": model.calibration}
        assert label_of(scores, model.labels, **options) == name  # type: ignore[arg-type]
        (closed,) = told(model, path, threshold=0.0)
        assert closed.scores == ((model.labels[best], round(score, 6), True),)


def test_windows_and_hits_follow_the_windows_own_scores(
    small_model: Model, make_tone: MakeTone
) -> None:
    path = make_tone("a.wav")
    warm = replace(small_model, calibration=Calibration(0.5))
    opened = Classifier(warm).open_file(path)
    parts = list(Classifier(warm).hear_windows(opened))
    scores = np.concatenate([part.scores for part in parts])
    least = float(np.sort(scores.max(axis=1))[len(scores) // 2])
    model = replace(warm, calibration=Calibration(0.5, None, least))
    known = scores.max(axis=1) >= least
    assert 0 < known.sum() < len(known)
    rows = told(model, path, view=WINDOWS)
    assert [row.scores[0].is_hit for row in rows] == known.tolist()
    assert [row.scores[0].label == "unknown" for row in rows] == (~known).tolist()
    starts = np.concatenate([part.starts_s for part in parts])
    ends = np.concatenate([part.ends_s for part in parts])
    events = told(model, path, view=EVENTS)
    for event in events:
        inside = (starts >= event.start_s) & (ends <= event.end_s)
        assert known[inside].any()
    heard = [
        any(e.start_s <= s and t <= e.end_s for e in events)
        for s, t in zip(starts, ends, strict=True)
    ]
    assert all(np.array(heard)[known])
    for event in told(model, path, view=EVENTS, top_k=3, gap_s=None):
        ((window,),) = np.nonzero((starts == event.start_s) & (ends == event.end_s))
        assert known[window]
    for row in told(model, path, view=WINDOWS, top_k=3):
        if row.scores[0].label == "unknown":
            assert not any(score.is_hit for score in row.scores)


def test_a_multi_label_model_tells_all_that_reach_their_own(
    small_model: Model, make_tone: MakeTone
) -> None:
    path = make_tone("a.wav")
    plain = replace(small_model, multi_label=True)
    scores = Classifier(plain).classify_file(path)
    order = np.argsort(-scores)
    thresholds = [float(score) for score in scores]
    thresholds[order[1]] += 1e-4
    model = replace(plain, calibration=Calibration(1.0, tuple(thresholds)))
    request = Request(top_k=None).settled(multi_label=True, decides=True)
    (prediction,) = told(model, path, top_k=request.top_k)
    expected = [model.labels[i] for i in order if i != order[1]]
    assert [score.label for score in prediction.scores] == expected
    assert Classifier(model).told(scores) == tuple(sorted(expected, key=model.labels.index))
    lonely = replace(plain, calibration=Calibration(1.0, None, 1.0))
    (prediction,) = told(lonely, path, top_k=None)
    assert prediction.scores == ()

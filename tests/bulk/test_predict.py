from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.predict import predict_files
from wsnet_cli.core.audio import read_audio
from wsnet_cli.engine.session import Classifier

MakeTone = Callable[..., Path]


def test_scores_are_those_of_the_classifier_best_first(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav", hz=1_500)
    (prediction,) = predict_files(classifier, [path], top_k=2)
    samples, rate = read_audio(path)
    scores = classifier.classify(samples, rate)
    order = np.argsort(-scores)[:2]
    assert [s.label for s in prediction.scores] == [classifier.labels[i] for i in order]
    assert [s.score for s in prediction.scores] == [float(scores[i]) for i in order]
    assert (prediction.file, prediction.status, prediction.error) == (str(path), "ok", "")
    assert prediction.end_s == 0.5


@pytest.mark.parametrize(("top_k", "n_scores"), [(1, 1), (3, 3), (99, 3)])
def test_top_k_beyond_the_labels_gives_all(
    classifier: Classifier, make_tone: MakeTone, top_k: int, n_scores: int
):
    (prediction,) = predict_files(classifier, [make_tone("a.wav")], top_k)
    assert len(prediction.scores) == n_scores
    if top_k >= 3:
        assert sum(s.score for s in prediction.scores) == pytest.approx(1, abs=1e-6)


def test_equal_scores_come_in_the_order_of_the_labels(
    classifier: Classifier, make_tone: MakeTone, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(classifier, "classify", lambda *_: np.float32([0.2, 0.4, 0.4]))
    (prediction,) = predict_files(classifier, [make_tone("a.wav")], 3)
    assert [s.label for s in prediction.scores] == ["class-1", "class-2", "class-0"]


def test_what_cannot_be_read_gets_a_row_and_changes_no_other(
    classifier: Classifier, make_tone: MakeTone, tmp_path: Path
):
    good = [make_tone(f"{hz}.wav", hz) for hz in (300, 700, 1_500)]
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    (tmp_path / "empty.wav").touch()
    cut = make_tone("cut.flac")
    cut.write_bytes(cut.read_bytes()[:-200])
    bad = [tmp_path / "missing.wav", text, tmp_path / "empty.wav", cut, tmp_path]
    alone = list(predict_files(classifier, good, 3))
    mixed = [bad[0], good[0], bad[1], bad[2], good[1], bad[3], good[2], bad[4]]
    rows = list(predict_files(classifier, mixed, 3))
    assert [row.file for row in rows] == [str(path) for path in mixed]
    assert [row for row in rows if row.status == "ok"] == alone
    failed = [row for row in rows if row.status == "error"]
    assert len(failed) == len(bad)
    for row in failed:
        assert row.scores == ()
        assert row.end_s == 0
        assert row.error.startswith(f"{row.file}: ")
        assert "\n" not in row.error


def test_predictions_come_one_by_one(classifier: Classifier, make_tone: MakeTone):
    def files() -> object:
        yield make_tone("a.wav")
        raise AssertionError("the second file was asked for before the first was told")

    assert next(predict_files(classifier, files(), 1)).status == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8_becomes_text(classifier: Classifier, make_tone: MakeTone):
    good = make_tone("a.wav")
    odd = good.rename(good.with_name("\udcff.wav"))
    (prediction,) = predict_files(classifier, [odd], 1)
    assert prediction.status == "ok"
    assert prediction.file.endswith("\\udcff.wav")

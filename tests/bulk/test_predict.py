from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.predict import hear_file, predict_files
from wsnet_cli.core.audio import read_audio
from wsnet_cli.core.parallel import Stopped
from wsnet_cli.engine.session import Classifier, Heard

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
    heard = Heard(np.float32([0.2, 0.4, 0.4]), 1.0)
    monkeypatch.setattr(classifier, "hear", lambda *_: heard)
    (prediction,) = predict_files(classifier, [make_tone("a.wav")], 3)
    assert [s.label for s in prediction.scores] == ["class-1", "class-2", "class-0"]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_what_cannot_be_read_gets_a_row_and_changes_no_other(
    classifier: Classifier, make_tone: MakeTone, tmp_path: Path, workers: int
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
    rows = list(predict_files(classifier, mixed, 3, workers))
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


def test_a_stopped_prediction_ends_between_blocks(classifier: Classifier, make_tone: MakeTone):
    n_checks = 0

    def check() -> None:
        nonlocal n_checks
        n_checks += 1
        raise Stopped

    with pytest.raises(Stopped):
        hear_file(classifier, make_tone("a.wav"), check=check)
    assert n_checks == 1


def test_a_part_of_a_file_is_heard_as_such(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    heard = hear_file(classifier, path, 0.1, 0.3, check=lambda: None)
    assert heard.duration_s == 0.2
    assert np.array_equal(heard.scores, classifier.classify_file(path, 0.1, 0.3))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8_becomes_text(classifier: Classifier, make_tone: MakeTone):
    good = make_tone("a.wav")
    odd = good.rename(good.with_name("\udcff.wav"))
    (prediction,) = predict_files(classifier, [odd], 1)
    assert prediction.status == "ok"
    assert prediction.file.endswith("\\udcff.wav")

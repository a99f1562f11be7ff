from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.inputs.sources import Refusal
from wsnet_cli.bulk.predicting import predict
from wsnet_cli.bulk.predicting.answers import Answer, predictions_of
from wsnet_cli.bulk.predicting.predict import fit, hear_clip, predict_files
from wsnet_cli.bulk.predicting.request import EVENTS, MAX, WINDOWS, Request
from wsnet_cli.core.errors import UsageError
from wsnet_cli.core.parallel import Stopped
from wsnet_cli.core.sound.audio import read_audio
from wsnet_cli.engine.session import Classifier, Heard

MakeTone = Callable[..., Path]


def ask(classifier: Classifier, *names: object, **asked: object) -> list[Answer]:
    request = Request(**asked)  # type: ignore[arg-type]
    return list(predict_files(fit(classifier, request), map(str, names), request))


def test_scores_are_those_of_the_classifier_best_first(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav", hz=1_500)
    (answer,) = ask(classifier, path, top_k=2)
    samples, rate = read_audio(path)
    scores = classifier.classify(samples, rate)
    order = np.argsort(-scores)[:2]
    (segment,) = answer.segments()
    assert segment.scores == tuple((int(i), float(scores[i])) for i in order)
    assert (answer.name, answer.status, answer.error) == (str(path), "ok", "")
    assert (segment.start_s, segment.end_s, answer.duration_s) == (0.0, 0.5, 0.5)
    (prediction,) = predictions_of(answer, classifier.labels)
    assert [s.label for s in prediction.scores] == [classifier.labels[i] for i in order]
    assert [s.score for s in prediction.scores] == [round(float(scores[i]), 6) for i in order]


@pytest.mark.parametrize(("top_k", "n_scores"), [(1, 1), (3, 3), (99, 3)])
def test_top_k_beyond_the_labels_gives_all(
    classifier: Classifier, make_tone: MakeTone, top_k: int, n_scores: int
):
    (answer,) = ask(classifier, make_tone("a.wav"), top_k=top_k)
    (segment,) = answer.segments()
    assert len(segment.scores) == n_scores
    if top_k >= 3:
        assert sum(score for _, score in segment.scores) == pytest.approx(1, abs=1e-6)


def test_equal_scores_come_in_the_order_of_the_labels(
    classifier: Classifier, make_tone: MakeTone, monkeypatch: pytest.MonkeyPatch
):
    heard = Heard(np.float32([0.2, 0.4, 0.4]), 1.0)
    monkeypatch.setattr(classifier, "hear", lambda *_, **__: heard)
    (answer,) = ask(classifier, make_tone("a.wav"), top_k=3)
    (segment,) = answer.segments()
    assert [label for label, _ in segment.scores] == [1, 2, 0]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_what_cannot_be_read_gets_an_answer_and_changes_no_other(
    classifier: Classifier, make_tone: MakeTone, tmp_path: Path, workers: int
):
    good = [str(make_tone(f"{hz}.wav", hz)) for hz in (300, 700, 1_500)]
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    (tmp_path / "empty.wav").touch()
    cut = make_tone("cut.flac")
    cut.write_bytes(cut.read_bytes()[:-200])
    bad = [str(p) for p in (tmp_path / "missing.wav", text, tmp_path / "empty.wav", cut, tmp_path)]
    alone = ask(classifier, *good, top_k=3)
    mixed = [bad[0], good[0], bad[1], bad[2], good[1], bad[3], good[2], bad[4]]
    answers = list(predict_files(classifier, mixed, Request(top_k=3), workers))
    assert [answer.name for answer in answers] == mixed
    found = [list(a.segments()) for a in answers if a.status == "ok"]
    assert found == [list(a.segments()) for a in alone]
    failed = [answer for answer in answers if answer.status == "error"]
    assert len(failed) == len(bad)
    for answer in failed:
        assert list(answer.segments()) == []
        assert answer.duration_s == 0
        assert answer.error.startswith(f"{answer.name}: ")
        assert "\n" not in answer.error


def test_a_name_that_is_refused_is_not_read(classifier: Classifier, make_tone: MakeTone):
    path = str(make_tone("a.wav"))
    for refusal, status in ((Refusal("why", is_skip=True), "skipped"), (Refusal("why"), "error")):
        (answer,) = predict_files(classifier, [path], Request(), refusals={path: refusal})
        assert (answer.status, answer.error, list(answer.segments())) == (status, "why", [])


def test_answers_come_one_by_one(classifier: Classifier, make_tone: MakeTone):
    def names() -> Iterator[str]:
        yield str(make_tone("a.wav"))
        raise AssertionError("the second file was asked for before the first was told")

    assert next(predict_files(classifier, names(), Request())).status == "ok"


def test_a_stopped_prediction_ends_between_blocks(classifier: Classifier, make_tone: MakeTone):
    n_checks = 0

    def check() -> None:
        nonlocal n_checks
        n_checks += 1
        raise Stopped

    with pytest.raises(Stopped):
        hear_clip(classifier, classifier.open_file(make_tone("a.wav")), "a.wav", check)
    assert n_checks == 1


def test_a_part_of_a_file_is_heard_as_such(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    heard = hear_clip(classifier, classifier.open_file(path, 0.1, 0.3), path, lambda: None)
    assert heard.duration_s == 0.2
    assert np.array_equal(heard.scores, classifier.classify_file(path, 0.1, 0.3))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8_is_read_and_told_as_text(
    classifier: Classifier, make_tone: MakeTone
):
    good = make_tone("a.wav")
    odd = good.rename(good.with_name("\udcff.wav"))
    (answer,) = ask(classifier, odd)
    assert answer.status == "ok"
    (prediction,) = predictions_of(answer, classifier.labels)
    assert prediction.file.endswith("\\udcff.wav")


# ------------------------------------------------------------------------------ other views


def test_a_timeline_has_the_windows_of_the_classifier(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    (answer,) = ask(classifier, path, view=WINDOWS, top_k=3)
    parts = list(classifier.hear_windows(classifier.open_file(path)))
    starts = [float(start) for part in parts for start in part.starts_s]
    assert len(starts) > 1, "one window shows nothing"
    segments = list(answer.segments())
    assert [s.start_s for s in segments] == starts
    assert answer.duration_s == 0.5
    scores = np.concatenate([part.scores for part in parts])
    for segment, row in zip(segments, scores, strict=True):
        assert dict(segment.scores) == pytest.approx(dict(enumerate(row.tolist())))


@pytest.mark.parametrize("at_once", [1, 17, 10_000])
@pytest.mark.parametrize("features", [False, True])
def test_how_many_windows_are_held_in_one_piece_changes_none(
    classifier: Classifier,
    make_tone: MakeTone,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    features: bool,
):
    path = make_tone("a.wav")
    asked = {"view": WINDOWS, "hop_s": 0.005, "top_k": 2, "threshold": 0.4, "features": features}
    (usual,) = ask(classifier, path, **asked)
    monkeypatch.setattr(predict, "WINDOWS_AT_ONCE", at_once)
    (answer,) = ask(classifier, path, **asked)
    assert len(answer.parts) == {1: 6, 17: 3, 10_000: 1}[at_once]
    found, expected = ([s[:3] for s in a.segments()] for a in (answer, usual))
    assert found == expected
    assert len(found) > 50
    rows, others = ([s.features for s in a.segments()] for a in (answer, usual))
    assert not features or np.array_equal(rows, others)


def test_other_windows_are_asked_for(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    window_s = classifier.model.audio.window_s
    (usual,) = ask(classifier, path, view=WINDOWS)
    (dense,) = ask(classifier, path, view=WINDOWS, hop_s=window_s / 8)
    assert len(list(dense.segments())) > len(list(usual.segments()))
    with pytest.raises(UsageError):
        ask(classifier, path, view=WINDOWS, window_s=1e-4)


def test_events_join_neighbours(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    (windows,) = ask(classifier, path, view=WINDOWS)
    (events,) = ask(classifier, path, view=EVENTS)
    labels = {segment.scores[0][0] for segment in windows.segments()}
    found = list(events.segments())
    assert {segment.scores[0][0] for segment in found} == labels
    assert len(found) <= len(list(windows.segments()))
    assert all(len(segment.scores) == 1 for segment in found)
    assert found[0].start_s == next(windows.segments()).start_s


def test_the_largest_score_of_any_window(classifier: Classifier, make_tone: MakeTone):
    path = make_tone("a.wav")
    (answer,) = ask(classifier, path, aggregate=MAX, top_k=3)
    (segment,) = answer.segments()
    parts = classifier.hear_windows(classifier.open_file(path))
    largest = np.concatenate([part.scores for part in parts]).max(axis=0)
    assert dict(segment.scores) == pytest.approx(dict(enumerate(largest.tolist())))


def test_features_of_a_clip_are_the_mean_over_its_windows(
    classifier: Classifier, make_tone: MakeTone
):
    path = make_tone("a.wav")
    (clip,) = ask(classifier, path, features=True, top_k=3)
    (windows,) = ask(classifier, path, features=True, view=WINDOWS)
    (plain,) = ask(classifier, path, top_k=3)
    (segment,) = clip.segments()
    (same,) = plain.segments()
    assert dict(segment.scores) == pytest.approx(dict(same.scores))
    rows = [s.features for s in windows.segments()]
    assert len(rows) > 1
    assert segment.features == pytest.approx(np.mean(rows, axis=0), abs=1e-5)
    assert len(segment.features) == classifier.model.network.n_features


def test_one_channel_of_two(classifier: Classifier, tmp_path: Path):
    import soundfile

    times = np.arange(4_000) / 8_000
    both = 0.3 * np.sin(2 * np.pi * np.outer(times, [400.0, 1_500.0]))
    soundfile.write(tmp_path / "both.wav", both, 8_000)
    soundfile.write(tmp_path / "right.wav", both[:, 1], 8_000)
    (right,) = ask(classifier, tmp_path / "right.wav", top_k=3)
    (second,) = ask(classifier, tmp_path / "both.wav", top_k=3, channel=2)
    (mixed,) = ask(classifier, tmp_path / "both.wav", top_k=3)
    assert list(second.segments()) == list(right.segments()) != list(mixed.segments())
    (third,) = ask(classifier, tmp_path / "both.wav", channel=3)
    assert third.status == "error"
    assert "channel" in third.error


def test_without_a_number_one_label_is_told_or_of_a_multi_label_model_all(
    classifier: Classifier, make_tone: MakeTone
):
    asked = Request(top_k=None, threshold=0.1)
    assert asked.settled(multi_label=False) == Request(top_k=1, threshold=0.1)
    assert asked.settled(multi_label=True) == asked
    assert Request(top_k=2).settled(multi_label=True) == Request(top_k=2)
    calm = Request(top_k=None)
    assert calm.settled(multi_label=True) == Request(top_k=1)
    assert calm.settled(multi_label=True, decides=True) == calm
    assert calm.settled(multi_label=False, decides=True) == Request(top_k=1)
    for view in ("clip", WINDOWS):
        path = make_tone("a.wav")
        (every,) = ask(classifier, path, view=view, top_k=None)
        (three,) = ask(classifier, path, view=view, top_k=3)
        assert list(every.segments()) == list(three.segments())

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.evaluating.evaluate import N_LABELS_SHOWN, evaluate_clips
from wsnet_cli.core.errors import DataError
from wsnet_cli.core.measures.multi_label_metrics import measure_labels
from wsnet_cli.core.model import Model
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.engine.session import Classifier

MakeTone = Callable[..., Path]
HEADER = ("clip", "label", "part", "fold", "group", "start_s", "end_s", "content")


@pytest.fixture
def tone_classifier(tone_model: Model) -> Classifier:
    return Classifier(tone_model)


# ------------------------------------------------------------------------------ measuring


def test_measures_are_those_of_the_classifier_by_hand(tone_classifier: Classifier, tones: Path):
    clips = load_dataset(tones).clips
    outcome = evaluate_clips(tone_classifier, clips)
    predicted = [
        tone_classifier.labels[int(np.argmax(tone_classifier.classify_file(clip.path)))]
        for clip in clips
    ]
    assert len(set(predicted)) > 1, "the model must tell some clips apart"
    n_right = sum(p == clip.label for p, clip in zip(predicted, clips, strict=True))
    assert [(c.file, c.label, c.predicted) for c in outcome.clips] == [
        (clip.name, clip.label, p) for clip, p in zip(clips, predicted, strict=True)
    ]
    assert outcome.metrics.n_right == n_right
    assert outcome.metrics.accuracy == n_right / 21
    counts = [
        [
            sum(c.label == t and p == w for c, p in zip(clips, predicted, strict=True))
            for w in tone_classifier.labels
        ]
        for t in tone_classifier.labels
    ]
    assert np.array_equal(outcome.metrics.confusion, counts)


def test_a_clip_that_cannot_be_read_is_listed_and_not_counted(
    tone_classifier: Classifier, tones: Path
):
    (tones / "low" / "3.wav").write_text("no audio")
    told: list[tuple[int, int, float]] = []
    outcome = evaluate_clips(
        tone_classifier, load_dataset(tones).clips, lambda *at: told.append(at)
    )
    (failure,) = outcome.failures
    assert failure.name == "low/3.wav"
    assert outcome.metrics.n_clips == 20
    assert outcome.as_json()["failed"] == [{"file": "low/3.wav", "error": failure.reason}]
    assert [(n, of) for n, of, _ in told] == [(k, 21) for k in range(1, 22)]
    assert [seconds for *_, seconds in told].count(0.0) == 1
    assert sum(seconds for *_, seconds in told) == sum(c.duration_s for c in outcome.clips) > 6


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_change_no_measure(tone_classifier: Classifier, tones: Path, workers: int):
    (tones / "low" / "3.wav").write_text("no audio")
    clips = load_dataset(tones).clips
    alone, shared = (evaluate_clips(tone_classifier, clips, workers=n) for n in (1, workers))
    assert shared.as_json() == alone.as_json()
    assert (shared.clips, shared.failures) == (alone.clips, alone.failures)


def test_only_the_part_of_a_file_that_is_meant_is_heard(
    tone_classifier: Classifier, make_tone: MakeTone
):
    path = make_tone("a.wav")
    clip = Clip(path, "a.wav", "low", start_s=0.1, end_s=0.2)
    outcome = evaluate_clips(tone_classifier, [clip])
    scores = tone_classifier.classify_file(path, 0.1, 0.2)
    assert outcome.clips[0].score == float(scores.max())
    assert outcome.clips[0].score != float(tone_classifier.classify_file(path).max())


def test_no_readable_clip_is_an_error(tone_classifier: Classifier, tmp_path: Path):
    clips = [Clip(tmp_path / f"{i}.wav", f"{i}.wav", "low") for i in range(2)]
    with pytest.raises(DataError, match=r"none of 2 clips can be read; the first: .*0\.wav: does"):
        evaluate_clips(tone_classifier, clips)


def test_classes_that_the_model_lacks_are_named(classifier: Classifier, tones: Path):
    with pytest.raises(
        DataError,
        match="classes that the model does not know: high, low, middle; its labels: class-0, cl",
    ):
        evaluate_clips(classifier, load_dataset(tones).clips)
    one = load_dataset(tones).clips[0]
    many = [replace(one, label=f"x{i}") for i in range(N_LABELS_SHOWN + 1)]
    with pytest.raises(DataError, match=r"does not know: x0, .*, \.\.\.; its labels"):
        evaluate_clips(classifier, many)


# ------------------------------------------------------------------------- several labels


@pytest.fixture
def several_classifier(tone_model: Model) -> Classifier:
    return Classifier(replace(tone_model, multi_label=True))


def several(clips: list[Clip], *labels: str) -> list[Clip]:
    """The clips with these labels, again from the first where there are fewer."""
    return [
        replace(clip, label=labels[i % len(labels)], multi_label=True)
        for i, clip in enumerate(clips)
    ]


def test_measures_of_several_labels_are_those_of_the_classifier_by_hand(
    several_classifier: Classifier, tones: Path
):
    clips = several([*load_dataset(tones).clips], "high;low", "", "middle")
    outcome = evaluate_clips(several_classifier, clips, workers=2)
    scores = np.stack([several_classifier.classify_file(clip.path) for clip in clips])
    names = several_classifier.labels
    truth = np.array([[name in clip.classes for name in names] for clip in clips])
    assert outcome.metrics == measure_labels(truth, scores, several_classifier.labels)
    for result, row in zip(outcome.clips, scores, strict=True):
        above = [label for label, s in zip(several_classifier.labels, row, strict=True) if s >= 0.5]
        assert (result.predicted, result.score) == (";".join(above), float(row.max()))
    assert outcome.as_json()["multi_label"] is True
    assert "confusion" not in outcome.as_json()


def test_data_with_one_label_each_will_do_for_several(several_classifier: Classifier, tones: Path):
    clips = load_dataset(tones).clips
    alike = [replace(clip, multi_label=True) for clip in clips]
    one, other = (evaluate_clips(several_classifier, some) for some in (clips, alike))
    assert (one.clips, one.as_json()) == (other.clips, other.as_json())
    assert [row.support for row in one.metrics.per_class] == [7, 7, 7]


def test_several_labels_are_too_many_for_a_model_of_one(tone_classifier: Classifier, tones: Path):
    clips = several([*load_dataset(tones).clips], "high")
    with pytest.raises(DataError, match=r"^the data is multi-label, and the model tells"):
        evaluate_clips(tone_classifier, clips)


def test_one_unknown_name_among_several_is_refused(several_classifier: Classifier, tones: Path):
    clips = several([*load_dataset(tones).clips], "high", "low;shrill")
    with pytest.raises(DataError, match="classes that the model does not know: shrill; its labels"):
        evaluate_clips(several_classifier, clips)

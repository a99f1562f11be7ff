from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.calibrating.background import (
    Background,
    hear_background,
    list_background,
    usual_windows,
)
from wsnet_cli.bulk.calibrating.calibrate import calibrate
from wsnet_cli.bulk.calibrating.logits import ClipLogits, LabelledLogits, hear_labelled
from wsnet_cli.bulk.calibrating.unknown import measure_alarms, measure_clips_told
from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.evaluating.evaluate import evaluate_clips
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.errors import DataError, GateError, UsageError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, save_model
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.engine.session import Classifier

MakeTone = Callable[..., Path]


@pytest.fixture
def clips(tones: Path) -> tuple[Clip, ...]:
    return load_dataset(tones).clips[:]


@pytest.fixture
def labelled(tone_model: Model, clips: tuple[Clip, ...]) -> LabelledLogits:
    return hear_labelled(Classifier(tone_model), clips, FileAudio())


def write_noise(folder: Path, lengths: dict[str, int]) -> Path:
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for name, n in lengths.items():
        soundfile.write(folder / name, 0.1 * rng.standard_normal(n), 8_000)
    return folder


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_scores_of_kept_logits_are_those_of_the_classifier(
    tone_model: Model, clips: tuple[Clip, ...], multi_label: bool, workers: int
) -> None:
    plain = replace(tone_model, multi_label=multi_label)
    labelled = hear_labelled(Classifier(plain), clips, FileAudio(), workers)
    assert labelled.truth.sum(axis=1).tolist() == [1] * len(clips)
    for temperature in (1.0, 0.5, 3.0):
        warm = Classifier(replace(plain, calibration=Calibration(temperature)))
        scores = labelled.scores(temperature, multi_label=multi_label)
        heard = np.stack([warm.classify_file(clip.path) for clip in clips])
        assert np.array_equal(scores, heard)
    assert labelled.counts.sum() == len(labelled.logits)


def test_clips_that_cannot_be_read_are_left_out(tone_model: Model, clips: tuple[Clip, ...]) -> None:
    clips[1].path.write_bytes(b"")
    seen: list[tuple[int, int, float]] = []
    labelled = hear_labelled(
        Classifier(tone_model), clips, FileAudio(), on_clip=lambda *told: seen.append(told)
    )
    assert len(labelled.clips) == len(labelled.truth) == len(clips) - 1
    assert [failure.name for failure in labelled.failures] == [clips[1].name]
    assert [done for done, _, _ in seen] == list(range(1, len(clips) + 1))
    assert seen[1][2] == 0 < seen[0][2]
    with pytest.raises(DataError, match="none of 1 clips can be read; the first: "):
        hear_labelled(Classifier(tone_model), clips[1:2], FileAudio())


def test_a_long_background_file_is_many_clips(small_model: Model, tmp_path: Path) -> None:
    lengths = {"short.wav": 100, "clip.wav": 4_000, "long.wav": 40_000}
    folder = write_noise(tmp_path / "noise", lengths)
    (folder / "broken.wav").write_bytes(b"")
    (folder / "notes.txt").write_text("no sound")
    classifier = Classifier(small_model)
    n_windows = usual_windows([0.5], small_model.audio)
    assert n_windows == 9
    found = hear_background(classifier, list_background(folder), n_windows)
    # Of 1, 9 and 99 windows.
    assert [len(clip) for clip in found.clips] == [9, *[9] * 11, 1]
    assert found.n_files == 3
    assert found.seconds == pytest.approx(sum(lengths.values()) / 8_000)
    assert [Path(failure.name).name for failure in found.failures] == ["broken.wav"]
    scores = found.scores(1.0, multi_label=False)
    whole = classifier.classify_file(folder / "clip.wav")
    assert scores[0] == pytest.approx(whole, abs=1e-6)
    assert found.alarms(scores, Calibration(), multi_label=False).n_told == 13


def test_a_background_that_is_none_is_refused(small_model: Model, tmp_path: Path) -> None:
    classifier = Classifier(small_model)
    with pytest.raises(UsageError, match=r"--background .*nothing: expected a folder of audio"):
        hear_background(classifier, list_background(tmp_path / "nothing"), 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no file can be read; the first: .*without audio"):
        hear_background(classifier, list_background(tmp_path / "empty"), 1)


def test_what_was_chosen_is_what_is_measured_again(
    tone_model: Model, labelled: LabelledLogits, clips: tuple[Clip, ...], tmp_path: Path
) -> None:
    """The figures of calibrate are those that a fresh look at its model file gives."""
    folder = write_noise(tmp_path / "noise", {f"{i}.wav": 3_000 for i in range(20)})
    background = hear_background(Classifier(tone_model), list_background(folder), 5)
    found = calibrate(tone_model, labelled, background, max_rate=0.1)
    assert found.after.negative_log_likelihood <= found.before.negative_log_likelihood
    assert found.unknown is not None
    assert found.unknown.fit.false_alarm_rate <= 0.1
    save_model(tmp_path / "cal.wsnet", found.model)
    model = load_model(tmp_path / "cal.wsnet")
    assert model.calibration == found.model.calibration
    classifier = Classifier(model)
    evaluation = evaluate_clips(classifier, clips)
    again = evaluation.evaluated.metrics.reliability
    assert again is not None
    assert again.negative_log_likelihood == pytest.approx(found.after.negative_log_likelihood)
    assert again.calibration_error == pytest.approx(found.after.calibration_error)
    assert evaluation.metrics.accuracy == found.after.accuracy
    told = measure_clips_told(classifier, evaluation.evaluated)
    assert told == found.told
    alarms = measure_alarms(classifier, evaluation.evaluated, list_background(folder))
    assert alarms.threshold == found.unknown.fit.threshold
    assert alarms.alarms.n_told <= found.unknown.fit.n_false
    assert measure_clips_told(Classifier(tone_model), evaluation.evaluated) is None


def test_background_has_no_say_in_anything_else(
    tone_model: Model, labelled: LabelledLogits, tmp_path: Path
) -> None:
    alone = calibrate(tone_model, labelled)
    assert alone.unknown is None
    for i, lengths in enumerate(({"a.wav": 900}, {"b.wav": 9_000, "c.wav": 20_000})):
        folder = write_noise(tmp_path / str(i), lengths)
        sounds = hear_background(Classifier(tone_model), list_background(folder), 5)
        found = calibrate(tone_model, labelled, sounds)
        own = found.model.calibration
        assert replace(own, unknown=None, false_alarm_rate=None) == alone.model.calibration
        assert (found.thresholds, found.before, found.after) == (
            *(alone.thresholds, alone.before, alone.after),
        )


def test_calibrating_again_forgets_what_was_there(
    tone_model: Model, labelled: LabelledLogits
) -> None:
    found = calibrate(tone_model, labelled)
    odd = replace(tone_model, calibration=Calibration(7.0, (0.5, 0.6, 0.7), 0.9, 0.5))
    assert calibrate(odd, labelled).model == found.model


def test_without_thresholds_labels_have_none(tone_model: Model, labelled: LabelledLogits) -> None:
    found = calibrate(tone_model, labelled, with_thresholds=False)
    assert found.thresholds == ()
    assert found.model.calibration == Calibration(found.temperature.temperature)
    assert found.as_json()["thresholds"] == []
    # Seven clips of each label are too few for any.
    assert not any(row.is_fitted for row in calibrate(tone_model, labelled).thresholds)


def test_background_as_sure_as_can_be_is_refused(
    tone_model: Model, labelled: LabelledLogits, tmp_path: Path
) -> None:
    *body, last = tone_model.weights
    sure = replace(last, bias=last.bias + np.float32([1e6, 0, 0]))
    model = replace(tone_model, weights=(*body, sure))
    folder = write_noise(tmp_path / "noise", {"a.wav": 900})
    background = hear_background(Classifier(model), list_background(folder), 5)
    with pytest.raises(GateError, match="1 of 1 background clips score 1, so no threshold keeps"):
        calibrate(model, labelled, background)


def test_a_calibration_survives_compressing(tone_model: Model, tmp_path: Path) -> None:
    own = Calibration(1.5, (0.25, 0.0, 0.5), 0.375, 0.05)
    model = replace(tone_model, calibration=own)
    for bits in (8, 4):
        save_model(tmp_path / "small.wsnet", compress(model, bits))
        small = load_model(tmp_path / "small.wsnet")
        assert small.calibration == own
        assert small.bits == bits


def test_what_is_kept_is_counted_of_clips_that_have_a_label(
    tone_model: Model, labelled: LabelledLogits
) -> None:
    """Of the others any label that is told is a false alarm."""
    model = replace(tone_model, multi_label=True)
    truth = labelled.truth.copy()
    truth[::2] = False
    found = calibrate(model, replace(labelled, truth=truth), with_thresholds=False)
    told = labelled.scores(found.temperature.temperature, multi_label=True).max(axis=1) >= 0.5
    assert found.told.n_told == told.sum() > told[1::2].sum() == found.n_kept > 0


def test_several_labels_from_end_to_end(tone_model: Model) -> None:
    """Logits three times as large as those that the labels were drawn by, and weak background."""
    rng = np.random.default_rng(1)
    model = replace(tone_model, multi_label=True)
    logits = rng.normal(0, 2, (300, 3))
    truth = rng.random((300, 3)) < 1 / (1 + np.exp(-logits))
    clips = tuple(ClipLogits((row,), 1.0) for row in (3 * logits[:, None]).astype(np.float32))
    sounds = Background(
        tuple(rng.normal(-6, 3, (40, 2, 3)).astype(np.float32)),
        n_files=40,
        seconds=80.0,
        failures=(),
    )
    found = calibrate(model, LabelledLogits(clips, truth, ()), sounds, max_rate=0.1)
    own = found.model.calibration
    assert own.temperature == pytest.approx(3, rel=0.2)
    assert own.thresholds is not None
    assert all(row.is_fitted and row.f1 >= row.f1_before for row in found.thresholds)
    assert found.after.calibration_error < found.before.calibration_error
    assert found.unknown is not None
    assert found.unknown.fit.n_false <= 4
    scores = sounds.scores(own.temperature, multi_label=True)
    assert (scores.max(axis=1) >= own.unknown).sum() == found.unknown.fit.n_false
    classifier = Classifier(found.model)
    named = [classifier.told(row) for row in scores]
    assert sum(bool(labels) for labels in named) == found.unknown.alarms.n_told

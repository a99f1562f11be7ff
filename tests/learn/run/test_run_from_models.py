"""Runs that start from a model, and runs that learn from some."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.configuration.config_file import load_config, parse_config
from wsnet_cli.core.errors import (
    ArtifactError,
    ConfigError,
    Interrupted,
    TrainingError,
    UsageError,
)
from wsnet_cli.core.model import compress
from wsnet_cli.core.model_file.artifact import load_model, save_model
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run import Result, estimate_run, resume_run, start_run
from wsnet_cli.learn.teachers.model_source import read_source

from ..conftest import TINY_SETTINGS, StoppingListener

SAME_FILES = ("model.wsnet", "metrics.csv", "last.safetensors", "metrics.json", "confusion.csv")
HEARING = TINY_SETTINGS[:2]


@pytest.fixture
def base(train) -> Path:
    """A finished run on `tones`."""
    folder: Path = train(name="base").folder.path
    return folder


@pytest.fixture
def again(tones: Path, tmp_path: Path) -> Callable[..., Result]:
    """Train on `tones` with models: `again(*settings, start=..., teachers=..., listener=...)`."""

    def request(
        *settings: str,
        start: Path | str | None = None,
        teachers: tuple[Path | str, ...] = (),
        text: str = "",
        **more: object,
    ) -> Request:
        values: dict[str, object] = {"start": None if start is None else str(start)}
        if teachers:
            values["train.distill.teachers"] = [str(teacher) for teacher in teachers]
        known = TINY_SETTINGS if start is None else TINY_SETTINGS[5:]
        config = parse_config(text, "test", (*known, *settings), values)
        words = {"source": tones, "preset": "tiny", "name": "again", "device": "cpu", "threads": 1}
        return Request(config=config, runs=tmp_path / "runs", **(words | more))  # type: ignore[arg-type]

    def run(*settings: str, listener: SilentListener | None = None, **more: object) -> Result:
        return start_run(request(*settings, **more), listener or SilentListener())  # type: ignore[arg-type]

    run.request = request  # type: ignore[attr-defined]
    return run


def resume(folder: Path, listener: SilentListener | None = None) -> Result:
    return resume_run(folder, None, "cpu", listener or SilentListener())


def assert_same(folder: Path, whole: Result) -> None:
    for name in SAME_FILES:
        assert (folder / name).read_bytes() == (whole.folder.path / name).read_bytes(), name


# ---------------------------------------------------------------------------------- start


def test_run_from_a_model_has_its_network_and_audio(base: Path, again) -> None:
    listener = StoppingListener()
    result = again(start=base, listener=listener)
    before, after = load_model(base / "model.wsnet"), load_model(result.folder.model)
    assert (after.network, after.audio, after.labels) == (
        before.network,
        before.audio,
        before.labels,
    )
    assert after.provenance["start"] == read_source(str(base)).digest
    assert f"from {base}: the head is kept: the classes are the same" in listener.remarks
    assert listener.warnings == []
    copy = result.folder.path / "start.wsnet"
    assert copy.read_bytes() == (base / "model.wsnet").read_bytes()
    config = load_config(str(result.folder.config))
    assert config.start == str(base)
    assert config.audio.sample_rate == 8_000
    assert "width" not in result.folder.config.read_text(encoding="utf-8")


def test_it_goes_on_from_the_weights(base: Path, again, train) -> None:
    """After one step at a rate of nearly 0 only batch norm's statistics have moved."""
    few = ("train.epochs=1", "train.lr=1e-9", "train.batch_size=30", "train.average_decay=0")
    model = load_model(again(*few, start=base).folder.model)
    for own, before in zip(model.weights, load_model(base / "model.wsnet").weights, strict=True):
        np.testing.assert_allclose(own.phi, before.phi, atol=1e-6)
    fresh = load_model(train(*few, "train.seed=1", name="fresh").folder.model)
    assert np.abs(fresh.weights[0].phi - model.weights[0].phi).max() > 0.1


def test_an_8_bit_model_is_one_to_start_from(base: Path, again, tmp_path: Path) -> None:
    save_model(tmp_path / "small.wsnet", compress(load_model(base / "model.wsnet")))
    result = again(start=tmp_path / "small.wsnet")
    assert load_model(result.folder.model).bits == 32


def test_data_of_other_classes_replaces_the_head(base: Path, again, tones: Path) -> None:
    shutil.copytree(tones / "low", tones / "new")
    for number, path in enumerate(sorted((tones / "new").iterdir())):
        samples = path.read_bytes()
        path.write_bytes(samples[:-400] + bytes([number]) * 400)
    listener = StoppingListener()
    result = again(start=base, listener=listener)
    assert f"from {base}: the head is replaced: 3 of 4 classes are known" in listener.remarks
    assert load_model(result.folder.model).labels == ("high", "low", "middle", "new")


def test_a_warning_says_if_the_start_knows_the_held_out_clips(train, again) -> None:
    everything = train(name="everything", fold="none").folder.path
    listener = StoppingListener()
    result = again(start=everything, listener=listener)
    n = result.metrics.n_clips
    assert listener.warnings == [
        f"{everything} was trained on {n} of the {n} held-out clips: what is measured will be too "
        "good"
    ]


@pytest.mark.parametrize("k", [1, 4, 8])
def test_a_stopped_run_from_a_model_ends_as_if_it_never_was(k: int, base: Path, again) -> None:
    whole = again(start=base, name="whole")
    with pytest.raises(Interrupted):
        again(start=base, name="stopped", listener=StoppingListener(stop_at=k))
    folder = whole.folder.path.parent / "stopped"
    shutil.rmtree(base)
    resume(folder)
    assert_same(folder, whole)
    config = (folder / "config.yaml").read_bytes()
    assert config == whole.folder.config.read_bytes()


def test_a_changed_start_is_refused_by_its_name(base: Path, again, train, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        again(start=base, listener=StoppingListener(stop_at=4))
    folder = tmp_path / "runs" / "again"
    other = train("train.seed=1", name="other").folder.model
    shutil.copy(other, folder / "start.wsnet")
    with pytest.raises(
        TrainingError, match=r"models\.start\.wsnet was [0-9a-f]{16} and is now .*start a new run"
    ):
        resume(folder)
    (folder / "start.wsnet").unlink()
    with pytest.raises(ArtifactError, match=r"start\.wsnet: no such file; expected a wsnet model"):
        resume(folder)


def test_the_folder_that_a_run_starts_from_may_be_its_own(base: Path, again) -> None:
    before = (base / "model.wsnet").read_bytes()
    result = again(start=base, name="base", force=True)
    assert result.folder.path == base
    assert (base / "start.wsnet").read_bytes() == before


def test_a_new_run_in_an_old_folder_leaves_no_copies_behind(base: Path, again, train) -> None:
    folder = again(start=base, teachers=(base, base)).folder.path
    copies = {"start.wsnet", "teacher-1.wsnet", "teacher-2.wsnet"}
    assert copies <= {path.name for path in folder.iterdir()}
    train(name="again", force=True)
    assert not copies & {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("setting", ["audio.sample_rate=9000", "network.width=0.5"])
def test_another_network_or_audio_is_refused_before_anything_is_written(
    setting: str, base: Path, again, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=setting.partition("=")[0]):
        again(setting, start=base)
    assert not (tmp_path / "runs" / "again").exists()


def test_what_is_left_to_the_data_is_only_about_training(base: Path, again) -> None:
    listener = StoppingListener()
    text = "from_data: [rate, window, pooling]"
    result = again(start=base, text=text, listener=listener)
    assert load_config(str(result.folder.config)).audio.window_s == 0.25


def test_an_estimate_takes_models_too(base: Path, again) -> None:
    request = again.request(start=base, teachers=(base,))
    assert estimate_run(request, SilentListener()).steps == 9


# ------------------------------------------------------------------------------- teachers


def assert_same_weights(one: Result, two: Result) -> None:
    for own, other in zip(one.model.weights, two.model.weights, strict=True):
        np.testing.assert_array_equal(own.phi, other.phi)


def test_with_a_share_of_1_only_the_teachers_have_a_word(base: Path, again, train) -> None:
    """Label smoothing changes the labels' part alone."""
    other = train("train.seed=1", name="other").folder.path
    whole = "train.distill.share=1"
    student = again(whole, teachers=(base,))
    smooth = again(whole, "train.label_smoothing=0.5", teachers=(base,), name="smooth")
    assert_same_weights(student, smooth)
    differs = again("train.label_smoothing=0.5", teachers=(base,), name="differs")
    others = again(whole, teachers=(other,), name="others")
    for result in (differs, others):
        with pytest.raises(AssertionError):
            assert_same_weights(student, result)


def test_a_share_of_0_is_training_without_teachers(base: Path, again) -> None:
    alone = again(name="alone")
    assert_same_weights(alone, again("train.distill.share=0", teachers=(base,), name="taught"))


def test_teachers_are_copied_and_told_of(base: Path, train, again) -> None:
    other = train("train.seed=1", name="other").folder.path
    listener = StoppingListener()
    result = again(teachers=(base, other), listener=listener)
    digests = [read_source(str(path)).digest for path in (base, other)]
    assert result.model.provenance["teachers"] == " ".join(digests)
    assert {f"teacher: {base}", f"teacher: {other}"} <= set(listener.remarks)
    copy = result.folder.path / "teacher-2.wsnet"
    assert copy.read_bytes() == (other / "model.wsnet").read_bytes()


@pytest.mark.parametrize("k", [2, 7])
def test_a_stopped_student_ends_as_if_it_never_was(k: int, base: Path, again, train) -> None:
    other = train("train.seed=1", name="other").folder.path
    whole = again(teachers=(base, other), name="whole")
    with pytest.raises(Interrupted):
        again(teachers=(base, other), name="stopped", listener=StoppingListener(stop_at=k))
    shutil.rmtree(other)
    folder = whole.folder.path.parent / "stopped"
    resume(folder)
    assert_same(folder, whole)


def test_a_changed_teacher_is_refused_by_its_name(base: Path, again, train, tmp_path: Path) -> None:
    other = train("train.seed=1", name="other").folder.path
    with pytest.raises(Interrupted):
        again(teachers=(base, other), listener=StoppingListener(stop_at=4))
    folder = tmp_path / "runs" / "again"
    shutil.copy(folder / "teacher-1.wsnet", folder / "teacher-2.wsnet")
    with pytest.raises(TrainingError, match=r"models\.teacher-2\.wsnet was .* and is now "):
        resume(folder)


def test_a_teacher_that_does_not_fit_is_refused_before_anything_is_written(
    base: Path, again, tmp_path: Path
) -> None:
    model = load_model(base / "model.wsnet")
    path = tmp_path / "t.wsnet"
    save_model(path, replace(model, labels=("high", "low", "other")))
    with pytest.raises(UsageError, match=r"t\.wsnet: does not know the class 'middle'"):
        again(teachers=(base, path))
    save_model(path, replace(model, audio=replace(model.audio, normalise="none")))
    with pytest.raises(UsageError, match=r"t\.wsnet: its normalisation is none; expected rms"):
        again(teachers=(path,))
    assert not (tmp_path / "runs" / "again").exists()


def test_start_and_teachers_go_together(base: Path, again) -> None:
    result = again(start=base, teachers=(base,))
    assert {"start", "teachers"} <= set(result.model.provenance)


# ------------------------------------------------------------------------- several labels


def test_of_several_labels_a_student_learns_from_its_like_alone(
    base: Path, again, several_labels: Path
) -> None:
    listener = StoppingListener()
    first = again(start=base, source=several_labels, name="first", listener=listener)
    assert f"from {base}: the head is replaced: 3 of 4 classes are known" in listener.remarks
    assert first.model.multi_label
    assert first.model.labels == ("high", "loud", "low", "middle")
    teacher = first.folder.path
    student = again(source=several_labels, teachers=(teacher,), name="student")
    assert student.model.multi_label
    with pytest.raises(UsageError, match="gives one label for each clip; expected any number"):
        again(source=several_labels, teachers=(base,), name="refused")
    with pytest.raises(UsageError, match="gives any number of labels for a clip; expected one"):
        again(teachers=(teacher,), name="refused")

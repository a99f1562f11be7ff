"""`wsnet train --from MODEL` and `--teacher MODEL`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.data.synthetic import KINDS

SHORT = ("--epochs", 1, "-s", "train.batch_size=8", "--threads", 1)


def test_a_run_goes_on_from_a_model(wsnet, trained) -> None:
    outcome = wsnet("train", trained.data, "--from", "runs/default", "--name", "on", *SHORT)
    assert outcome.code == 0, outcome.stderr
    assert "from runs/default: the head is kept: the classes are the same" in outcome.stderr
    assert load_model(Path("runs/on/model.wsnet")).network == load_model(trained.model).network
    assert "start: runs/default\n" in Path("runs/on/config.yaml").read_text()
    told = wsnet("info", "runs/on")
    assert "made with start" in told.stdout
    again = wsnet("train", trained.data, "-c", "runs/on/config.yaml", "--name", "again")
    assert again.code == 0, again.stderr
    first, second = (Path(f"runs/{name}/config.yaml").read_bytes() for name in ("on", "again"))
    assert first == second


def test_a_start_that_knows_what_is_held_out_is_told_of_later_too(wsnet, trained) -> None:
    options = ("--from", "runs/default", "--fold", 2, "--name", "on", *SHORT)
    begun = wsnet("train", trained.data, *options)
    assert begun.code == 0, begun.stderr
    (said,) = [line for line in begun.stderr.splitlines() if "will be too good" in line]
    assert said.startswith("warning: runs/default was trained on ")
    evaluated = wsnet("evaluate", "runs/on")
    assert evaluated.code == 0
    assert evaluated.stderr.splitlines().count(said) == 1
    assert "too good" not in wsnet("evaluate", "runs/default").stderr
    for damaged in ("[]", '{"leaks": 3}', "{"):
        Path("runs/on/env.json").write_text(damaged)
        assert "too good" not in wsnet("evaluate", "runs/on").stderr


def test_other_classes_are_said(wsnet, trained) -> None:
    shutil.rmtree(trained.data / KINDS[0])
    outcome = wsnet("train", trained.data, "--from", trained.model, *SHORT)
    assert outcome.code == 0, outcome.stderr
    assert "the head is replaced: 2 of 2 classes are known" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-s", "audio.sample_rate=16000"), "audio.sample_rate = 16000: runs/default, from which"),
        (("-s", "network.width=0.5"), "network.width: make another network than that of runs/def"),
        (("-c", "esc10-narrow"), "make another network than that of runs/default"),
        (("--from", "gone"), "gone: no such model; expected a .wsnet file"),
        (("-c", "nothing"), "nothing: no such preset or file"),
    ],
)
def test_what_cannot_be_is_refused_before_torch_is_there(
    options: tuple[str, ...], said: str, child, trained
) -> None:
    outcome = child("train", trained.data, "--from", "runs/default", *options)
    assert outcome.code == 2
    assert said in outcome.error
    assert not Path("runs/default-2").exists()


def test_a_student_learns_from_teachers(
    wsnet, trained, tiny_options: Callable[..., list[str]]
) -> None:
    options = ("--teacher", "runs/default", "--teacher", trained.model, "--name", "student")
    outcome = wsnet(
        "train", trained.data, *options, *tiny_options("train.distill.share=0.5"), "--epochs", 1
    )
    assert outcome.code == 0, outcome.stderr
    assert "teacher: runs/default" in outcome.stderr
    text = Path("runs/student/config.yaml").read_text()
    assert f"    teachers:\n    - runs/default\n    - {trained.model}\n" in text
    assert "    share: 0.5\n" in text
    assert Path("runs/student/teacher-2.wsnet").read_bytes() == trained.model.read_bytes()


def test_a_teacher_that_hears_something_else_is_refused(
    wsnet, trained, tiny_options: Callable[..., list[str]]
) -> None:
    options = (*tiny_options("audio.window_s=0.7"), "--teacher", "runs/default", "--name", "x")
    outcome = wsnet("train", trained.data, *options)
    assert outcome.code == 2
    assert "teacher runs/default: its window is 4,800 samples; expected 5,600" in outcome.error
    assert not Path("runs/x").exists()


@pytest.mark.parametrize("option", ["--from", "--teacher"])
def test_models_do_not_change_in_the_middle_of_a_run(option: str, wsnet, trained) -> None:
    outcome = wsnet("train", "--resume", trained.run, option, "esc10")
    assert outcome.code == 2
    assert f"--resume: {option} cannot change in the middle of a run" in outcome.error

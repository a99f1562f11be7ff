"""`wsnet train --teacher JOB`: each run learns from the runs of its own fold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

JOB = Path("runs/large")
FOLDS = ("1", "2")


@pytest.fixture
def options(tiny_options: Callable[..., list[str]]) -> list[str]:
    return [*tiny_options(), "--epochs", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def finished_job(
    wsnet,
    sound_folder: Path,
    tiny_options: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A job of two folds and two seeds, which are the same run, to save time."""
    root = tmp_path_factory.mktemp("job")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSNET_CACHE", str(root / "cache"))
        patch.chdir(root)
        for fold in FOLDS:
            own = (*tiny_options(), "--epochs", "1", "--threads", "1", "--fold", fold)
            outcome = wsnet("train", sound_folder, *own, "--name", f"f{fold}")
            assert outcome.code == 0, outcome.stderr
    for fold in FOLDS:
        for seed in (0, 1):
            shutil.copytree(root / f"runs/f{fold}", root / JOB / f"fold-{fold}-seed-{seed}")
    (root / JOB / "job.json").write_text(json.dumps({"folds": FOLDS, "seeds": [0, 1]}))
    return root / JOB


@pytest.fixture
def large(finished_job: Path) -> Path:
    """A copy of it below the current folder."""
    return Path(shutil.copytree(finished_job, JOB))


def assert_taught(run: Path, fold: str) -> None:
    """The teachers of a run are the two of a fold, and its configuration says so."""
    copies = sorted(run.glob("teacher-*.wsnet"))
    own = [JOB / f"fold-{fold}-seed-{seed}" for seed in (0, 1)]
    assert [copy.read_bytes() for copy in copies] == [
        (teacher / "model.wsnet").read_bytes() for teacher in own
    ]
    text = (run / "config.yaml").read_text()
    assert f"    teachers:\n    - {own[0]}\n    - {own[1]}\n    temperature" in text


def test_each_run_of_a_job_has_the_teachers_of_its_fold(
    wsnet, data: Path, options: list[str], large: Path
) -> None:
    asked = ("train", data, *options, "--fold", "1,2", "--teacher", large, "--name", "small")
    outcome = wsnet(*asked, "--jobs", "2", "--json")
    assert outcome.code == 0, outcome.stderr
    runs = [Path("runs/small") / run["run"] for run in outcome.document["runs"]]
    assert [run.name for run in runs] == ["fold-1-seed-0", "fold-2-seed-0"]
    assert f"teacher: {large}, of its 4 runs those that held out the same clips" in outcome.stderr
    assert "warning" not in outcome.stderr
    for run, fold in zip(runs, FOLDS, strict=True):
        assert_taught(run, fold)
    first, second = ((run / "teacher-1.wsnet").read_bytes() for run in runs)
    assert first != second

    before = (runs[1] / "model.wsnet").read_bytes()
    shutil.rmtree(runs[1])
    resumed = wsnet("train", "--resume", "runs/small", "--json")
    assert resumed.code == 0, resumed.stderr
    assert_taught(runs[1], "2")
    assert (runs[1] / "model.wsnet").read_bytes() == before
    assert resumed.document == outcome.document


def test_a_single_run_has_the_teachers_of_its_fold(
    wsnet, data: Path, options: list[str], large: Path
) -> None:
    asked = ("train", data, *options, "--fold", "2", "--teacher", large, "--json")
    planned = wsnet(*asked, "--dry-run")
    assert (planned.code, planned.document["epochs"]) == (0, 1)
    outcome = wsnet(*asked, "--name", "small")
    assert outcome.code == 0, outcome.stderr
    assert_taught(Path("runs/small"), "2")
    assert f"teachers: {large}/fold-2-seed-0, {large}/fold-2-seed-1" in outcome.stderr


def test_a_run_that_heard_what_is_held_out_is_warned_of(
    wsnet, data: Path, options: list[str], large: Path
) -> None:
    teacher = large / "fold-1-seed-0"
    asked = ("train", data, *options, "--fold", "2", "--teacher", teacher, "--dry-run")
    outcome = wsnet(*asked)
    assert outcome.code == 0
    assert f"warning: {teacher} was trained on 4 of the 4 held-out clips: what is measured" in (
        outcome.stderr
    )
    assert f"its job as teacher gives each run its own: --teacher {large}" in outcome.stderr


@pytest.mark.parametrize(
    ("fold", "said"),
    [
        ("3", "teacher runs/large: none of its 4 runs held out what fold 3 holds out; expected a"),
        ("all", "teacher runs/large: none of its 4 runs held out what fold 3 holds out; expected"),
        ("none", "teacher runs/large: each of its runs held something out, and this run holds out"),
    ],
)
def test_a_fold_without_teachers_is_refused_before_anything_is_trained(
    fold: str, said: str, wsnet, data: Path, options: list[str], large: Path
) -> None:
    asked = ("train", data, *options, "--fold", fold, "--teacher", large, "--name", "small")
    outcome = wsnet(*asked)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(said)
    assert not Path("runs/small").exists()


def test_a_job_that_has_not_ended_is_no_teacher(wsnet, data: Path, options: list[str]) -> None:
    JOB.mkdir(parents=True)
    (JOB / "job.json").write_text(json.dumps({"folds": FOLDS, "seeds": [0]}))
    outcome = wsnet("train", data, *options, "--fold", "all", "--teacher", JOB)
    assert outcome.code == 2
    assert outcome.error == (
        "teacher runs/large: 2 of its 2 runs have no model yet; expected all of them to be "
        "finished: wsnet train --resume runs/large"
    )

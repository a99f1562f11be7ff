"""Runs whose teachers are those runs of a job that held out the same clips."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.core.configuration.config_file import load_config, parse_config
from wsnet_cli.core.errors import Interrupted, TrainingError, UsageError
from wsnet_cli.learn.jobs import experiment as experiment_module
from wsnet_cli.learn.jobs.experiment import jobs_of, resume_experiment, start_experiment
from wsnet_cli.learn.jobs.experiment_folder import Experiment, place_experiment
from wsnet_cli.learn.jobs.jobs import Job, Outcome
from wsnet_cli.learn.jobs.sweep import run_sweep
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.prepared import find_data
from wsnet_cli.learn.run.provenance import longest_provenance
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run import estimate_run, resume_run, start_run
from wsnet_cli.learn.teachers.model_source import find_sources, read_source
from wsnet_cli.learn.teachers.split_parts import read_parts

from ..conftest import TINY_SETTINGS, StoppingListener

FOLDS, SEEDS = ("1", "2"), (0, 5)
SAME_FILES = ("model.wsnet", "metrics.csv", "metrics.json", "config.yaml")


class Listener(StoppingListener):
    def planned(self, *told: object) -> None: ...


@pytest.fixture
def request_for(tones: Path, tmp_path: Path) -> Callable[..., Request]:
    """A request on `tones`: `request_for(*settings, teachers=..., **words)`."""

    def make(*settings: str, teachers: tuple[Path, ...] = (), **more: object) -> Request:
        values = {"train.distill.teachers": list(map(str, teachers))} if teachers else {}
        config = parse_config("", "test", (*TINY_SETTINGS, "train.epochs=1", *settings), values)
        words = {"source": tones, "preset": "tiny", "name": "student", "device": "cpu"}
        words |= {"threads": 1, "runs": tmp_path / "runs"}
        return Request(config=config, **(words | more))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that asks for `large` puts it for the others."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def large(request_for, made_once: Path, tmp_path: Path) -> Path:
    """A finished job of two folds and two seeds on `tones`, which are the same for every test."""
    folder = made_once / "large"
    if not folder.exists():
        experiment = Experiment(request_for(name="large", runs=made_once), FOLDS, SEEDS, "x")
        place_experiment(experiment, force=False)
        for job in jobs_of(experiment, folder):
            start_run(job.request, SilentListener())
    return Path(shutil.copytree(folder, tmp_path / "runs" / "large"))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The runs that jobs would train, one of which fails so that there are no results."""
    found: list[Job] = []

    def run(jobs: list[Job], *_: object, **__: object) -> list[Outcome]:
        found.extend(jobs)
        return [Outcome(job.name, error="not trained") for job in jobs]

    monkeypatch.setattr(experiment_module, "run_jobs", run)
    return found


@pytest.mark.parametrize("fold", FOLDS)
def test_a_run_learns_from_the_runs_of_its_fold(fold: str, large: Path, request_for) -> None:
    listener = Listener()
    result = start_run(request_for(teachers=(large,), fold=fold), listener)
    folder = result.folder.path
    own = [large / f"fold-{fold}-seed-{seed}" for seed in SEEDS]
    for number, run in enumerate(own, start=1):
        copy = folder / f"teacher-{number}.wsnet"
        assert copy.read_bytes() == (run / "model.wsnet").read_bytes()
        assert read_parts(run).test == read_parts(folder).test
        assert read_parts(run).train.isdisjoint(read_parts(folder).test)
    assert not (folder / "teacher-3.wsnet").exists()
    digests = [read_source(str(run)).digest for run in own]
    assert result.model.provenance["teachers"] == " ".join(digests)
    distill = load_config(str(result.folder.config)).train.distill
    assert distill is not None
    assert distill.teachers == tuple(map(str, own))
    assert f"teacher: {large}, of its 4 runs those that held out the same clips" in (
        listener.remarks
    )
    assert f"teachers: {own[0]}, {own[1]}" in listener.remarks
    assert listener.warnings == []


def test_seeds_without_folds_teach_the_data_s_own_split(request_for) -> None:
    experiment = Experiment(request_for(name="seeds"), (None,), SEEDS, "x")
    folder = place_experiment(experiment, force=False)
    for job in jobs_of(experiment, folder):
        start_run(job.request, SilentListener())
    student = start_run(request_for(teachers=(folder,)), SilentListener()).folder.path
    assert [path.read_bytes() for path in sorted(student.glob("teacher-*.wsnet"))] == [
        (folder / f"seed-{seed}" / "model.wsnet").read_bytes() for seed in SEEDS
    ]
    with pytest.raises(UsageError, match="none of its 2 runs held out what fold 2 holds out"):
        start_run(request_for(teachers=(folder,), fold="2"), SilentListener())


def test_their_word_is_that_of_the_same_runs_named_one_by_one(large: Path, request_for) -> None:
    own = tuple(large / f"fold-2-seed-{seed}" for seed in SEEDS)
    by_job = start_run(request_for(teachers=(large,), fold="2"), SilentListener())
    by_name = start_run(request_for(teachers=own, fold="2", name="other"), SilentListener())
    for name in SAME_FILES:
        one, two = ((run.folder.path / name).read_bytes() for run in (by_job, by_name))
        assert one == two, name


def test_a_stopped_student_goes_on_without_the_job(large: Path, request_for) -> None:
    whole = start_run(request_for(teachers=(large,), fold="1"), SilentListener()).folder.path
    with pytest.raises(Interrupted):
        start_run(request_for(teachers=(large,), fold="1", name="stopped"), Listener(stop_at=2))
    shutil.rmtree(large)
    folder = whole.with_name("stopped")
    resume_run(folder, None, "cpu", SilentListener())
    for name in SAME_FILES:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_jobs_and_single_models_go_together(large: Path, request_for, tmp_path: Path) -> None:
    single = large / "fold-2-seed-0"
    shutil.copy(single / "model.wsnet", tmp_path / "bare.wsnet")
    listener = Listener()
    teachers = (large, tmp_path / "bare.wsnet", single)
    folder = start_run(request_for(teachers=teachers, fold="1"), listener).folder.path
    n = len(read_parts(folder).test)
    assert len(list(folder.glob("teacher-*.wsnet"))) == 4
    assert listener.warnings == [
        f"{single} was trained on {n} of the {n} held-out clips: what is measured will be too "
        f"good; its job as teacher gives each run its own: --teacher {large}"
    ]


def test_a_fold_without_teachers_is_refused_before_anything_is_written(
    large: Path, request_for, tmp_path: Path
) -> None:
    request = request_for(teachers=(large,), fold="3")
    for start in (start_run, estimate_run):
        with pytest.raises(UsageError, match="none of its 4 runs held out what fold 3 holds out"):
            start(request, SilentListener())
    assert not (tmp_path / "runs" / "student").exists()


def test_an_estimate_has_the_teachers_of_its_fold(large: Path, request_for) -> None:
    request = request_for(teachers=(large,), fold="2")
    assert estimate_run(request, SilentListener()).steps > 0


def test_a_job_that_hears_something_else_is_refused(large: Path, request_for) -> None:
    request = request_for("audio.window_s=0.125", teachers=(large,), fold="1")
    with pytest.raises(UsageError, match=r"fold-1-seed-0: its window is 2,000 samples; expected"):
        start_run(request, SilentListener())


def test_the_most_that_a_model_says_leaves_room_for_its_teachers(large: Path, request_for) -> None:
    request = request_for(teachers=(large,), fold="1")
    dataset = find_data(request.source).dataset
    longest = longest_provenance("tiny", dataset, 0, find_sources(request.config))
    result = start_run(request, SilentListener())
    said = [len(str(words["teachers"])) for words in (longest, result.model.provenance)]
    assert said == [33, 33]


# ------------------------------------------------------------------- several runs as student


def test_every_fold_is_known_to_have_teachers_before_any_run(
    large: Path, request_for, trained: list[Job], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="none of its 4 runs held out what fold 3 holds out"):
        start_experiment(request_for(teachers=(large,), fold="all"), (0,), 1, Listener())
    assert trained == []
    assert not (tmp_path / "runs" / "student").exists()
    start_experiment(request_for(teachers=(large,), fold="2,1"), (0, 1), 1, Listener())
    assert [job.name for job in trained] == [
        *("fold-2-seed-0", "fold-2-seed-1", "fold-1-seed-0", "fold-1-seed-1")
    ]


def test_teachers_that_have_changed_are_refused_when_it_is_resumed(
    large: Path, request_for, trained: list[Job]
) -> None:
    request = request_for(teachers=(large,), fold="1,2")
    folder = start_experiment(request, (0,), 1, Listener()).folder
    again = resume_experiment(folder, None, None, 1, Listener())
    assert (again.folder, len(trained)) == (folder, 4)
    assert start_experiment(request, (0,), 1, Listener()).folder == folder
    shutil.copy(large / "fold-1-seed-0/model.wsnet", large / "fold-2-seed-0/model.wsnet")
    with pytest.raises(
        TrainingError, match="the models that its runs start from or learn from have ch"
    ):
        resume_experiment(folder, None, None, 1, Listener())
    assert start_experiment(request, (0,), 1, Listener()).folder == folder.with_name("student-2")


def test_force_does_not_delete_the_teachers(large: Path, request_for, trained: list[Job]) -> None:
    request = request_for(teachers=(large,), fold="1,2", name="large", force=True)
    with pytest.raises(UsageError, match=r"holds .*large, which is to be started from or learn"):
        start_experiment(request, (0,), 1, Listener())
    assert (large / "fold-1-seed-0" / "model.wsnet").is_file()


@pytest.mark.parametrize("name", ["single", "large"])
def test_force_does_not_delete_single_models(
    large: Path, request_for, trained: list[Job], tmp_path: Path, name: str
) -> None:
    model = large / "fold-2-seed-0"
    if name == "single":
        model = Path(shutil.copytree(model, tmp_path / "runs" / "single"))
    for request in (
        request_for(f"start={model}", fold="1,2", name=name, force=True),
        request_for(teachers=(model,), fold="1,2", name=name, force=True),
    ):
        with pytest.raises(UsageError, match=f"^--force: .*{name} holds {model}, which is to be"):
            start_experiment(request, (0,), 1, Listener())
    assert (model / "model.wsnet").is_file()
    assert trained == []


def test_a_sweep_does_not_delete_its_teachers(large: Path, request_for, tmp_path: Path) -> None:
    own = tmp_path / "runs" / "sweep" / "dense" / "fold-1-seed-0"
    shutil.copytree(large / "fold-1-seed-0", own)
    request = request_for(teachers=(own,), fold="1,2", name="sweep", force=True)
    with pytest.raises(UsageError, match=f"^--force: .*sweep holds {own}, which is to be"):
        run_sweep(request, [40_000], (0,), 1, Listener())  # type: ignore[arg-type]
    assert (own / "model.wsnet").is_file()


def test_all_runs_start_from_one_model(
    large: Path, request_for, trained: list[Job], tmp_path: Path
) -> None:
    model = tmp_path / "model.wsnet"
    shutil.copy(large / "fold-1-seed-0/model.wsnet", model)
    request = request_for(f"start={model}", fold="1,2")
    folder = start_experiment(request, (0,), 1, Listener()).folder
    assert resume_experiment(folder, None, None, 1, Listener()).folder == folder
    first = start_run(trained[0].request, SilentListener())
    assert first.folder.path == folder / "fold-1-seed-0"
    shutil.copy(large / "fold-2-seed-0/model.wsnet", model)
    with pytest.raises(TrainingError, match="have changed since the runs beside it began"):
        start_run(trained[1].request, SilentListener())
    assert not (folder / "fold-2-seed-0").exists()
    with pytest.raises(TrainingError, match="the models that its runs start from or learn from"):
        resume_experiment(folder, None, None, 1, Listener())


def test_a_sweep_is_refused_likewise(large: Path, request_for) -> None:
    request = replace(request_for(teachers=(large,), fold="3"), name="sweep")
    with pytest.raises(UsageError, match="none of its 4 runs held out what fold 3 holds out"):
        run_sweep(request, [40_000], (0,), 1, Listener())  # type: ignore[arg-type]

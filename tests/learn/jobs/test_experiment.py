"""Which runs a request makes over folds and seeds, in which folder, and what they say together."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.core.errors import ArtifactError, TrainingError, UsageError
from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.core.run_files import JOB
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.learn.jobs import experiment as experiment_module
from wsnet_cli.learn.jobs.experiment import (
    jobs_of,
    resolve_folds,
    resume_experiment,
    start_experiment,
)
from wsnet_cli.learn.jobs.experiment_folder import (
    Experiment,
    open_experiment,
    place_experiment,
    say_passed_over,
)
from wsnet_cli.learn.jobs.jobs import Job, Outcome
from wsnet_cli.learn.jobs.run_to_end import Finished
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run_folder import RunFolder


class Quiet(SilentListener):
    """Hears everything, notes what is planned."""

    planned_runs = 0

    def planned(self, data: object, n_runs: int, n_workers: int, folder: Path) -> None:
        self.planned_runs = n_runs

    def began(self, *told: object) -> None: ...
    def moved(self, *told: object) -> None: ...
    def run_epoch(self, *told: object) -> None: ...
    def told(self, *told: object) -> None: ...
    def ended(self, *told: object) -> None: ...


def dataset(*folds: str | None, split: str | None = None) -> DataSet:
    clips = [
        Clip(Path(f"{i}.wav"), f"{i}.wav", "ab"[i % 2], fold=fold, split=split)
        for i, fold in enumerate(folds)
    ]
    return DataSet(Path(), "test", clips)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, (None,)),
        ("none", ("none",)),
        ("all", ("1", "2", "10")),
        ("2", ("2",)),
        ("10, 1", ("10", "1")),
    ],
)
def test_folds_of_the_data(asked: str | None, expected: tuple):
    assert resolve_folds(asked, dataset("2", "10", "1", "1")) == expected


def test_folds_made_by_content_and_a_fold_with_an_odd_name():
    assert resolve_folds("all", dataset(None, None)) == ("1", "2", "3", "4", "5")
    assert resolve_folds("5,2", dataset(None, None)) == ("5", "2")
    assert resolve_folds("a,b", dataset("a,b", "c")) == ("a,b",)
    assert resolve_folds("all", dataset("all", "c")) == ("all",)


@pytest.mark.parametrize(
    ("asked", "data", "words"),
    [
        ("1,9", dataset("1", "2"), "no fold '9'; expected all or of 1, 2"),
        ("6", dataset(None), "no fold '6'; expected all or of 1, 2, 3, 4, 5"),
        ("1,1", dataset("1", "2"), "expected every fold once"),
        ("1,", dataset("1", "2"), "no fold ''"),
        ("all", dataset(None, split="test"), "the data set has a split of its own and no folds"),
    ],
)
def test_folds_that_are_refused(asked: str, data: DataSet, words: str):
    with pytest.raises(UsageError, match=words):
        resolve_folds(asked, data)


@pytest.fixture
def request_of(tones: Path, tmp_path: Path, make_config) -> Callable[..., Request]:
    def make(*settings: str, **more: object) -> Request:
        values = {"source": tones, "preset": "tiny", "name": "many", "device": "cpu", "threads": 1}
        values |= {"runs": tmp_path / "runs", **more}
        return Request(config=make_config(*settings), **values)  # type: ignore[arg-type]

    return make


def test_a_job_for_each_fold_and_seed(request_of, tmp_path: Path):
    request = request_of("train.lr=0.01")
    folder = tmp_path / "runs" / "many"
    jobs = jobs_of(Experiment(request, ("1", "b/c", "b c"), (0, 7), "x"), folder)
    assert [job.name for job in jobs] == [
        *("fold-1-seed-0", "fold-1-seed-7", "fold-b-c-seed-0", "fold-b-c-seed-7"),
        *("fold-b-c-3-seed-0", "fold-b-c-3-seed-7"),
    ]
    assert [job.request.fold for job in jobs] == ["1", "1", "b/c", "b/c", "b c", "b c"]
    assert [job.request.config.train.seed for job in jobs] == [0, 7, 0, 7, 0, 7]
    alone = request_of("train.lr=0.01", "train.seed=7", name="fold-1-seed-7", fold="1")
    assert jobs[1].request == replace(alone, runs=folder)
    (job,) = jobs_of(Experiment(request, (None,), (3,), "x"), folder)
    assert (job.name, job.request.fold) == ("seed-3", None)


def test_the_same_experiment_is_gone_on_with_and_another_gets_a_folder_of_its_own(
    request_of, tmp_path: Path
):
    asked = Experiment(request_of(), ("1", "2"), (0,), "x")
    first = place_experiment(asked, force=False)
    assert first == tmp_path / "runs" / "many"
    assert (first / JOB).is_file()
    assert open_experiment(first) == asked
    assert place_experiment(asked, force=False) == first
    assert say_passed_over(asked, JOB, "job", first) is None
    others = {
        "seeds": replace(asked, request=request_of("train.seed=1"), seeds=(1, 2)),
        "folds": replace(asked, folds=("1",)),
        "data": replace(asked, data="y"),
        "configuration": replace(asked, request=request_of("train.lr=0.5")),
        "--max-hours, models to start from or learn from": replace(
            asked, request=replace(request_of(), max_hours=2.0), models="abc"
        ),
    }
    for number, (words, other) in enumerate(others.items(), start=2):
        folder = tmp_path / "runs" / f"many-{number}"
        assert place_experiment(other, force=False) == folder
        assert open_experiment(folder) == replace(
            other, request=replace(other.request, name=folder.name)
        )
        assert place_experiment(other, force=False) == folder
        said = say_passed_over(other, JOB, "job", folder)
        assert said == f"{first} is of other {words}: this job is {folder}"
    assert place_experiment(asked, force=False) == first
    (first / JOB).write_text("[]")
    folder = place_experiment(asked, force=False)
    said = say_passed_over(asked, JOB, "job", folder)
    assert said == f"{first} holds no job: this job is {folder}"


def test_force_deletes_what_runs_wrote_and_nothing_else(request_of):
    asked = Experiment(request_of(), ("1",), (0,), "x")
    folder = place_experiment(asked, force=False)
    for name in ("fold-1-seed-0/model.wsnet", "fold-1-seed-3/mine.txt", "results.json", "notes"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "fold-1-seed-3/metrics.json").touch()
    assert place_experiment(replace(asked, seeds=(1,)), force=True) == folder
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {"job.json", "notes", "fold-1-seed-3/mine.txt"}
    assert open_experiment(folder).seeds == (1,)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1, "request": {}, "folds": [], "seeds": []}'],
)
def test_a_damaged_job_is_told(tmp_path: Path, content: str):
    (tmp_path / "job.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"job\.json: is damaged or of another version"):
        open_experiment(tmp_path)


@pytest.fixture
def instead_of_training(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No run is trained: seed s has s clips wrong, of four; seed 9 fails."""
    trained: list[str] = []

    def run(jobs: Iterable[Job], n_workers: int, listener: object, *, go_on: str) -> list[Outcome]:
        outcomes = []
        for job in jobs:
            trained.append(job.name)
            seed = job.request.config.train.seed
            if seed == 9:
                outcomes.append(Outcome(job.name, error="the loss is nan"))
                continue
            predicted = [c if i >= seed else 1 - c for i, c in enumerate([0, 1, 0, 1])]
            measures = measure([0, 1, 0, 1], predicted, ["a", "b"]).as_json()
            folder = RunFolder(job.request.runs / job.name)
            outcomes.append(Outcome(job.name, Finished(folder, 100, measures)))
        return outcomes

    monkeypatch.setattr(experiment_module, "run_jobs", run)
    return trained


def test_results_are_written_and_failures_listed(request_of, instead_of_training, tmp_path: Path):
    listener = Quiet()
    done = start_experiment(request_of(fold="1,2"), (0, 2, 9), 1, listener)
    assert listener.planned_runs == len(instead_of_training) == 6
    assert done.folder == tmp_path / "runs" / "many"
    values = json.loads((done.folder / "results.json").read_text())
    assert values == json.loads(json.dumps(done.results.as_json()))
    assert (values["n_clips"], values["accuracy"]) == (8, 0.75)
    assert values["failed"] == [
        {"run": f"fold-{fold}-seed-9", "error": "the loss is nan"} for fold in (1, 2)
    ]
    with (done.folder / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["run"] for row in rows] == [run["run"] for run in values["runs"]]
    assert [row["accuracy"] for row in rows] == ["1.000000", "0.500000"] * 2
    with (done.folder / "confusion.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["true", "a", "b"], ["a", "6", "2"], ["b", "2", "6"]]


def test_what_may_not_change_when_it_is_resumed(
    request_of, instead_of_training, tones: Path, tmp_path: Path
):
    done = start_experiment(request_of(fold="all", threads=None), (0,), 1, Quiet())
    assert open_experiment(done.folder).request.threads == 1
    again = resume_experiment(done.folder, None, None, 1, Quiet())
    assert again.results == done.results
    assert instead_of_training[:5] == instead_of_training[5:]
    moved = tones.rename(tmp_path / "moved")
    assert resume_experiment(done.folder, moved, None, 1, Quiet()).results == done.results
    (moved / "low" / "0.wav").rename(moved / "high" / "low-0.wav")
    with pytest.raises(TrainingError, match="its clips, labels, folds or parts are not those of"):
        resume_experiment(done.folder, moved, None, 1, Quiet())

"""Several runs at once in processes: the same bytes as alone, and nothing lost however they end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from wsnet_cli.core.errors import Interrupted, ParameterError, TrainingError, UsageError
from wsnet_cli.learn.jobs.job_child import Stop, Teller
from wsnet_cli.learn.jobs.jobs import Job, Outcome, choose_n_workers, run_jobs
from wsnet_cli.learn.jobs.run_to_end import find_finished, run_folder, run_to_end, wait_until_free
from wsnet_cli.learn.run.interrupt import StopSignal
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run import Result
from wsnet_cli.learn.run.run_folder import RunFolder, locked
from wsnet_cli.learn.training.trainer import EpochRow

SAME_FILES = (
    *("model.wsnet", "metrics.csv", "metrics.json", "confusion.csv", "split.csv"),
    "predictions.csv",
)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")


@dataclass
class Recorder:
    """Notes what it is told; `on_epoch` is called with the name and the number of the epoch."""

    on_epoch: Callable[[str, int], None] = lambda name, epoch: None
    events: list[tuple[str, str]] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)

    def began(self, name: str) -> None:
        self.events.append(("began", name))

    def moved(self, name: str, fraction_done: float) -> None:
        self.fractions.append(fraction_done)

    def run_epoch(self, name: str, row: EpochRow) -> None:
        self.events.append((f"epoch {row.epoch}", name))
        self.on_epoch(name, row.epoch)

    def told(self, name: str, line: str, warning: bool) -> None:
        self.events.append((line, name))

    def ended(self, outcome: Outcome) -> None:
        self.events.append(("failed" if outcome.error else "ended", outcome.name))


@pytest.fixture
def make_jobs(tones: Path, tmp_path: Path, make_config) -> Callable[..., list[Job]]:
    """Jobs of the tiny network by their seeds, in `tmp_path/runs/job`."""

    def make(*seeds: int, settings: tuple[str, ...] = ()) -> list[Job]:
        requests = [
            Request(
                source=tones,
                config=make_config(f"train.seed={seed}", *settings),
                preset="tiny",
                name=f"seed-{seed}",
                device="cpu",
                threads=1,
                runs=tmp_path / "runs" / "job",
            )
            for seed in seeds
        ]
        return [Job(request.name, request) for request in requests]

    return make


DRIVER = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from wsnet_cli.learn.jobs.jobs import Job, run_jobs
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.request import Request
class Tell:
    def began(self, name): pass
    def moved(self, name, fraction_done): pass
    def told(self, name, line, warning): pass
    def run_epoch(self, name, row): print("epoch", row.epoch, name, flush=True)
    def ended(self, outcome): pass
requests = TypeAdapter(list[Request]).validate_json(sys.stdin.buffer.read())
run_jobs([Job(r.name, r) for r in requests], 2, Tell())
"""


class Driver:
    """A process that runs jobs; its children have all trained an epoch."""

    def __init__(self, jobs: list[Job]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        asked = TypeAdapter(list[Request]).dump_json([job.request for job in jobs])
        self.process.stdin.write(asked)
        self.process.stdin.close()
        seen = set()
        for line in self.process.stdout:
            if line.startswith(b"epoch "):
                seen.add(line.split()[-1])
            if len(seen) == len(jobs):
                break
        self.children = children_of(self.process.pid)


@posix
def test_however_they_are_ended_the_runs_are_saved_and_come_out_as_alone(
    make_jobs, train: Callable[..., Result]
):
    jobs = make_jobs(0, 1, settings=("train.epochs=80",))

    def kill_the_first(name: str, epoch: int) -> None:
        if name == "seed-1" and len(children_of(os.getpid())) == 2:
            os.kill(min(children_of(os.getpid())), signal.SIGKILL)

    with pytest.raises(TrainingError) as died:
        run_jobs(jobs, 2, Recorder(kill_the_first), go_on="go on with: X")
    assert str(died.value) == (
        "seed-0: its process was ended by SIGKILL; the other runs are saved; go on with: X"
    )
    assert_stopped(jobs[1:], children_of(os.getpid()))

    parent = Driver(jobs[:1])
    assert len(parent.children) == 1
    parent.process.kill()
    parent.process.stdout.close()
    parent.process.wait()
    assert_stopped(jobs[:1], parent.children)

    def ctrl_c(name: str, epoch: int) -> None:
        for child in children_of(os.getpid()):  # a terminal tells all of the foreground
            os.kill(child, signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    recorder = Recorder(ctrl_c)
    with pytest.raises(Interrupted) as stopped:
        run_jobs(jobs, 1, recorder)
    assert stopped.value.exit_code == 130
    assert str(stopped.value) == "stopped with 2 of 2 runs to go; give the same command again"
    assert ("began", "seed-1") not in recorder.events
    assert_stopped(jobs, children_of(os.getpid()))

    outcomes = run_jobs(jobs, 2, Recorder())
    for seed, outcome in enumerate(outcomes):
        alone = train("train.epochs=80", f"train.seed={seed}", name=f"alone-{seed}")
        assert outcome.error is None
        assert outcome.finished is not None
        assert outcome.finished.n_bytes == alone.n_bytes
        assert outcome.finished.metrics == json.loads(json.dumps(alone.metrics.as_json()))
        for name in SAME_FILES:
            here = outcome.finished.folder.path / name
            assert here.read_bytes() == (alone.folder.path / name).read_bytes(), name

    recorder = Recorder()
    assert run_jobs(jobs, 2, recorder) == outcomes
    assert recorder.events == [("ended", "seed-0"), ("ended", "seed-1")]


def assert_stopped(jobs: list[Job], children: list[int]) -> None:
    """The processes end soon, and have saved, but not finished."""
    deadline = time.monotonic() + 20
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, children))
    for job in jobs:
        assert run_folder(job.request).checkpoint.is_file()
        assert not run_folder(job.request).model.exists()


@posix
def test_a_second_signal_ends_all_at_once(make_jobs):
    jobs = make_jobs(0, settings=("train.epochs=3000",))

    def twice(name: str, epoch: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, 1, Recorder(twice))
    assert children_of(os.getpid()) == []


def test_jobs_need_names_and_folders_of_their_own(make_jobs):
    (job,) = make_jobs(0)
    for jobs in ([job, job], [job, Job("other", job.request)]):
        with pytest.raises(ParameterError, match="one name or one folder"):
            run_jobs(jobs, 1, Recorder())
    with pytest.raises(ParameterError, match="n_workers = 0"):
        run_jobs([job], 0, Recorder())


@pytest.mark.parametrize(
    ("asked", "n_jobs", "threads", "device", "expected"),
    [
        (None, 9, 1, "cpu", 4),
        (None, 3, 1, "cpu", 3),
        (None, 9, 2, "cpu", 2),
        (None, 9, 8, "cpu", 1),
        (None, 9, 1, "cuda", 1),
        (3, 9, 1, "cuda", 3),
        (7, 9, 1, "cpu", 7),
        (7, 2, 1, "cpu", 2),
    ],
)
def test_the_number_of_processes(monkeypatch, asked, n_jobs, threads, device, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(4)), raising=False)
    assert choose_n_workers(asked, n_jobs, threads, device) == expected


def test_a_folder_that_a_process_still_trains_in_is_waited_for(tmp_path: Path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    wait_until_free(folder, lambda: None)  # there is none
    folder.path.mkdir()
    checks = []
    with locked(folder):
        monkeypatch.setattr("wsnet_cli.learn.jobs.run_to_end.LONGEST_STEP_S", 0.3)
        with pytest.raises(UsageError, match="another process is training in this folder"):
            wait_until_free(folder, lambda: checks.append(1))
    assert len(checks) > 1
    wait_until_free(folder, lambda: None)


def test_what_is_finished_has_a_model_and_measures_of_what_was_held_out(train):
    folder = train(name="whole").folder
    found = find_finished(folder)
    assert found is not None
    assert found.metrics == json.loads((folder.path / "metrics.json").read_text())
    (folder.path / "metrics.json").unlink()
    assert find_finished(folder) is None
    unmeasured = train(name="all", fold="none").folder
    found = find_finished(unmeasured)
    assert found is not None
    assert found.metrics is None
    unmeasured.model.unlink()
    assert find_finished(unmeasured) is None


def children_of(pid: int) -> list[int]:
    """Its living child processes that train."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and parent_of(int(entry.name)) == pid:
            command = (entry / "cmdline").read_bytes()
            if b"job_child" in command:
                found.append(int(entry.name))
    return found


def parent_of(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return -1
    state, parent = status.rpartition(")")[2].split()[:2]
    return -1 if state == "Z" else int(parent)


def is_alive(pid: int) -> bool:
    return parent_of(pid) >= 0


@pytest.mark.parametrize("finished", [True, False])
def test_a_run_of_other_epochs_is_not_taken_for_one_of_the_job(
    make_jobs, train: Callable[..., Result], finished: bool
):
    jobs = make_jobs(0)
    request = jobs[0].request
    result = train("train.seed=0", "train.epochs=4", name=request.name, runs=request.runs)
    if not finished:
        result.folder.unfinish()
    with pytest.raises(
        TrainingError, match=r"seed-0: is of 4 epochs, and those beside it are of 3;"
    ):
        run_to_end(request, SilentListener())
    if finished:  # and before any process is started
        with pytest.raises(TrainingError, match=r"seed-0: is of 4 epochs"):
            run_jobs(jobs, 1, Recorder())


def test_a_stop_that_comes_just_before_training_listens_is_passed_on():
    """A child notes it by itself until training does; the first step hands it over."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        noted = Stop()
        teller = Teller(io.StringIO(), noted)
        signal.raise_signal(signal.SIGINT)
        with StopSignal() as stop:
            teller.step(0.1)
            assert stop.received == signal.SIGTERM
            teller.step(0.2)  # once is enough: a second one would end all at once
        noted.check()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

"""Several runs at once, each in a process of its own."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...core.errors import Interrupted, ParameterError, TrainingError
from ...core.parallel import WAKE_S, count_workers
from ..run.interrupt import StopSignal
from ..run.request import Request
from ..training.trainer import EpochRow
from .job_child import Message
from .job_process import JobProcess
from .run_to_end import Finished, find_finished, finished_of, run_folder


@dataclass(frozen=True)
class Job:
    """A run to be brought to its end: its name for people, and what to train.

    The request's folder, `runs/name`, is this run's alone: what is there is gone on with.
    """

    name: str
    request: Request


@dataclass(frozen=True)
class Outcome:
    """What came of a job: what its run left, or why it failed in one line."""

    name: str
    finished: Finished | None = None
    error: str | None = None


class JobsListener(Protocol):
    """Is told how a number of runs go on."""

    def began(self, name: str) -> None:
        """The process of a run is started."""

    def moved(self, name: str, fraction_done: float) -> None:
        """The share of a run's steps that are over, in [0, 1]."""

    def run_epoch(self, name: str, row: EpochRow) -> None:
        """An epoch of a run is over."""

    def told(self, name: str, line: str, warning: bool) -> None:
        """Something that a user should know of a run, in a line."""

    def ended(self, outcome: Outcome) -> None:
        """A run came to its end, now or earlier, or failed."""


def run_jobs(
    jobs: Sequence[Job],
    n_workers: int,
    listener: JobsListener,
    *,
    go_on: str = "give the same command again",
) -> list[Outcome]:
    """Bring every run to its end, by so many processes at once; in the order of `jobs`.

    Runs that came to their end earlier are not repeated, and those that were stopped go on. Each
    comes out as it would alone with as many threads as its request says. A run that fails does not
    stop the others. On SIGINT or SIGTERM, or when a process dies, all save and end; a second signal
    ends them at once. When this process is killed, they save and end by themselves.

    Args:
        jobs: with names and folders of their own.
        n_workers: processes at once, >= 1.
        listener: is told of progress, in this thread.
        go_on: how it can be gone on with, for the messages.

    Raises:
        Interrupted: a signal came, after all have saved.
        TrainingError: a process died, after all others have saved.
        ParameterError: two jobs of one name or folder, or no worker.
    """
    folders = {run_folder(job.request).path for job in jobs}
    if min(len({job.name for job in jobs}), len(folders)) < len(jobs):
        raise ParameterError("two jobs have one name or one folder; expected one for each")
    if n_workers < 1:
        raise ParameterError(f"n_workers = {n_workers}; expected at least 1")
    with StopSignal() as stop, _Crew(jobs, n_workers, listener) as crew:
        while crew.is_at_work:
            crew.listen()
            if stop.received is not None:
                crew.stop()
    left = len(jobs) - len(crew.outcomes)
    if left and stop.received is not None:
        raise Interrupted(f"stopped with {left} of {len(jobs)} runs to go; {go_on}", stop.exit_code)
    if left:
        raise TrainingError(f"{crew.death}; the other runs are saved; {go_on}")
    return [crew.outcomes[job.name] for job in jobs]


def choose_n_workers(asked: int | None, n_jobs: int, threads: int, device: str) -> int:
    """Processes at once: those asked for, else one for `threads` processors; on a GPU one.

    Args:
        asked: by the user, >= 1, or None.
        n_jobs: runs to train.
        threads: of torch in each of them, >= 1.
        device: that they train on; only "cpu" is had several times.
    """
    if asked is None:
        asked = count_workers(None, n_jobs * threads) // threads if device == "cpu" else 1
    return max(1, min(asked, n_jobs))


class _Crew:
    """The runs that wait, those at work, and what came of the others."""

    def __init__(self, jobs: Sequence[Job], n_workers: int, listener: JobsListener) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.death: str | None = None
        """How a process ended that should not have."""
        self._n_workers = n_workers
        self._listener = listener
        self._waiting: deque[Job] = deque()
        self._at_work: dict[str, tuple[Job, JobProcess]] = {}
        self._last_words: dict[str, str] = {}
        self._messages: queue.SimpleQueue[tuple[str, Message | None]] = queue.SimpleQueue()
        self._stopping = False
        for job in jobs:
            if (finished := finished_of(job.request)) is None:
                self._waiting.append(job)
            else:
                self._note(Outcome(job.name, finished))

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *error: object) -> None:
        for _, process in self._at_work.values():
            process.kill()

    @property
    def is_at_work(self) -> bool:
        """Whether there is anything left to wait for."""
        return bool(self._at_work or (self._waiting and not self._stopping))

    def listen(self) -> None:
        """Start what can be started; take one message, or wait a little for one."""
        while self._waiting and not self._stopping and len(self._at_work) < self._n_workers:
            self._start(self._waiting.popleft())
        try:
            name, message = self._messages.get(timeout=WAKE_S)
        except queue.Empty:
            return
        if message is None:
            self._end(name)
        elif "end" in message:
            self._last_words[name] = message["end"]
        elif "epoch" in message:
            self._listener.run_epoch(name, EpochRow(**message["epoch"]))
        elif "fraction" in message:
            self._listener.moved(name, message["fraction"])
        else:
            line = message.get("warning") or message["remark"]
            self._listener.told(name, line, "warning" in message)

    def stop(self) -> None:
        """Let all save and end, and start no other."""
        if not self._stopping:
            self._stopping = True
            for _, process in self._at_work.values():
                process.ask_to_stop()

    def _start(self, job: Job) -> None:
        name = job.name
        process = JobProcess(job.request, lambda message: self._messages.put((name, message)))
        self._at_work[name] = job, process
        self._listener.began(name)

    def _end(self, name: str) -> None:
        job, process = self._at_work[name]
        fault = process.end()
        del self._at_work[name]
        words = self._last_words.pop(name, "")
        finished = find_finished(run_folder(job.request)) if words == "finished" else None
        if finished is not None:
            self._note(Outcome(name, finished))
        elif words.startswith("failed: "):
            self._note(Outcome(name, error=words.removeprefix("failed: ")))
        elif not self._stopping:
            self.death = f"{name}: {fault or 'its process was stopped from outside'}"
            self.stop()

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        self._listener.ended(outcome)

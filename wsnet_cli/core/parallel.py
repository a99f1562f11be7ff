"""Work on many items by several threads, its results in the order of the items."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Check = Callable[[], None]
"""To be called now and then while working: raises `Stopped` where the result is not wanted."""

LOOK_AHEAD = 4
"""Items taken per worker before the result of the first of them is told."""

STOP_S = 2.0
"""Longest wait for workers to stop when told; one that hangs in the system is left behind."""

WAKE_S = 0.2
"""Longest wait at a time: one without an end cannot be interrupted on Windows."""


class Stopped(BaseException):
    """Ends work whose result nobody waits for; no error, and no handler of errors may catch it."""


def map_in_order(
    work: Callable[[T, Check], R], items: Iterable[T], workers: int
) -> Generator[R, None, None]:
    """Yield `work(item, check)` of each item, in order, by as many threads as `workers`.

    At most workers * LOOK_AHEAD items are taken ahead of the result that is yielded. With one
    worker there is no thread, and none ahead. What `work` raises is raised in the place of the
    result. Closing the iterator, as an interruption does, drops the items that wait, stops those in
    work at their next `check`, and waits for that at most STOP_S seconds.

    Threads and not processes: decoding, resampling and the compiled engine release the GIL, and two
    threads did as much as two forked processes (1.93 and 1.89 times one, on two processors), which
    on most systems would start anew with every import and model. Not `concurrent.futures`, because
    at exit it waits for all that is in work, however long.

    Args:
        work: called from several threads at once.
        items: iterated over in the caller's thread.
        workers: 1 or more.
    """
    if workers <= 1:
        for item in items:
            yield work(item, _go_on)
        return
    crew: _Crew[T, R] = _Crew(work, workers)
    waiting: deque[_Job[T, R]] = deque()
    try:
        for item in items:
            waiting.append(crew.give(item))
            if len(waiting) >= workers * LOOK_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        crew.stop()


def count_workers(asked: int | None, n_items: int) -> int:
    """Workers to have: those asked for, else one for each processor that this process may use.

    In any case at least 1, and no more than there are items.
    """
    if asked is None:
        has_mask = hasattr(os, "sched_getaffinity")  # Linux
        asked = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    return max(1, min(asked, n_items))


class _Job(Generic[T, R]):
    """An item, and what comes of it."""

    def __init__(self, item: T) -> None:
        import threading

        self.item = item
        self._done = threading.Event()
        self._outcome: list[R] = []
        self._error: BaseException | None = None

    def run(self, work: Callable[[T, Check], R], check: Check) -> None:
        try:
            self._outcome.append(work(self.item, check))
        except BaseException as error:  # whatever it is belongs to the one who waits for the result
            self._error = error
        finally:
            self._done.set()

    def result(self) -> R:
        while not self._done.wait(WAKE_S):
            pass
        if self._error is not None:
            raise self._error
        return self._outcome.pop()


class _Crew(Generic[T, R]):
    """Threads that take jobs from a queue until they are stopped."""

    def __init__(self, work: Callable[[T, Check], R], n_threads: int) -> None:
        import queue
        import threading

        self._work = work
        self._queue: queue.SimpleQueue[_Job[T, R] | None] = queue.SimpleQueue()
        self._stopping = False
        # Daemons: the interpreter's end does not wait for one that hangs in a system call.
        self._threads = [
            threading.Thread(target=self._serve, name=f"wsnet-{i}", daemon=True)
            for i in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def give(self, item: T) -> _Job[T, R]:
        job: _Job[T, R] = _Job(item)
        self._queue.put(job)
        return job

    def stop(self) -> None:
        self._stopping = True
        for _ in self._threads:
            self._queue.put(None)
        end = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopping:
            job.run(self._work, self._check)

    def _check(self) -> None:
        if self._stopping:
            raise Stopped


def _go_on() -> None:
    """The check of work that is never stopped from outside."""

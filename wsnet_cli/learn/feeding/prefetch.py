"""Batches made ahead of their time by threads, so that a step never waits for its windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from .batches import Batch, Feed

AHEAD = 2
"""Batches that wait or are being made for each worker."""


class Prefetcher:
    """Gives the batches of a feed, bit for bit; the next ones are made meanwhile.

    Threads and not processes: numpy gives the interpreter's lock back while it works on windows,
    and a batch needs no copying. To be closed, or used in a `with`: then no thread is left.

    Args:
        feed: makes the batches.
        n_epochs: where the batches end.
        workers: threads; 0 makes each batch when it is asked for.
        rank: of the process among those that share every batch.
        n_ranks: how many these are.
    """

    def __init__(
        self, feed: Feed, n_epochs: int, workers: int, rank: int = 0, n_ranks: int = 1
    ) -> None:
        self._feed = feed
        self._n_epochs = n_epochs
        self._part = rank, n_ranks
        self._n_ahead = AHEAD * workers
        self._threads = ThreadPoolExecutor(workers, "wsnet-feed") if workers else None
        self._waiting: deque[tuple[tuple[int, int], Future[Batch]]] = deque()
        self._next: Iterator[tuple[int, int]] = iter(())

    def batch(self, epoch: int, step: int) -> Batch:
        """Batch `step` of `epoch`, as `Feed.batch` makes it; those behind it are begun.

        In any order, but only those that are asked for one after another come at once. What the
        making of a batch raises is raised here.
        """
        if self._threads is None:
            return self._feed.batch(epoch, step, *self._part)
        if not self._waiting or self._waiting[0][0] != (epoch, step):
            self._drop()
            self._next = self._steps_from(epoch, step)
        self._fill(self._threads)
        _, future = self._waiting.popleft()
        try:
            batch = future.result()
        except BaseException:
            self._drop()
            raise
        self._fill(self._threads)
        return batch

    def close(self) -> None:
        """Drop what waits, and end the threads once the batches in work are done."""
        self._drop()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fill(self, threads: ThreadPoolExecutor) -> None:
        while len(self._waiting) < self._n_ahead:
            at = next(self._next, None)
            if at is None:
                return
            self._waiting.append((at, threads.submit(self._feed.batch, *at, *self._part)))

    def _drop(self) -> None:
        while self._waiting:
            self._waiting.pop()[1].cancel()

    def _steps_from(self, epoch: int, step: int) -> Iterator[tuple[int, int]]:
        yield epoch, step
        while True:
            step += 1
            if step >= self._feed.n_batches:
                epoch, step = epoch + 1, 0
            if epoch >= self._n_epochs:
                return
            yield epoch, step

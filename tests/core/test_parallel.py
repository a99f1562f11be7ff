"""Work by several threads: its order, its bounds, its errors, its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from wsnet_cli.core import parallel
from wsnet_cli.core.parallel import LOOK_AHEAD, Check, Stopped, count_workers, map_in_order

WAIT_S = 10.0
"""Longest wait for another thread before a test fails."""


def own_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("wsnet-")]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert own_threads() == []


@pytest.mark.parametrize("workers", [1, 2, 3, 16])
@pytest.mark.parametrize("n_items", [0, 1, 2, 100])
def test_results_come_in_order_whatever_ends_first(workers: int, n_items: int):
    def work(item: int, check: Check) -> int:
        time.sleep(0.002 * (item % 3 == 0))
        check()
        return item * item

    assert list(map_in_order(work, iter(range(n_items)), workers)) == [
        i * i for i in range(n_items)
    ]


def test_items_are_worked_on_at_once():
    """Each of three waits for the other two: with fewer threads it would never end."""
    together = threading.Barrier(3, timeout=WAIT_S)
    threads = map_in_order(lambda _item, _check: together.wait() >= 0, range(3), 3)
    assert list(threads) == [True] * 3


def test_one_worker_needs_no_thread_and_takes_nothing_ahead():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for i in range(5):
            taken.append(i)
            yield i

    results = map_in_order(lambda item, _check: (item, threading.current_thread()), items(), 1)
    assert next(results) == (0, threading.main_thread())
    assert taken == [0]
    results.close()


@pytest.mark.parametrize("workers", [2, 3])
def test_few_items_are_taken_ahead(workers: int):
    taken: list[int] = []

    def items() -> Iterator[int]:
        for i in range(1_000):
            taken.append(i)
            yield i

    results = map_in_order(lambda item, _check: item, items(), workers)
    for expected in range(10):
        assert next(results) == expected
        assert len(taken) == expected + workers * LOOK_AHEAD
    results.close()


def test_an_error_comes_in_its_place_and_ends_it():
    def work(item: int, _check: Check) -> int:
        if item == 5:
            raise ZeroDivisionError("five")
        return item

    results = map_in_order(work, range(50), 2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError, match="five"):
        next(results)
    assert next(results, "ended") == "ended"


def test_an_error_of_the_items_ends_it():
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(map_in_order(lambda item, _check: item, items(), 2))


def test_closing_drops_what_waits_and_stops_what_is_in_work():
    begun: list[int] = []
    stopped: list[int] = []
    started = threading.Semaphore(0)

    def work(item: int, check: Check) -> int:
        begun.append(item)
        if item == 0:
            return 0
        started.release()
        try:
            for _ in range(int(WAIT_S / 0.001)):
                check()
                time.sleep(0.001)
        except Stopped:
            stopped.append(item)
            raise
        return item

    results = map_in_order(work, range(100), 2)
    assert next(results) == 0
    assert started.acquire(timeout=WAIT_S)
    assert started.acquire(timeout=WAIT_S)
    results.close()
    assert own_threads() == []
    assert sorted(begun) == [0, 1, 2]
    assert sorted(stopped) == [1, 2]


def test_a_worker_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parallel, "STOP_S", 0.05)
    release, hanging = threading.Event(), threading.Event()

    def work(item: int, _check: Check) -> int:
        if item:
            hanging.set()
            release.wait(WAIT_S)
        return item

    results = map_in_order(work, range(2), 2)
    assert next(results) == 0
    assert hanging.wait(WAIT_S)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 1
    assert [t.daemon for t in threading.enumerate() if t.name.startswith("wsnet-")] == [True]
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("wsnet-"):
            thread.join(WAIT_S)


def test_workers_follow_the_processors_and_the_items(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 5}, raising=False)
    assert count_workers(None, 100) == 3
    assert count_workers(None, 2) == 2
    assert count_workers(8, 100) == 8
    assert count_workers(8, 5) == 5
    assert count_workers(None, 0) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert count_workers(None, 100) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_workers(None, 100) == 1

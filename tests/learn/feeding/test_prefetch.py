from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from wsnet_cli.core.configuration.config import AugmentConfig
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.learn.feeding.batches import Batch, Feed
from wsnet_cli.learn.feeding.prefetch import Prefetcher

AUDIO = AudioSettings(1_000, window_s=0.064, hop_s=0.032, trim_below=0.0)


@pytest.fixture
def feed(fake_packed_set) -> Feed:
    rng = np.random.default_rng(0)
    clips = [rng.standard_normal(100 + 10 * i).astype(np.float32) for i in range(11)]
    classes = [0] * 6 + [1] * 4 + [2]
    return Feed(fake_packed_set(clips), range(11), classes, 3, AUDIO, AugmentConfig(), 4, 1, 9, 0)


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def same(first: Batch, second: Batch) -> bool:
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@dataclass(frozen=True)
class Watched:
    """A feed of two batches an epoch that notes which are made, and fails at one of them."""

    fails_at: tuple[int, int] | None = None
    made: list[tuple[int, int]] = field(default_factory=list)
    n_batches = 2

    def batch(self, epoch: int, step: int, rank: int = 0, n_ranks: int = 1) -> Batch:
        if (epoch, step) == self.fails_at:
            raise MemoryError(f"no room for batch {step} of epoch {epoch}")
        self.made.append((epoch, step))
        empty = np.zeros((0, 0), np.float32)
        return Batch(empty, empty, np.array([epoch, step, rank, n_ranks]))


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(("rank", "n_ranks"), [(0, 1), (1, 3)])
def test_batches_are_those_of_the_feed_however_many_workers(
    workers: int, rank: int, n_ranks: int, feed: Feed
) -> None:
    expected = replace(feed)
    with Prefetcher(feed, 4, workers, rank, n_ranks) as prefetcher:
        for epoch in range(1, 4):
            for step in range(feed.n_batches):
                batch = prefetcher.batch(epoch, step)
                assert same(batch, expected.batch(epoch, step, rank, n_ranks))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_may_be_asked_for_in_any_order(workers: int, feed: Feed) -> None:
    with Prefetcher(feed, 3, workers) as prefetcher:
        for epoch, step in ((0, 1), (0, 1), (2, 0), (0, 0), (2, 2), (5, 1)):
            assert same(prefetcher.batch(epoch, step), feed.batch(epoch, step))


def test_nothing_is_made_behind_the_last_epoch_and_not_too_much_ahead() -> None:
    feed = Watched()
    with Prefetcher(feed, 3, 1) as prefetcher:  # type: ignore[arg-type]
        prefetcher.batch(0, 0)
        prefetcher.close()
        assert feed.made[0] == (0, 0)
        assert len(feed.made) <= 1 + 2
    feed = Watched()
    with Prefetcher(feed, 3, 2) as prefetcher:  # type: ignore[arg-type]
        for epoch in range(3):
            for step in range(2):
                prefetcher.batch(epoch, step)
    assert sorted(feed.made) == [(epoch, step) for epoch in range(3) for step in range(2)]


def test_without_workers_nothing_is_made_ahead() -> None:
    feed = Watched()
    with Prefetcher(feed, 3, 0) as prefetcher:  # type: ignore[arg-type]
        assert prefetcher.batch(1, 1).clips.tolist() == [1, 1, 0, 1]
    assert feed.made == [(1, 1)]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_an_error_in_a_worker_is_raised_where_the_batch_is_asked_for(workers: int) -> None:
    feed = Watched(fails_at=(0, 1))
    with Prefetcher(feed, 3, workers) as prefetcher:  # type: ignore[arg-type]
        prefetcher.batch(0, 0)
        with pytest.raises(MemoryError, match="no room for batch 1 of epoch 0"):
            prefetcher.batch(0, 1)
        assert prefetcher.batch(1, 0).clips[0] == 1


def test_threads_end_when_the_one_who_asks_is_interrupted(feed: Feed) -> None:
    def ask() -> None:
        with Prefetcher(feed, 9, 2) as prefetcher:
            prefetcher.batch(0, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask()

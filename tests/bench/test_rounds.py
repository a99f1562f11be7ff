from __future__ import annotations

import gc

import numpy as np
import pytest

from wsnet_cli.bench import rounds
from wsnet_cli.bench.rounds import (
    MAX_CALLS,
    WARM_UP_ROUNDS,
    Timing,
    paired_ratio,
    time_rounds,
)


class Workshop:
    """A clock that stands still but for what its calls take."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def clock(self) -> float:
        return self.now

    def takes(self, name: str, seconds: float):
        def call() -> None:
            self.now += seconds
            self.order.append(name)

        return call


def test_every_call_is_timed_once_a_round_in_an_order_of_its_own():
    shop = Workshop()
    calls = {"slow": shop.takes("slow", 1.0), "slower": shop.takes("slower", 2.0)}
    told: list[float] = []
    timings = time_rounds(
        calls, 20, seed=1, advance=lambda share, words: told.append(share), clock=shop.clock
    )
    assert timings["slow"].seconds.tolist() == [1.0] * 20
    assert timings["slower"].seconds.tolist() == [2.0] * 20
    orders = np.array(shop.order[6:]).reshape(-1, 2)  # three calls of each find how many to make
    assert len(orders) == WARM_UP_ROUNDS + 20
    assert {tuple(sorted(order)) for order in orders.tolist()} == {("slow", "slower")}
    assert len({tuple(order) for order in orders.tolist()}) == 2
    assert (len(told), told[-1]) == (WARM_UP_ROUNDS + 20, 1.0)


def test_the_order_follows_from_the_seed():
    orders = []
    for seed in (3, 3, 4):
        shop = Workshop()
        time_rounds({n: shop.takes(n, 1.0) for n in "abcd"}, 5, seed, clock=shop.clock)
        orders.append(shop.order)
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(
    ("seconds", "n_calls"), [(0.0, MAX_CALLS), (0.25, 4), (0.375, 3), (1.0, 1), (2.0, 1)]
)
def test_a_sample_has_as_many_calls_as_take_long_enough(
    seconds: float, n_calls: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rounds, "MIN_SAMPLE_S", 1.0)
    shop = Workshop()
    timing = time_rounds({"a": shop.takes("a", seconds)}, 2, clock=shop.clock)["a"]
    assert timing.n_calls == n_calls
    assert timing.seconds == pytest.approx([seconds, seconds])
    assert len(shop.order) == 3 + (WARM_UP_ROUNDS + 2) * n_calls


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_as_before(enabled: bool):
    seen = []
    (gc.enable if enabled else gc.disable)()
    try:
        time_rounds({"a": lambda: seen.append(gc.isenabled())}, 1, clock=iter(range(99)).__next__)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
    assert set(seen) == {False}


def test_a_ratio_is_of_the_same_round():
    reference = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    ratio = paired_ratio(3 * reference, reference)
    assert (ratio.median, ratio.low, ratio.high) == (3, 3, 3)
    spread = paired_ratio(np.arange(101.0), np.ones(101))
    assert (spread.median, spread.low, spread.high) == (50, 5, 95)


def test_medians_and_quartiles():
    timing = Timing(1, np.array([5.0, 1.0, 2.0, 4.0, 3.0]))
    assert (timing.median_s, timing.quartiles_s) == (3.0, (2.0, 4.0))

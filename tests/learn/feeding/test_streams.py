from __future__ import annotations

import numpy as np

from wsnet_cli.learn.feeding.streams import ROWS, Streams


def draws(rng: np.random.Generator) -> list[object]:
    """Of every kind, some of which take half of a number and keep the rest."""
    values = [rng.random(), rng.integers(7), rng.beta(0.2, 0.2), rng.uniform(-1, 3)]
    return [*values, *rng.standard_normal(3, dtype=np.float32).tolist(), rng.integers(5)]


def test_the_stream_of_a_window_is_that_of_its_counter() -> None:
    """Whatever was drawn before, and by whom."""
    key = np.random.SeedSequence((9, ROWS)).generate_state(2, np.uint64)
    streams = Streams(9)
    for epoch, place in ((0, 0), (3, 8), (0, 0), (1 << 40, 1 << 50)):
        fresh = np.random.Generator(np.random.Philox(key=key, counter=(0, 0, place, epoch)))
        expected = draws(fresh)
        assert draws(streams.at(epoch, place)) == expected
        assert draws(Streams(9).at(epoch, place)) == expected
        streams.at(epoch, place).integers(3)  # leaves half of a number behind


def test_streams_never_repeat_over_epochs_places_and_seeds() -> None:
    found = {
        streams.at(epoch, place).bytes(8)
        for streams in map(Streams, range(3))
        for epoch in range(40)
        for place in range(100)
    }
    assert len(found) == 12_000

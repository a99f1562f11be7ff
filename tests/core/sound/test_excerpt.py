from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.sound.excerpt import Excerpt, cut_excerpt

RATE = 100


def clip(n: int, block: int = 7) -> Any:
    samples = np.arange(n, dtype=np.float32)
    return lambda: iter([samples[i : i + block] for i in range(0, n, block)])


def cut(n: int, moment: tuple[float, float], most_s: float = 2.0) -> Excerpt:
    return cut_excerpt(clip(n), RATE, moment, n / RATE, most_s)


def test_a_short_clip_is_taken_whole() -> None:
    found = cut(150, (0.2, 0.4))
    assert np.array_equal(found.samples, np.arange(150))
    assert (found.start_s, found.end_s, found.is_whole) == (0, 1.5, True)


def test_the_moment_stands_in_the_middle_of_a_long_clip() -> None:
    found = cut(1_000, (4.5, 5.5))
    assert np.array_equal(found.samples, np.arange(400, 600))
    assert (found.start_s, found.end_s, found.is_whole) == (4, 6, False)


@pytest.mark.parametrize(("moment", "first"), [((0.0, 0.5), 0), ((9.5, 10.0), 800)])
def test_at_an_end_the_piece_keeps_its_length(moment: Any, first: int) -> None:
    assert np.array_equal(cut(1_000, moment).samples, np.arange(first, first + 200))


@given(
    n=st.integers(1, 500),
    block=st.integers(1, 600),
    at=st.floats(0, 1),
    most_s=st.floats(0.01, 6),
)
def test_a_piece_holds_its_moment_and_is_no_longer_than_it_may_be(
    n: int, block: int, at: float, most_s: float
) -> None:
    middle = at * n / RATE
    found = cut_excerpt(clip(n, block), RATE, (middle, middle), n / RATE, most_s)
    assert len(found.samples) == min(n, round(most_s * RATE))
    first = round(found.start_s * RATE)
    assert np.array_equal(found.samples, np.arange(first, first + len(found.samples)))
    assert found.start_s - 1 / RATE <= middle <= found.end_s + 1 / RATE


def test_nothing_is_read_beyond_the_piece() -> None:
    def blocks() -> Iterator[Any]:
        yield np.zeros(150, np.float32)
        yield np.zeros(150, np.float32)
        raise AssertionError("read on")

    assert len(cut_excerpt(blocks, RATE, (0.5, 0.6), 9.0, 2.0).samples) == 200


def test_a_piece_has_a_length() -> None:
    with pytest.raises(ParameterError, match="most_s = 0; expected seconds > 0"):
        cut(10, (0, 0), 0)

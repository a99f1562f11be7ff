from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.data.health.flats import FLAT_RUN, Flats


def count(values: Any, sizes: Any = ()) -> int:
    flats = Flats()
    samples = np.asarray(values, np.float32)[:, None]
    for part in np.split(samples, sorted(sizes)):
        if len(part):
            flats.add(part, float(part.max()), float(part.min()))
    return flats.count()


def test_runs_at_both_ends_by_hand() -> None:
    assert count([0, 1, 1, 0, -1, -1]) == 0
    assert count([0, 1, 1, 1, 0, -1, -1, -1, -1]) == 7
    assert count([0, 1, 1, 1, 2]) == 0  # 1 is not the highest after all
    assert count([2, 1, 1, 1, 0]) == 0
    assert count([1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1]) == 7
    assert count([1, 1, 0, 1, 0], [2, 3]) == 0  # a part between that stays below
    assert count([5, 5, 5, 5]) == 0  # nothing to be flat against


@given(
    values=st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=30),
    sizes=st.lists(st.integers(0, 30), max_size=8),
)
def test_a_run_counts_once_wherever_the_parts_end(values: Any, sizes: Any) -> None:
    runs = [(value, len(list(run))) for value, run in groupby(values)]
    ends = {max(values), min(values)}
    expected = sum(n for value, n in runs if value in ends and n >= FLAT_RUN)
    assert count(values, sizes) == (expected if len(ends) > 1 else 0)

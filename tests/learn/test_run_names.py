"""What the runs of a job are called."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from wsnet_cli.learn.run_names import run_names


def test_fold_after_fold_and_seeds_in_order() -> None:
    assert list(run_names(["2", "1"], [7, 0]).items()) == [
        (("2", 7), "fold-2-seed-7"),
        (("2", 0), "fold-2-seed-0"),
        (("1", 7), "fold-1-seed-7"),
        (("1", 0), "fold-1-seed-0"),
    ]
    assert run_names([None], [3]) == {(None, 3): "seed-3"}


@example(["b-c-3", "b/c", "b c"])
@example(["4", "0", "00", ""])
@given(st.lists(st.text(max_size=80), unique=True, min_size=1, max_size=6))
def test_every_run_has_a_name_of_its_own_that_leads_nowhere_else(folds: list[str]) -> None:
    names = list(run_names(folds, [0, 1]).values())
    assert len(set(names)) == 2 * len(folds)
    assert all(re.fullmatch(r"fold-[A-Za-z0-9._-]+-seed-[01]", name) for name in names)

"""Shares in percent, with the digits that a decision hangs on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.percent import beside_threshold, exact, fine


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0"), (0.0004, "0.04"), (0.01, "1.0"), (0.5, "50.0"), (0.99, "99.0"), (1.0, "100.0")],
)
def test_two_places_stand_near_the_ends_alone(share: float, text: str) -> None:
    assert fine(share) == beside_threshold(share) == text


@given(st.integers(9_901, 9_999), st.floats(0.99, 1))
def test_no_score_seems_to_be_on_the_other_side_of_a_threshold(step: int, score: float) -> None:
    threshold = step / 10_000
    if abs(score - threshold) > 1e-9:
        seems_known = float(beside_threshold(score)) >= float(exact(threshold))
        assert seems_known == (score >= threshold), (score, threshold)


@given(st.integers(0, 1_000_000))
def test_a_threshold_is_told_as_it_is_stored(step: int) -> None:
    assert float(exact(step / 1_000_000)) == pytest.approx(step / 10_000, abs=1e-4)


@given(st.floats(0, 1))
def test_what_is_said_is_near_the_share(share: float) -> None:
    assert float(fine(share)) == pytest.approx(100 * share, abs=0.051)
    assert float(beside_threshold(share)) == pytest.approx(100 * share, abs=0.051)

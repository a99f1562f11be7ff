from __future__ import annotations

import pytest

from wsnet_cli.core.sizes.gate import Gate


@pytest.mark.parametrize(
    ("max_drop", "n_before", "n_after", "n", "refused"),
    [
        (0.5, 180, 179, 200, False),  # exactly half a point
        (0.5, 360, 358, 400, False),
        (0.5, 360, 357, 400, True),
        (0, 7, 7, 10, False),
        (0, 7, 6, 10, True),
        (0, 6, 7, 10, False),
        (100, 10, 0, 10, False),
        (1.3, 77, 76, 77, False),  # 1.2987 points
    ],
)
def test_a_limit_that_was_asked_for_is_kept_to_the_clip(max_drop, n_before, n_after, n, refused):
    difference = n_after / n - n_before / n
    assert Gate(max_drop, asked=True).refuses(difference, n) == refused


@pytest.mark.parametrize(
    ("n_lost", "n", "refused"),
    [
        (1, 3, False),
        (2, 20, False),
        (3, 20, True),
        (3, 160, False),
        (8, 400, False),
        (9, 400, True),
    ],
)
def test_the_limit_that_nobody_asked_for_is_two_points_and_more_than_two_clips(n_lost, n, refused):
    assert Gate().refuses(-n_lost / n, n) == refused

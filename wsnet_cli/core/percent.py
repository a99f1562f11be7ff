"""Shares in percent, with the digits that a decision hangs on."""

from __future__ import annotations

import math

NEAR = 0.01
"""As near to 0 or 1 as this, one place does not tell shares apart."""


def one_place(share: float) -> str:
    """To one place.

    >>> one_place(0.9996)
    '100.0'
    """
    return f"{100 * share:.1f}"


def fine(share: float) -> str:
    """To one place, and to two within 1 % of 0 and of 100.

    >>> fine(0.9125), fine(0.9996), fine(0.0004), fine(0.0), fine(1.0)
    ('91.2', '99.96', '0.04', '0.0', '100.0')
    """
    return f"{100 * share:.{_places(share)}f}"


def beside_threshold(score: float) -> str:
    """As `fine`, with two places rounded down: no score seems to reach a threshold above it.

    >>> beside_threshold(0.99929), beside_threshold(0.99931), beside_threshold(0.5)
    ('99.92', '99.93', '50.0')
    """
    if _places(score) == 1:
        return fine(score)
    return f"{math.floor(1e4 * score + 1e-6) / 100:.2f}"  # 0.9993 is a little less, times 10,000


def exact(threshold: float) -> str:
    """As it is stored, which is to up to six places of the share.

    >>> exact(0.9993), exact(0.25), exact(0.999998)
    ('99.93', '25.0', '99.9998')
    """
    text = f"{100 * threshold:.6g}"
    return text if "." in text else f"{text}.0"


def _places(share: float) -> int:
    return 2 if 0 < share < NEAR or 1 - NEAR < share < 1 else 1

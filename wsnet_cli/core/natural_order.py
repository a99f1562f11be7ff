"""Names as people order them: numbers in them by value."""

from __future__ import annotations

import re


def natural_order(text: str) -> tuple[object, ...]:
    """Return a sorting key by which runs of digits count as numbers.

    >>> sorted(["10", "2", "b", "a10", "a9"], key=natural_order)
    ['2', '10', 'a9', 'a10', 'b']
    """
    # Digits are compared by length and then as text: int() refuses very long ones.
    parts = [
        (0, len(part.lstrip("0")), part.lstrip("0")) if part[0] in "0123456789" else (1, 0, part)
        for part in re.findall(r"[0-9]+|[^0-9]+", text)
    ]
    return (*parts, (2, 0, text))

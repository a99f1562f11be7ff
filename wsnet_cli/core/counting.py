"""Numbers with what they count, for people."""

from __future__ import annotations


def plural(n: int, what: str, several: str = "") -> str:
    """Return a number with what it counts.

    Args:
        n: the number, >= 0.
        what: it counts, of one.
        several: of any other number; else `what` with an s.

    >>> plural(1, "clip"), plural(1200, "clip"), plural(2, "copy", "copies")
    ('1 clip', '1,200 clips', '2 copies')
    """
    return f"{n:,} {what if n == 1 else several or f'{what}s'}"

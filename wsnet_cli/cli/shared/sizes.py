"""Sizes of files on the command line, in kilobytes of 1,000 bytes."""

from __future__ import annotations

import math

from ...core.errors import UsageError
from ...core.sizes.frontier import KB

LARGEST_KB = 1_000_000


def to_bytes(flag: str, kilobytes: float | None) -> int | None:
    """Whole bytes, rounded down; None stays None.

    Raises:
        UsageError: not a size; the message begins with the flag.

    >>> to_bytes("--max-kb", 16), to_bytes("--max-kb", 0.5)
    (16000, 500)
    """
    if kilobytes is None:
        return None
    if not (0 < kilobytes <= LARGEST_KB):
        raise UsageError(f"{flag} {kilobytes:g}; expected more than 0 KB, at most {LARGEST_KB:,}")
    return math.floor(round(kilobytes * KB, 6))


def parse_sizes(flag: str, text: str) -> tuple[int, ...]:
    """Sizes in bytes from numbers of kilobytes with commas between, ascending.

    Raises:
        UsageError: not such a list, or a size that stands there twice.

    >>> parse_sizes("--kb", "64, 16")
    (16000, 64000)
    """
    try:
        sizes = sorted(int(to_bytes(flag, float(part)) or 0) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{flag} {text}; expected numbers such as 16,32,64,128") from None
    if len(set(sizes)) < len(sizes):
        raise UsageError(f"{flag} {text}; expected every size once")
    return tuple(sizes)

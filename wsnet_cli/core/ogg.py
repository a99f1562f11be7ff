"""Ogg files that hold several streams in a row, of which the decoder reads the first alone.

Pages: RFC 3533, section 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 27
_BEGINS = 2  # flag of a stream's first page


def is_chained(path: Path) -> bool:
    """Say whether another stream begins where one has been going on.

    Streams that begin side by side, before any other page, are one picture or sound.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        goes_on = False
        for begins in _pages(stream):
            if begins and goes_on:
                return True
            goes_on = not begins
    return False


def _pages(stream: BinaryIO) -> Iterator[bool]:
    """For each page that follows upon the one before, whether a stream begins with it."""
    while True:
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or header[:4] != b"OggS":
            return
        sizes = stream.read(header[26])
        yield bool(header[5] & _BEGINS)
        stream.seek(sum(sizes), os.SEEK_CUR)

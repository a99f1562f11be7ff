"""Ogg files that hold several streams in a row, or end within a page.

Of streams in a row the decoder reads the first alone, and of a page that is not whole nothing.

Pages: RFC 3533, section 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"OggS"
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
        for begins, _ in _pages(stream):
            if begins and goes_on:
                return True
            goes_on = not begins
    return False


def ends_within_page(stream: BinaryIO) -> bool:
    """Say whether the last page of a file, open at its start, is not whole.

    A file cut between two pages is taken for whole.

    Raises:
        OSError: the file cannot be read.
    """
    end = 0
    for _, page_end in _pages(stream):
        end = page_end
    left = stream.seek(0, os.SEEK_END) - end
    stream.seek(end)
    begun = stream.read(len(_MAGIC))
    return left < 0 or (begun != b"" and _MAGIC.startswith(begun))


def _pages(stream: BinaryIO) -> Iterator[tuple[bool, int]]:
    """Whether a stream begins with a page, and where that page says that it ends.

    Of each page whose header is whole and follows upon the one before.
    """
    while True:
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or header[:4] != _MAGIC:
            return
        sizes = stream.read(header[26])
        if len(sizes) < header[26]:
            return
        end = stream.tell() + sum(sizes)
        yield bool(header[5] & _BEGINS), end
        stream.seek(end)

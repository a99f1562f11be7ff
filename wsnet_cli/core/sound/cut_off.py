"""Files that end before their headers say, of which the decoder reads what is there without a word.

Of FLAC and CAF the decoder tells itself. Asked for here: WAV (RIFF, RIFX and RF64), AIFF, AU, Ogg,
and MP3 whose first frame counts the bytes of all. Sizes that mean "until the end" promise nothing.

WAV: see `wav_stream`; AIFF: Apple, Audio Interchange File Format 1.3 (1989); AU: Sun's audio(5);
pages of Ogg: RFC 3533.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from .mpeg import lacks_counted_bytes
from .ogg import ends_within_page
from .wav_stream import UNKNOWN_SIZE, read_wav_header

LOOSE_BYTES = 64
"""By so many a size may be too large: some writers count the header with the sound, or padding."""

_OPEN_SIZE = 0xFFFF_FFFF
_OPEN_AIFF_SIZE = 0x7F00_0000 - 2**16  # what SoX writes into a pipe, less its header and a frame
_MOST_CHUNKS = 1_000  # before the sound; a file of more is made to keep its reader busy


def is_cut_off(path: Path) -> bool:
    """Say whether an audio file that was decoded ends before its header says.

    False where its kind does not tell, and where it cannot be read any more.
    """
    try:
        with path.open("rb") as stream:
            return _is_cut_off(stream)
    except OSError:
        return False


def _is_cut_off(stream: BinaryIO) -> bool:
    head = stream.read(12)
    stream.seek(0)
    if head[:4] in (b"RIFF", b"RIFX"):
        order: Literal["little", "big"] = "little" if head[:4] == b"RIFF" else "big"
        return _lacks(stream, _chunk_bytes(stream, b"data", order, UNKNOWN_SIZE))
    if head[:4] in (b"RF64", b"BW64"):
        header = read_wav_header(stream)
        return header is not None and _lacks(stream, header.n_bytes)
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return _lacks(stream, _chunk_bytes(stream, b"SSND", "big", _OPEN_AIFF_SIZE))
    if head[:4] == b".snd":
        start, size = (int.from_bytes(head[i : i + 4], "big") for i in (4, 8))
        stream.seek(start)
        return _lacks(stream, None if size == _OPEN_SIZE else size)
    if head[:4] == b"OggS":
        return ends_within_page(stream)
    if head[:3] == b"ID3" or head[:1] == b"\xff":
        return lacks_counted_bytes(stream)
    return False


def _lacks(stream: BinaryIO, n_bytes: int | None) -> bool:
    """Whether fewer bytes follow than promised, which None does not."""
    if n_bytes is None:
        return False
    start = stream.tell()
    return stream.seek(0, os.SEEK_END) - start < n_bytes - LOOSE_BYTES


def _chunk_bytes(
    stream: BinaryIO, name: bytes, order: Literal["little", "big"], open_size: int
) -> int | None:
    """Go to what is in a chunk; how many bytes of it are promised, None from `open_size` on."""
    stream.seek(12)
    for _ in range(_MOST_CHUNKS):
        chunk = stream.read(8)
        if len(chunk) < 8:
            return None
        size = int.from_bytes(chunk[4:], order)
        if chunk[:4] == name:
            return size if 0 < size < open_size else None
        stream.seek(size + size % 2, os.SEEK_CUR)
    return None

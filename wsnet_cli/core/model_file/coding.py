"""Codes as bits packed tightly or as Huffman codes, and 16-bit floats as byte planes.

Specified in docs/format.md; `benchmarks/entropy_coding.py` compares ways of coding on models.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.int8]
Halves = npt.NDArray[np.float16]

CODES_PER_ROW = 8
"""So many codes of any width take whole bytes."""
CHUNK_ROWS = 1 << 15
MAX_EXPANSION = 8
"""A literal takes a bit or more, so that bytes never become more than eight times as many: what
claims to is refused before anything is decoded."""


def packed_bytes(n: int, width: int) -> int:
    """Bytes of `n` codes of `width` bits."""
    return -(-n * width // 8)


def pack_codes(codes: Codes, width: int) -> bytes:
    """The low `width` bits of each code, the first in the highest bits of the first byte.

    Bits that are left over in the last byte are 0.

    >>> pack_codes(np.array([1, -1, 7], np.int8), 4).hex()
    '1f70'
    """
    if width == 8:
        return codes.tobytes()
    chunk = CHUNK_ROWS * CODES_PER_ROW
    packed = [
        np.packbits(np.unpackbits(codes[at : at + chunk, np.newaxis].view(np.uint8), 1)[:, -width:])
        for at in range(0, len(codes), chunk)
    ]
    return b"".join(part.tobytes() for part in packed)


def unpack_codes(content: Bytes, n: int, width: int) -> Codes:
    """The inverse of `pack_codes`.

    Args:
        content: `packed_bytes(n, width)` bytes.
        n: how many codes.
        width: bits of a code.

    Raises:
        ParameterError: bits that are left over are not 0.
    """
    if width == 8:
        return content.view(np.int8)
    codes = np.empty(n, np.int8)
    chunk, n_bytes = CHUNK_ROWS * CODES_PER_ROW, CHUNK_ROWS * width
    for number, at in enumerate(range(0, n, chunk)):
        bits = np.unpackbits(content[number * n_bytes : (number + 1) * n_bytes])
        here = codes[at : at + chunk]
        if bits[len(here) * width :].any():
            raise ParameterError("bits behind the last code of a part are not 0")
        wide = np.zeros((len(here), 8), np.uint8)
        wide[:, :width] = bits[: len(here) * width].reshape(-1, width)
        here[:] = np.packbits(wide, axis=1)[:, 0].view(np.int8) >> 8 - width  # keeps the sign
    return codes


def huffman_coded(segments: Iterable[bytes]) -> bytes:
    """Raw deflate (RFC 1951) of literals alone, a new Huffman code for each segment.

    What it gives may differ between versions of zlib, what it stands for does not.
    """
    coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    coded = [coder.compress(segment) + coder.flush(zlib.Z_BLOCK) for segment in segments]
    return b"".join(coded) + coder.flush()


def huffman_decoded(coded: bytes, n: int) -> Bytes:
    """The inverse of `huffman_coded`.

    Allocates for no more than MAX_EXPANSION times the bytes of `coded`, whatever `n` says.

    Args:
        coded: one raw deflate stream.
        n: of how many bytes.

    Raises:
        ParameterError: it is no such stream, gives another number of bytes, or does not end there.
    """
    if n > MAX_EXPANSION * len(coded):
        raise ParameterError(f"{len(coded)} coded bytes for {n}; expected an eighth of it or more")
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = decoder.decompress(coded, n + 1)
    except zlib.error as error:
        raise ParameterError(f"coded bytes are damaged: {error}") from error
    if not decoder.eof or len(content) != n or decoder.unused_data:
        raise ParameterError(f"coded bytes end elsewhere; expected {n} of them decoded")
    return np.frombuffer(content, np.uint8)


def halves_coded(halves: Halves) -> bytes:
    """Huffman codes of the high bytes, which repeat themselves, then the low bytes."""
    planes = halves.astype("<f2").view(np.uint8).reshape(-1, 2)
    return huffman_coded([planes[:, 1].tobytes(), planes[:, 0].tobytes()])


def halves_decoded(coded: bytes, n: int) -> Halves:
    """The inverse of `halves_coded`, `n` numbers. Raises: ParameterError: as `huffman_decoded`."""
    high, low = huffman_decoded(coded, 2 * n).reshape(2, n)
    return np.stack([low, high], axis=1).view("<f2")[:, 0].astype(np.float16)

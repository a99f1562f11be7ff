"""RIFF and its relatives put together by hand, so that every field can lie."""

from __future__ import annotations

import struct

import numpy as np

from .odd import RATE

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, size: int | None = None, order: str = "<") -> bytes:
    """A chunk, padded to an even length; `size` is what it claims."""
    claimed = len(body) if size is None else size
    return name + struct.pack(f"{order}I", claimed) + body + b"\0" * (len(body) % 2)


def fmt(
    bits: int = 16,
    channels: int = 1,
    rate: int = RATE,
    tag: int = PCM,
    *,
    block: int | None = None,
    byte_rate: int | None = None,
    extra: bytes = b"",
    order: str = "<",
) -> bytes:
    """A fmt chunk; what is not given follows from the rest."""
    block = channels * bits // 8 if block is None else block
    byte_rate = block * rate % 2**32 if byte_rate is None else byte_rate
    fields = struct.pack(f"{order}HHIIHH", tag, channels, rate, byte_rate, block, bits)
    return chunk(b"fmt ", fields + extra, order=order)


def extensible(valid_bits: int, tag: int = PCM, mask: int = 0) -> bytes:
    """What a fmt chunk of WAVE_FORMAT_EXTENSIBLE holds beyond the usual fields."""
    return struct.pack("<HHI", 22, valid_bits, mask) + struct.pack("<H", tag) + GUID_TAIL


def wave(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    """A whole file."""
    body = b"WAVE" + b"".join(chunks)
    order = ">" if magic == b"RIFX" else "<"
    return magic + struct.pack(f"{order}I", len(body) if size is None else size) + body


def as_int(samples: np.ndarray, bits: int, order: str = "<") -> bytes:
    """Samples as integers of 8 (unsigned), 16, 24 or 32 bits."""
    whole = np.clip(np.rint(samples * 2.0 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if bits == 8:
        return (whole + 128).astype(np.uint8).tobytes()
    if bits == 24:
        columns = whole.astype(f"{order}i4").reshape(-1, 1).view(np.uint8)
        return (columns[:, :3] if order == "<" else columns[:, 1:]).tobytes()
    return whole.astype(f"{order}i{bits // 8}").tobytes()


def data(samples: np.ndarray, bits: int = 16, size: int | None = None, order: str = "<") -> bytes:
    """A data chunk of integers."""
    return chunk(b"data", as_int(samples, bits, order), size, order)

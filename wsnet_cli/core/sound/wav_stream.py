"""The header of a WAV stream whose sizes may be lies, because who wrote it could not go back.

RIFF: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), and
Microsoft's WAVEFORMATEXTENSIBLE; RF64: EBU Tech 3306 and ITU-R BS.2088.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from .samples import MAX_CHANNELS, MAX_FILE_RATE, MIN_FILE_RATE

UNKNOWN_SIZE = 0x7FFF_0000
"""Sizes of the sound from here on mean "until the end", and so does 0: ffmpeg writes 0xFFFFFFFF,
arecord 0x7FFFFF00, SoX 0x7FFFF000 less up to a frame; 2 GiB of sound are told in RF64 only."""

MAX_HEADER_BYTES = 2**20
"""Most that may stand before the sound: cover pictures and the like."""

_RIFF, _LONG = b"RIFF", (b"RF64", b"BW64")
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_ENCODINGS = {
    (_PCM, 1): "u8",
    (_PCM, 2): "s16le",
    (_PCM, 3): "s24le",
    (_PCM, 4): "s32le",
    (_FLOAT, 4): "f32le",
    (_FLOAT, 8): "f64le",
    (_ALAW, 1): "alaw",
    (_MULAW, 1): "mulaw",
}


@dataclass(frozen=True)
class WavHeader:
    """What a WAV header says of the samples that follow it.

    Args:
        sample_rate: Hz, within the rates of a file.
        n_channels: 1..MAX_CHANNELS.
        encoding: one of `pcm.ENCODINGS`.
        n_bytes: of sound; None: until the stream ends.
    """

    sample_rate: int
    n_channels: int
    encoding: str
    n_bytes: int | None


class Reader(Protocol):
    """What has bytes."""

    def read(self, n: int, /) -> bytes:
        """Wait for n bytes, and give fewer at the end only."""
        ...


def read_wav_header(stream: Reader) -> WavHeader | None:
    """Read up to the first sample.

    Args:
        stream: at its start.

    Returns: None where this is no WAV, or one that a decoder has to see as a whole: compressed,
        damaged, or with more than MAX_HEADER_BYTES before its sound.
    """
    start = stream.read(12)
    if len(start) < 12 or start[:4] not in (_RIFF, *_LONG) or start[8:] != b"WAVE":
        return None
    header, long_size, n_read = None, None, 12
    while True:
        chunk = stream.read(8)
        if len(chunk) < 8:
            return None
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"data":
            break
        n_read += 8 + size
        if n_read > MAX_HEADER_BYTES:
            return None
        body = stream.read(size + size % 2)[:size]
        if name == b"fmt ":
            header = _read_format(body)
        elif name == b"ds64" and start[:4] in _LONG and len(body) >= 16:
            long_size = int.from_bytes(body[8:16], "little")
    if header is None:
        return None
    if long_size is not None and size == 0xFFFF_FFFF:
        n_bytes = long_size if 0 < long_size < 2**62 else None
    else:
        n_bytes = size if 0 < size < UNKNOWN_SIZE else None
    return WavHeader(*header, n_bytes)


def looks_like_chunk(head: bytes) -> bool:
    """Whether the bytes after the sound begin a chunk: four letters and a size below 16 MiB."""
    return len(head) >= 8 and all(32 <= byte < 127 for byte in head[:4]) and head[7] == 0


def _read_format(body: bytes) -> tuple[int, int, str] | None:
    """Rate, channels and encoding; None where this is for a decoder to judge."""
    if len(body) < 16:
        return None
    code, n_channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", body[:16])
    if code == _EXTENSIBLE and len(body) >= 40 and body[26:40] == _SUBFORMAT_TAIL:
        code = int.from_bytes(body[24:26], "little")
    if not (1 <= n_channels <= MAX_CHANNELS and MIN_FILE_RATE <= rate <= MAX_FILE_RATE):
        return None
    sample_bytes, rest = divmod(frame_bytes, n_channels)
    encoding = _ENCODINGS.get((code, sample_bytes))
    if rest or encoding is None or not 8 * (sample_bytes - 1) < bits <= 8 * sample_bytes:
        return None
    return rate, n_channels, encoding

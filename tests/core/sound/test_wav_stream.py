"""Headers written here from the specification's words, and by libsndfile."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.sound.pcm import PcmFormat
from wsnet_cli.core.sound.wav_stream import (
    MAX_HEADER_BYTES,
    WavHeader,
    looks_like_chunk,
    read_wav_header,
)

GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(
    code: int = 1, n_channels: int = 1, rate: int = 8_000, n_bytes: int = 2, bits: int | None = None
) -> bytes:
    frame = n_channels * n_bytes
    bits = 8 * n_bytes if bits is None else bits
    return struct.pack("<HHIIHH", code, n_channels, rate, rate * frame, frame, bits)


def wav(size: int, *chunks: bytes, magic: bytes = b"RIFF") -> io.BytesIO:
    data = b"data" + struct.pack("<I", size)
    return io.BytesIO(magic + b"\xff\xff\xff\xffWAVE" + b"".join(chunks) + data + b"sound")


@pytest.mark.parametrize(
    ("size", "n_bytes"),
    [
        (5, 5),
        (0, None),
        (0xFFFFFFFF, None),
        (0x7FFFF000, None),
        (0x7FFFF000 - 5, None),
        (0x7FFFFF00, None),
        (0x80000000, None),
        (0x7FFEFFFF, 0x7FFEFFFF),
    ],
    ids=["true", "zero", "ffmpeg", "sox", "sox, frames of 6", "arecord", "2 GiB", "just true"],
)
def test_sizes_that_cannot_be_known_are_told_from_those_that_can(
    size: int, n_bytes: int | None
) -> None:
    stream = wav(size, chunk(b"fmt ", fmt()))
    assert read_wav_header(stream) == WavHeader(8_000, 1, "s16le", n_bytes)
    assert stream.read() == b"sound"


@pytest.mark.parametrize(
    ("long_size", "n_bytes"), [(5, 5), (0, None), (2**63 - 1, None), (2**40, 2**40)]
)
@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_long_files_tell_their_size_elsewhere(
    magic: bytes, long_size: int, n_bytes: int | None
) -> None:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, long_size, 0, 0))
    stream = wav(0xFFFFFFFF, ds64, chunk(b"fmt ", fmt()), magic=magic)
    assert read_wav_header(stream) == WavHeader(8_000, 1, "s16le", n_bytes)


@pytest.mark.parametrize(
    ("code", "n_bytes", "bits", "encoding"),
    [
        (1, 1, 8, "u8"),
        (1, 2, 16, "s16le"),
        (1, 2, 12, "s16le"),
        (1, 3, 24, "s24le"),
        (1, 3, 20, "s24le"),
        (1, 4, 32, "s32le"),
        (3, 4, 32, "f32le"),
        (3, 8, 64, "f64le"),
        (6, 1, 8, "alaw"),
        (7, 1, 8, "mulaw"),
    ],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_plain_forms(code: int, n_bytes: int, bits: int, encoding: str, extensible: bool) -> None:
    body = fmt(0xFFFE if extensible else code, 2, 48_000, n_bytes, bits)
    if extensible:
        body += struct.pack("<HHI", 22, bits, 3) + struct.pack("<H", code) + GUID_TAIL
    found = read_wav_header(wav(0, chunk(b"fmt ", body)))
    assert found == WavHeader(48_000, 2, encoding, None)


def test_other_chunks_before_the_sound_are_skipped() -> None:
    more = [chunk(b"LIST", b"odd"), chunk(b"fmt ", fmt() + b"\0\0"), chunk(b"fact", b"1234")]
    stream = wav(0, *more)
    assert read_wav_header(stream) == WavHeader(8_000, 1, "s16le", None)
    assert stream.read() == b"sound"


@pytest.mark.parametrize(
    ("subtype", "encoding", "n_bytes"),
    [
        ("PCM_U8", "u8", 1),
        ("PCM_16", "s16le", 2),
        ("PCM_24", "s24le", 3),
        ("PCM_32", "s32le", 4),
        ("FLOAT", "f32le", 4),
        ("DOUBLE", "f64le", 8),
        ("ULAW", "mulaw", 1),
        ("ALAW", "alaw", 1),
    ],
)
@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
def test_headers_that_libsndfile_writes(
    subtype: str, encoding: str, n_bytes: int, form: str
) -> None:
    sound = np.linspace(-1, 1, 18).reshape(9, 2)
    stream = io.BytesIO()
    sf.write(stream, sound, 44_100, subtype, format=form)
    stream.seek(0)
    assert read_wav_header(stream) == WavHeader(44_100, 2, encoding, 18 * n_bytes)
    found = PcmFormat(44_100, encoding, 2).decode(stream.read(18 * n_bytes))
    assert found == pytest.approx(sound, abs=0.05)


DIFFERENT = {
    "no WAV": io.BytesIO(b"fLaC" + bytes(99)),
    "empty": io.BytesIO(),
    "big-endian": wav(0, chunk(b"fmt ", fmt()), magic=b"RIFX"),
    "AVI": io.BytesIO(b"RIFF\0\0\0\0AVI " + bytes(99)),
    "cut": io.BytesIO(wav(0, chunk(b"fmt ", fmt())).getvalue()[:40]),
    "no format": wav(0),
    "short format": wav(0, chunk(b"fmt ", fmt()[:14])),
    "ADPCM": wav(0, chunk(b"fmt ", fmt(2, 1, 8_000, 2, 4))),
    "half floats": wav(0, chunk(b"fmt ", fmt(3, 1, 8_000, 2))),
    "64-bit whole numbers": wav(0, chunk(b"fmt ", fmt(1, 1, 8_000, 8))),
    "no channels": wav(0, chunk(b"fmt ", fmt(1, 0))),
    "65 channels": wav(0, chunk(b"fmt ", fmt(1, 65))),
    "no rate": wav(0, chunk(b"fmt ", fmt(1, 1, 0))),
    "frames that do not fit": wav(0, chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 8_000, 0, 5, 16))),
    "more bits than bytes": wav(0, chunk(b"fmt ", fmt(1, 1, 8_000, 2, 24))),
    "another family of forms": wav(
        0, chunk(b"fmt ", fmt(0xFFFE) + struct.pack("<HHIH", 22, 16, 3, 1) + b"x" * 14)
    ),
    "a picture in front": wav(0, chunk(b"JUNK", bytes(MAX_HEADER_BYTES)), chunk(b"fmt ", fmt())),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_not_plain_is_left_to_the_decoder(name: str) -> None:
    DIFFERENT[name].seek(0)
    assert read_wav_header(DIFFERENT[name]) is None


def test_a_huge_chunk_is_not_read() -> None:
    stream = io.BytesIO(b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x7f" + bytes(99))
    assert read_wav_header(stream) is None
    assert stream.tell() == 20


def test_what_follows_the_sound() -> None:
    assert looks_like_chunk(b"LIST\x04\0\0\0")
    assert looks_like_chunk(b"id3 \x04\0\0\0")
    assert not looks_like_chunk(b"LIST\x04\0\0\x01")
    assert not looks_like_chunk(b"\0\x01\0\x02\0\0\0\0")
    assert not looks_like_chunk(b"LIST")

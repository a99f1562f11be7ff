"""FLAC, Ogg and MP3, whole, cut and with lies in their headers."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import soundfile as sf

from .broken_wav import NOT_DECODED
from .odd import N_SAMPLES, RATE, OddFile, Refused, Sound, chirp
from .wav import TONE, by_library

VORBIS = Sound(TONE, min_snr_db=18.0)
MPEG = Sound(TONE, min_snr_db=18.0)
LONG = chirp(15 * RATE)
DELAY = 576 + 529
"""Samples by which an MP3 comes late where no frame tells the decoder what to cut off."""
ID3 = b"ID3\x04\0\0\0\0\1\0" + bytes(128)


def flac(n_samples: int | None = None, n: int = N_SAMPLES, digest: bytes | None = None) -> bytes:
    """A FLAC file whose header promises `n_samples` (36 bits; 0 means unknown)."""
    content = bytearray(by_library(np.resize(TONE, n), "FLAC", "PCM_16"))
    if n_samples is not None:
        word = int.from_bytes(content[18:26], "big") >> 36 << 36 | n_samples
        content[18:26] = word.to_bytes(8, "big")
    if digest is not None:
        content[26:42] = digest
    return bytes(content)


def _header(content: bytes) -> bytes:
    """The stream's properties alone, marked as the last block before the sound."""
    return content[:4] + bytes([content[4] | 0x80]) + content[5:42]


def flacs() -> list[OddFile]:
    """Free Lossless Audio Codec."""
    long = flac(n=5 * RATE)
    broken = bytearray(long)
    broken[len(long) // 2] ^= 0xFF
    stopped = "decoding stopped at"
    zero_rate = bytearray(flac())
    zero_rate[18:20], zero_rate[20] = b"\0\0", zero_rate[20] & 0x0F
    rounded_8 = Sound(TONE, max_error=0.51 / 128)
    rows = (
        ("flac-8", by_library(TONE, "FLAC", "PCM_S8"), rounded_8),
        ("flac-16", flac(), Sound(TONE)),
        ("flac-24", by_library(TONE, "FLAC", "PCM_24"), Sound(TONE, max_error=1e-6)),
        ("flac-open-length", flac(0), Sound(TONE)),
        ("flac-no-digest", flac(digest=bytes(16)), Sound(TONE)),
        ("flac-wrong-digest", flac(digest=b"\x55" * 16), Sound(TONE)),
        ("flac-promises-too-much", flac(2 * N_SAMPLES), Refused("the header promises 8000")),
        ("flac-promises-2-to-36", flac(2**36 - 1), Refused("the header promises 68719476735")),
        ("flac-cut", long[: len(long) // 2], Refused(stopped)),
        ("flac-cut-at-the-last-byte", long[:-1], Refused(stopped)),
        ("flac-one-bad-byte", bytes(broken), Refused(stopped)),
        ("flac-header-only", _header(long), Refused("decoding stopped at 0.000 s (sample 0; ")),
        ("flac-without-samples", _header(flac(0)), Refused("holds no samples")),
        ("flac-magic-only", b"fLaC", Refused(NOT_DECODED)),
        ("flac-behind-id3", ID3 + flac(), Sound(TONE)),
        ("flac-no-rate", bytes(zero_rate), Refused(NOT_DECODED)),
    )
    return [OddFile(f"{name}.flac", content, expected) for name, content, expected in rows]


def oggs() -> list[OddFile]:
    """Vorbis and Opus."""
    vorbis = by_library(LONG, "OGG", "VORBIS")
    opus = by_library(LONG, "OGG", "OPUS")
    stereo = by_library(np.stack([TONE, TONE], axis=1), "OGG", "VORBIS")
    quiet = Refused("holds no samples")
    rows = (
        ("vorbis.ogg", by_library(TONE, "OGG", "VORBIS"), VORBIS),
        ("vorbis.oga", by_library(TONE, "OGG", "VORBIS"), VORBIS),
        ("vorbis-stereo.ogg", stereo, VORBIS),
        (
            "vorbis-44100.ogg",
            by_library(TONE, "OGG", "VORBIS", 44_100),
            Sound(TONE, 44_100, min_snr_db=10.0),
        ),
        ("opus.opus", by_library(TONE, "OGG", "OPUS"), Sound(TONE, min_snr_db=10.0)),
        (
            "opus-48000.opus",
            by_library(TONE, "OGG", "OPUS", 48_000),
            Sound(TONE, 48_000, min_snr_db=10.0),
        ),
        (
            "opus-stereo.ogg",
            by_library(np.stack([TONE, TONE], axis=1), "OGG", "OPUS"),
            Sound(TONE, min_snr_db=10.0),
        ),
        ("vorbis-without-samples.ogg", by_library(TONE[:0], "OGG", "VORBIS"), quiet),
        (
            "vorbis-cut.ogg",
            vorbis[: len(vorbis) * 7 // 8],
            Sound(LONG, min_snr_db=18.0, fewer=6 * RATE),
        ),
        ("vorbis-cut-in-its-first-page.ogg", vorbis[:5_000], quiet),
        ("opus-cut.opus", opus[: len(opus) * 7 // 8], Sound(LONG, min_snr_db=8.0, fewer=6 * RATE)),
        ("ogg-magic-only.ogg", b"OggS", Refused(NOT_DECODED)),
        ("vorbis-header-cut.ogg", vorbis[:100], Refused(NOT_DECODED)),
        ("opus-header-cut.opus", opus[:60], Refused(NOT_DECODED)),
        ("vorbis-behind-junk.ogg", bytes(100) + vorbis, Refused(NOT_DECODED)),
        ("vorbis-chained.ogg", vorbis + opus, Refused("holds several Ogg streams in a row")),
    )
    return [OddFile(name, content, expected) for name, content, expected in rows]


def mp3(rate: int = RATE, mode: str = "CONSTANT", n: int = N_SAMPLES, channels: int = 1) -> bytes:
    """An MP3 file by LAME."""
    stream = io.BytesIO()
    tone = np.repeat(np.resize(TONE, n)[:, None], channels, axis=1)
    with sf.SoundFile(
        stream, "w", rate, channels, "MPEG_LAYER_III", format="MP3", bitrate_mode=mode
    ) as out:
        out.write(tone)
    return stream.getvalue()


def mp3s() -> list[OddFile]:
    """MPEG layer III, with and without the frame that tells the length."""
    whole = mp3()
    late = replace(MPEG, lag=DELAY, more=2 * 1_152)
    cut = replace(MPEG, fewer=N_SAMPLES // 2)
    joined = replace(late, more=2 * N_SAMPLES, fewer=-N_SAMPLES)
    rows = (
        ("mp3-cbr", mp3(), MPEG),
        ("mp3-vbr", mp3(mode="VARIABLE"), MPEG),
        ("mp3-abr", mp3(mode="AVERAGE"), MPEG),
        ("mp3-stereo", mp3(channels=2), MPEG),
        ("mp3-8000", mp3(8_000), Sound(TONE, 8_000, min_snr_db=15.0)),
        ("mp3-44100", mp3(44_100), Sound(TONE, 44_100, min_snr_db=15.0)),
        ("mp3-48000", mp3(48_000), Sound(TONE, 48_000, min_snr_db=15.0)),
        ("mp3-behind-id3", ID3 + mp3(), MPEG),
        ("mp3-before-id3v1", mp3() + b"TAG" + bytes(125), MPEG),
        ("mp3-behind-junk", bytes(3_000) + mp3(), MPEG),
        ("mp3-without-a-count", without_count(whole), late),
        ("mp3-vbr-without-a-count", without_count(mp3(mode="VARIABLE")), late),
        ("mp3-vbr-behind-junk", bytes(3_000) + without_count(mp3(mode="VARIABLE")), late),
        ("mp3-joined", whole + ID3 + whole, joined),
        ("mp3-cut", whole[: len(whole) * 3 // 4], cut),
        ("mp3-header-only", whole[:4], Refused(NOT_DECODED)),
        ("mp3-id3-only", ID3, Refused(NOT_DECODED)),
        ("mp3-id3-that-lies", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + mp3(), Refused(NOT_DECODED)),
        ("mp3-info-frame-that-lies", _with_frames(whole, 2**32 - 1), replace(MPEG, more=2 * 1_152)),
    )
    return [OddFile(f"{name}.mp3", content, expected) for name, content, expected in rows]


def without_count(content: bytes) -> bytes:
    """Leave out LAME's frame, which holds no sound but the length and the delay."""
    return content[content.index(content[:2], 4) :]


def _with_frames(content: bytes, frames: int) -> bytes:
    where = max(content.find(b"Xing"), content.find(b"Info"))
    assert where > 0
    changed = bytearray(content)
    struct.pack_into(">I", changed, where + 8, frames)
    return bytes(changed)

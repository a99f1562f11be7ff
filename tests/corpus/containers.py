"""Uncompressed audio in containers other than WAV."""

from __future__ import annotations

import struct

import numpy as np

from .broken_wav import NOT_DECODED
from .odd import N_SAMPLES, RATE, OddFile, Refused, Sound
from .riff import as_int
from .wav import HALF, TONE, by_library

EXACT = Sound(TONE, max_error=1e-7)
ROUNDED_8 = Sound(TONE, max_error=0.51 / 128)
CODED = Sound(TONE, min_snr_db=35.0)


def containers() -> list[OddFile]:
    """AIFF, AU, CAF and rarer ones as libsndfile writes them, and by hand where that is short."""
    rows = (
        ("aiff", "AIFF", "PCM_S8", "FILE", ROUNDED_8),
        ("aiff", "AIFF", "PCM_16", "FILE", Sound(TONE)),
        ("aif", "AIFF", "PCM_24", "FILE", Sound(TONE)),
        ("aiff", "AIFF", "PCM_32", "FILE", EXACT),
        ("aifc", "AIFF", "PCM_16", "LITTLE", Sound(TONE)),
        ("aifc", "AIFF", "FLOAT", "FILE", EXACT),
        ("aifc", "AIFF", "DOUBLE", "FILE", EXACT),
        ("aifc", "AIFF", "ULAW", "FILE", CODED),
        ("aifc", "AIFF", "ALAW", "FILE", CODED),
        ("aifc", "AIFF", "IMA_ADPCM", "FILE", Sound(TONE, min_snr_db=15.0, more=64)),
        ("aifc", "AIFF", "GSM610", "FILE", Sound(TONE, min_snr_db=5.0, more=640)),
        ("aifc", "AIFF", "DWVW_16", "FILE", Sound(TONE)),
        ("au", "AU", "PCM_16", "FILE", Sound(TONE)),
        ("au", "AU", "PCM_24", "LITTLE", Sound(TONE)),
        ("snd", "AU", "ULAW", "FILE", CODED),
        ("au", "AU", "FLOAT", "FILE", EXACT),
        ("au", "AU", "DOUBLE", "FILE", EXACT),
        ("au", "AU", "G721_32", "FILE", Sound(TONE, min_snr_db=15.0, more=240)),
        ("caf", "CAF", "PCM_16", "FILE", Sound(TONE)),
        ("caf", "CAF", "PCM_24", "LITTLE", Sound(TONE)),
        ("caf", "CAF", "FLOAT", "FILE", EXACT),
        ("caf", "CAF", "ALAC_16", "FILE", Sound(TONE)),
        ("caf", "CAF", "ALAC_24", "FILE", Sound(TONE)),
        ("caf", "CAF", "ULAW", "FILE", CODED),
        ("voc", "VOC", "PCM_16", "FILE", Sound(TONE)),
        ("sph", "NIST", "PCM_16", "FILE", Sound(TONE)),
        ("sph", "NIST", "ULAW", "FILE", CODED),
        ("sf", "IRCAM", "PCM_16", "FILE", Sound(TONE)),
        ("paf", "PAF", "PCM_16", "FILE", Sound(TONE)),
        ("svx", "SVX", "PCM_16", "FILE", Sound(TONE)),
        ("mat", "MAT4", "PCM_16", "FILE", Sound(TONE)),
        ("mat", "MAT5", "FLOAT", "FILE", EXACT),
        ("pvf", "PVF", "PCM_16", "FILE", Sound(TONE)),
        ("avr", "AVR", "PCM_16", "FILE", Sound(TONE)),
        ("htk", "HTK", "PCM_16", "FILE", Sound(TONE)),
        ("sds", "SDS", "PCM_16", "FILE", Sound(TONE, max_error=2 / 2**15, more=40)),
    )
    return [
        OddFile(
            f"{format_}-{subtype}-{endian}.{suffix}".lower().replace("_", "").replace("-file", ""),
            by_library(TONE, format_, subtype, endian=endian),
            sound,
        )
        for suffix, format_, subtype, endian, sound in rows
    ]


def au(samples: np.ndarray, size: int, rate: int = RATE, channels: int = 1) -> bytes:
    """A file of Sun's, big-endian and 16 bits."""
    header = struct.pack(">4sIIIII", b".snd", 24, size, 3, rate, channels)
    return header + as_int(samples, 16, ">")


def aiff(samples: np.ndarray, frames: int, rate: bytes, channels: int = 1) -> bytes:
    """A file of Apple's; `rate` is a float of 80 bits."""
    common = struct.pack(">4sIhIh", b"COMM", 18, channels, frames, 16) + rate
    body = as_int(samples, 16, ">")
    sound = struct.pack(">4sIII", b"SSND", 8 + len(body), 0, 0) + body
    content = b"AIFF" + common + sound
    return struct.pack(">4sI", b"FORM", len(content)) + content


RATE_80_BITS = struct.pack(">HQ", 16_383 + 13, RATE << 50)


def odd_containers() -> list[OddFile]:
    """Lengths and rates that lie or are left open, and cuts."""
    n_bytes = 2 * N_SAMPLES
    nothing = aiff(TONE, N_SAMPLES, bytes(10))
    nan = aiff(TONE, N_SAMPLES, b"\x7f\xff" + b"\xff" * 8)
    good = {
        "au-by-hand.au": (au(TONE, n_bytes), TONE),
        "au-open-length.au": (au(TONE, 2**32 - 1), TONE),
        "au-too-long.au": (au(TONE, 4 * n_bytes), TONE),
        "au-cut.au": (au(TONE[:HALF], n_bytes), TONE[:HALF]),
        "aiff-by-hand.aiff": (aiff(TONE, N_SAMPLES, RATE_80_BITS), TONE),
        "aiff-cut.aiff": (aiff(TONE, N_SAMPLES, RATE_80_BITS)[: 54 + 2 * HALF], TONE[:HALF]),
    }
    bad = {
        "aiff-no-rate.aiff": (nothing, "has a sample rate of 1 Hz"),
        "aiff-nan-rate.aiff": (nan, "expected 1000 to 1000000 Hz"),
        "aiff-no-channels.aiff": (aiff(TONE, N_SAMPLES, RATE_80_BITS, 0), NOT_DECODED),
        "aiff-magic-only.aiff": (nothing[:12], NOT_DECODED),
        "au-no-channels.au": (au(TONE, n_bytes, channels=0), NOT_DECODED),
        "au-no-rate.au": (au(TONE, n_bytes, rate=0), NOT_DECODED),
        "au-magic-only.au": (b".snd", NOT_DECODED),
        "caf-magic-only.caf": (b"caff\0\1\0\0", NOT_DECODED),
    }
    return [
        *(OddFile(name, content, Sound(samples)) for name, (content, samples) in good.items()),
        *(OddFile(name, content, Refused(phrase)) for name, (content, phrase) in bad.items()),
    ]

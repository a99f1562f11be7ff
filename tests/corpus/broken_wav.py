"""WAV files that no reader can make sense of."""

from __future__ import annotations

from .odd import OddFile, Refused
from .riff import EXTENSIBLE, GUID_TAIL, chunk, data, fmt, wave
from .wav import TONE

NOT_DECODED = "cannot be decoded as audio"


def headers() -> list[OddFile]:
    """One impossible field each."""
    d = data(TONE)
    alien = b"\x16\0\x10\0\0\0\0\0\x34\x12" + GUID_TAIL[:-1] + b"\0"
    contents = {
        "no-channels": (wave(fmt(channels=0, block=2), d), "Channel count is zero"),
        "no-rate": (wave(fmt(rate=0), d), "its header is incomplete or contradicts itself"),
        "rate-1": (wave(fmt(rate=1), d), "has a sample rate of 1 Hz"),
        "rate-999": (wave(fmt(rate=999), d), "has a sample rate of 999 Hz"),
        "rate-2-gigahertz": (wave(fmt(rate=2**31 - 1), d), "has a sample rate of 2147483647 Hz"),
        "rate-all-ones": (wave(fmt(rate=2**32 - 1), d), NOT_DECODED),
        "channels-65": (wave(fmt(channels=65), d), "has 65 channels; expected 1 to 64"),
        "channels-1000": (wave(fmt(channels=1_000), d), "has 1000 channels; expected 1 to 64"),
        "channels-all-ones": (wave(fmt(channels=65_535, block=2), d), "Too many channels"),
        "bits-0": (wave(fmt(0, block=0), d), NOT_DECODED),
        "bits-33": (wave(fmt(33), d), NOT_DECODED),
        "bits-all-ones": (wave(fmt(65_535, block=2), d), NOT_DECODED),
        "float-of-16-bits": (wave(fmt(16, tag=3), d), NOT_DECODED),
        "unknown-coding": (wave(fmt(tag=0x1234), d), NOT_DECODED),
        "unknown-guid": (wave(fmt(tag=EXTENSIBLE, extra=alien), d), NOT_DECODED),
        "fmt-too-short": (wave(chunk(b"fmt ", b"\1\0\1\0"), d), NOT_DECODED),
        "fmt-missing": (wave(d), NOT_DECODED),
        "fmt-after-data": (wave(d, fmt()), NOT_DECODED),
        "data-missing": (wave(fmt()), NOT_DECODED),
        "data-empty": (wave(fmt(), data(TONE[:0])), "holds no samples"),
        "not-wave": (wave(fmt(), d).replace(b"WAVE", b"WAVY"), NOT_DECODED),
        "avi": (wave(fmt(), d).replace(b"WAVE", b"AVI "), NOT_DECODED),
        "magic-only": (b"RIFF", NOT_DECODED),
        "odd-chunk-unpadded": (
            wave(fmt(), chunk(b"note", b"abc")[:-1], d),
            "No 'data' chunk marker",
        ),
        "two-data-chunks": (wave(fmt(), d, d), "its header is incomplete or contradicts itself"),
    }
    return [OddFile(f"{name}.wav", c, Refused(phrase)) for name, (c, phrase) in contents.items()]


def cut_headers() -> list[OddFile]:
    """The header of a good file, cut every few bytes."""
    whole = wave(fmt(), data(TONE))
    files = []
    for length in (1, 2, 3, 5, 8, 11, 12, 16, 19, 20, 22, 24, 28, 32, 35, 36, 38, 40):
        files.append(OddFile(f"cut-at-{length:02}.wav", whole[:length], Refused(NOT_DECODED)))
    nothing = Refused("holds no samples")
    return files + [OddFile(f"cut-at-{n}.wav", whole[:n], nothing) for n in (41, 43, 44, 45)]

"""WAV files that are odd and yet right, or at least can be read."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile as sf

from .odd import HALF_STEP_16, N_SAMPLES, RATE, OddFile, Sound, chirp
from .riff import EXTENSIBLE, FLOAT, as_int, chunk, data, extensible, fmt, wave

TONE = chirp()
WHOLE = {"PCM_S8": 8, "PCM_16": 16, "ALAC_16": 16, "DWVW_16": 16, "PCM_24": 24, "ALAC_24": 24}
HALF = N_SAMPLES // 2


def by_library(
    samples: np.ndarray, format_: str, subtype: str, rate: int = RATE, endian: str = "FILE"
) -> bytes:
    """A file as libsndfile writes it, but rounded here: it scales whole numbers in its own way."""
    stream = io.BytesIO()
    bits = WHOLE.get(subtype)
    if bits:
        samples = (np.rint(samples * 2.0 ** (bits - 1)) * 2.0 ** (32 - bits)).astype(np.int32)
    sf.write(stream, samples, rate, format=format_, subtype=subtype, endian=endian)
    return stream.getvalue()


def encodings() -> list[OddFile]:
    """Every way to write a number, by hand where it is plain."""
    files = []
    for bits in (8, 16, 24, 32):
        error = 0.51 / 2 ** (bits - 1) + 1e-7
        sound = Sound(TONE, max_error=error)
        files.append(OddFile(f"pcm-{bits}.wav", wave(fmt(bits), data(TONE, bits)), sound))
        if bits > 8:
            swapped = wave(fmt(bits, order=">"), data(TONE, bits, order=">"), magic=b"RIFX")
            files.append(OddFile(f"big-endian-{bits}.wav", swapped, sound))
        wide = fmt(bits, tag=EXTENSIBLE, extra=extensible(bits))
        files.append(OddFile(f"extensible-{bits}.wav", wave(wide, data(TONE, bits)), sound))
    exact = Sound(TONE, max_error=1e-7)
    for kind, bits in (("<f4", 32), ("<f8", 64)):
        body = chunk(b"data", TONE.astype(kind).tobytes())
        files.append(OddFile(f"float-{bits}.wav", wave(fmt(bits, tag=FLOAT), body), exact))
        wide = fmt(bits, tag=EXTENSIBLE, extra=extensible(bits, FLOAT))
        files.append(OddFile(f"extensible-float-{bits}.wav", wave(wide, body), exact))
    body = chunk(b"data", TONE.astype(">f4").tobytes(), order=">")
    swapped = wave(fmt(32, tag=FLOAT, order=">"), body, magic=b"RIFX")
    files.append(OddFile("big-endian-float.wav", swapped, exact))
    in_24 = fmt(24, tag=EXTENSIBLE, extra=extensible(20))
    files.append(OddFile("20-valid-bits.wav", wave(in_24, data(TONE, 24)), Sound(TONE)))
    return files + _by_library()


ERRORS = {"PCM_16": HALF_STEP_16, "PCM_24": 1e-7, "FLOAT": 1e-7}


def _by_library() -> list[OddFile]:
    coded = (
        ("ULAW", 35.0, 0),
        ("ALAW", 35.0, 0),
        ("IMA_ADPCM", 20.0, 1_100),
        ("MS_ADPCM", 20.0, 1_100),
        ("GSM610", 5.0, 640),
        ("NMS_ADPCM_16", 8.0, 160),
        ("NMS_ADPCM_24", 12.0, 160),
        ("NMS_ADPCM_32", 20.0, 160),
        ("G721_32", 15.0, 240),
    )
    files = [
        OddFile(
            f"{subtype.lower().replace('_', '-')}.wav",
            by_library(TONE, "WAV", subtype),
            Sound(TONE, min_snr_db=snr_db, more=more),
        )
        for subtype, snr_db, more in coded
    ]
    for format_ in ("RF64", "W64", "WAVEX"):
        for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW"):
            ulaw = subtype == "ULAW"
            sound = Sound(TONE, min_snr_db=35.0) if ulaw else Sound(TONE, max_error=ERRORS[subtype])
            name = f"{format_}-{subtype}".lower().replace("_", "")
            suffix = "w64" if format_ == "W64" else "wav"
            content = by_library(TONE, format_, subtype)
            files.append(OddFile(f"{name}.{suffix}", content, sound))
    return files


def structures() -> list[OddFile]:
    """Chunks in odd places and sizes that lie, around samples that are all there."""
    f, d, list_ = fmt(), data(TONE), chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0")
    odd = chunk(b"note", b"abc")
    broadcast = chunk(b"bext", b"\0" * 602)
    contents = {
        "list-before-data": wave(f, list_, d),
        "list-before-fmt": wave(list_, f, d),
        "list-after-data": wave(f, d, list_),
        "odd-chunk-padded": wave(f, odd, d),
        "broadcast-wave": wave(broadcast, f, d),
        "junk-before-fmt": wave(chunk(b"JUNK", bytes(1_000)), f, d),
        "fact-in-pcm": wave(f, chunk(b"fact", struct.pack("<I", N_SAMPLES)), d),
        "fact-that-lies": wave(f, chunk(b"fact", struct.pack("<I", 7)), d),
        "unknown-chunks": wave(f, chunk(b"xyz1", b"12345678"), chunk(b"abcd", b""), d),
        "trailing-garbage": wave(f, d) + bytes(range(1, 200)),
        "trailing-id3v1": wave(f, d) + b"TAG" + bytes(125),
        "riff-size-zero": wave(f, d, size=0),
        "riff-size-all-ones": wave(f, d, size=2**32 - 1),
        "riff-size-short": wave(f, d, size=100),
        "data-size-all-ones": wave(f, data(TONE, size=2**32 - 1), size=2**32 - 1),
        "data-size-too-large": wave(f, data(TONE, size=4 * N_SAMPLES)),
        "data-size-near-2-gib": wave(f, data(TONE, size=2**31 - 1)),
        "byte-rate-lies": wave(fmt(byte_rate=1), d),
        "fmt-of-18-bytes": wave(fmt(extra=b"\0\0"), d),
        "fmt-of-40-bytes": wave(fmt(extra=bytes(24)), d),
        "empty-list": wave(f, chunk(b"LIST", b""), d),
        "cue-points": wave(f, chunk(b"cue ", struct.pack("<I", 0)), d),
        "id3-before-riff": b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + wave(f, d),
        "rf64-by-hand": _rf64(),
    }
    return [OddFile(f"{name}.wav", content, Sound(TONE)) for name, content in contents.items()]


def partly_there() -> list[OddFile]:
    """Files that hold part of what they promise; what is there is read."""
    whole, first = wave(fmt(), data(TONE)), Sound(TONE[:HALF])
    contents = {
        "cut-half-way": whole[: 44 + 2 * HALF],
        "cut-inside-a-sample": whole[: 45 + 2 * HALF],
        "data-size-too-small": wave(fmt(), data(TONE, size=2 * HALF)),
    }
    files = [OddFile(f"{name}.wav", content, first) for name, content in contents.items()]
    one = wave(fmt(8), data(TONE[:1_001], 8))
    sound = Sound(TONE[:1_001], max_error=0.51 / 128)
    files.append(OddFile("odd-data-padded.wav", one, sound))
    files.append(OddFile("odd-data-unpadded.wav", one[:-1], sound))
    stereo = as_int(np.repeat(TONE[:HALF], 2), 16)
    cut = wave(fmt(channels=2), chunk(b"data", stereo[:-2], 4 * HALF))
    files.append(OddFile("cut-inside-a-frame.wav", cut, Sound(TONE[: HALF - 1])))
    return files


def _rf64() -> bytes:
    """As recorders write it that did not know how long they would run."""
    body = as_int(TONE, 16)
    sizes = struct.pack("<QQQI", 4 + 36 + 24 + 8 + len(body), len(body), N_SAMPLES, 0)
    size = struct.pack("<I", 2**32 - 1)
    return b"RF64" + size + b"WAVE" + chunk(b"ds64", sizes) + fmt() + b"data" + size + body

"""Samples of plain encodings, against libsndfile and by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.sound.pcm import ENCODINGS, PcmFormat

SUBTYPES = {
    "s8": ("PCM_S8", "FILE"),
    "u8": ("PCM_U8", "FILE"),
    "s16le": ("PCM_16", "LITTLE"),
    "s16be": ("PCM_16", "BIG"),
    "s24le": ("PCM_24", "LITTLE"),
    "s24be": ("PCM_24", "BIG"),
    "s32le": ("PCM_32", "LITTLE"),
    "s32be": ("PCM_32", "BIG"),
    "f32le": ("FLOAT", "LITTLE"),
    "f32be": ("FLOAT", "BIG"),
    "f64le": ("DOUBLE", "LITTLE"),
    "f64be": ("DOUBLE", "BIG"),
    "mulaw": ("ULAW", "FILE"),
    "alaw": ("ALAW", "FILE"),
}


def test_every_encoding_has_a_reference() -> None:
    assert set(SUBTYPES) == set(ENCODINGS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_samples_are_those_of_libsndfile(encoding: str, n_channels: int) -> None:
    """Random bytes, and all of them where a sample is one; floats that are floats."""
    pcm = PcmFormat(8_000, encoding, n_channels)
    rng = np.random.default_rng(0)
    if encoding.startswith("f"):
        kind = {"le": "<", "be": ">"}[encoding[-2:]] + {"3": "f4", "6": "f8"}[encoding[1]]
        data = rng.standard_normal(n_channels * 500).astype(kind).tobytes()
    else:
        n_bytes = 256 if pcm.frame_bytes == n_channels else pcm.frame_bytes // n_channels
        data = bytes(range(256)) * n_channels * n_bytes
        data += rng.integers(0, 256, 300 * pcm.frame_bytes, np.uint8).tobytes()
    subtype, endian = SUBTYPES[encoding]
    expected, _ = sf.read(
        io.BytesIO(data),
        dtype="float32",
        always_2d=True,
        format="RAW",
        samplerate=8_000,
        channels=n_channels,
        subtype=subtype,
        endian=endian,
    )
    found = pcm.decode(data)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


def test_full_scale_by_hand() -> None:
    assert PcmFormat(8_000, "s16le").decode(b"\x00\x80\xff\x7f\x00\x40").ravel().tolist() == [
        -1.0,
        32_767 / 32_768,
        0.5,
    ]
    assert PcmFormat(8_000, "u8", 2).decode(b"\x00\x80").tolist() == [[-1.0, 0.0]]
    assert PcmFormat(8_000, "s24be").decode(b"\x40\x00\x00").tolist() == [[0.5]]
    assert np.isinf(PcmFormat(8_000, "f64le").decode(np.float64([1e300]).tobytes())).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0,), "sample_rate = 0; expected Hz, a whole number from 1000 to 1000000"),
        ((8_000, "s17le"), "encoding = 's17le'; expected one of u8, s8, s16le, "),
        ((8_000, "u8", 0), "n_channels = 0; expected 1 to 64"),
        ((8_000, "u8", 65), "n_channels = 65; expected 1 to 64"),
    ],
)
def test_impossible_formats_are_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        PcmFormat(*arguments)

"""Pictures and sounds as parts of a page, so that it needs no other file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..core.sound.resampling import resample

MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Hz that MPEG 1, 2 and 2.5 know (ISO/IEC 11172-3 and 13818-3)."""


@dataclass(frozen=True)
class Sound:
    """A sound as a data URI, and what it is called there: MP3 or FLAC."""

    uri: str
    format: str


def data_uri(kind: str, content: bytes) -> str:
    """Content as a URI.

    >>> data_uri("text/plain", b"wsnet")
    'data:text/plain;base64,d3NuZXQ='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def encode_sound(samples: NDArray[np.float32], sample_rate: int) -> Sound:
    """A sound as browsers play it; equal sounds give equal bytes.

    MP3 at the next higher rate that it knows, where libsndfile writes it; else FLAC of 16 bits.
    Ogg Vorbis would do as well, but libsndfile numbers its streams at random.

    Args:
        samples: mono [n], n >= 1; beyond -1 and 1 they are clipped.
        sample_rate: Hz.
    """
    within = np.clip(samples, -1, 1)
    rate = next((known for known in MP3_RATES if known >= sample_rate), None)
    content = io.BytesIO()
    if rate is not None and "MP3" in soundfile.available_formats():
        if rate != sample_rate:
            within = np.clip(resample(within, sample_rate, rate), -1, 1)
        soundfile.write(content, within, rate, format="MP3")
        return Sound(data_uri("audio/mpeg", content.getvalue()), "MP3")
    soundfile.write(content, within, sample_rate, format="FLAC", subtype="PCM_16")
    return Sound(data_uri("audio/flac", content.getvalue()), "FLAC")

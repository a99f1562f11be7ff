"""A sound as a picture of frequency over time."""

from __future__ import annotations

import io
import math
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import mlab
from matplotlib.image import imsave
from numpy.typing import NDArray

Image = NDArray[np.float64]

SLICE_S = 0.05
"""Seconds that one spectrum is taken of, to the nearest power of two in samples."""
N_COLUMNS, N_BANDS = 320, 64
FLOOR_DB = -70.0
"""Below the loudest band: what is drawn darkest."""
SHADES = 24
"""Of colour: fewer make a smaller file, and no more can be told apart."""
NO_METADATA: dict[str, Any] = {"Software": None}
"""Not even which matplotlib wrote it."""


def spectrogram_png(samples: NDArray[np.float32], sample_rate: int) -> bytes:
    """A spectrogram as PNG: time to the right, mel bands upwards, decibels as colour.

    The same sound gives the same bytes.

    Args:
        samples: mono [n], n >= 1, finite.
        sample_rate: Hz.
    """
    content = io.BytesIO()
    imsave(
        content,
        mel_levels(samples, sample_rate),
        vmin=FLOOR_DB,
        vmax=0,
        cmap=mpl.colormaps["magma"].resampled(SHADES),
        origin="lower",
        format="png",
        metadata=NO_METADATA,
        pil_kwargs={"optimize": True},
    )
    return content.getvalue()


def mel_levels(samples: NDArray[np.float32], sample_rate: int) -> Image:
    """Mean power of bands that are equally wide in mel, in dB of the loudest, >= FLOOR_DB.

    A band may be narrower than the spectrum's steps, so that power is taken as spread evenly
    between them. Mel as HTK counts: 2595 log10(1 + f / 700).

    Args:
        samples: mono [n], n >= 1, finite; shorter than a slice it is followed by silence.
        sample_rate: Hz.

    Returns: [N_BANDS, n_columns], the lowest band first; silence is FLOOR_DB everywhere.
    """
    size = 2 ** round(math.log2(max(2.0, SLICE_S * sample_rate)))
    padded = np.pad(samples.astype(np.float64), (0, max(0, size + 1 - len(samples))))
    hop = min(size, max(1, (len(padded) - size) // (N_COLUMNS - 1)))
    spectra, _, _ = mlab.specgram(padded, NFFT=size, Fs=sample_rate, noverlap=size - hop)
    power = np.asarray(spectra, np.float64)
    highest_mel = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest_mel, N_BANDS + 1) / 2595) - 1)
    below = np.concatenate((np.zeros((1, power.shape[1])), power.cumsum(axis=0)))
    steps = np.linspace(0, sample_rate / 2, len(below))
    at_edges = np.stack([np.interp(edges, steps, column) for column in below.T], axis=1)
    bands = np.diff(at_edges, axis=0) / np.diff(edges)[:, None]
    loudest = bands.max()
    if loudest <= 0:
        return np.full(bands.shape, FLOOR_DB)
    levels: Image = 10 * np.log10(np.maximum(bands / loudest, 10 ** (FLOOR_DB / 10)))
    return levels

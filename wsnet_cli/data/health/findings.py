"""What is said of a clip's samples: findings by name, with their thresholds and reasons.

A finding never leaves a clip out; it is for people to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .meter import SILENCE

Records = NDArray[np.void]
"""HEALTH records [n]."""

NEARLY_SILENT_RMS = 10 ** (-70 / 20)
"""-70 dB of full scale: below it a part of a programme counts as silence (the absolute gate of
ITU-R BS.1770-5, annex 1), and 16 bits have 10 steps left."""

CLIPPED_SHARE = 1e-3
"""Of all samples. Rounded to steps, the highest crest of any sound is flat: one of 100 Hz that is
13 steps high for 7 samples at 8 kHz, as 2 sqrt(1/13) / (2 pi 100 Hz) is 0.9 ms; that is less than
this share of a second. (A low pure tone in 8 bits is flat at every crest, and is found.)"""

CLIPPED_PEAK = 0.1
"""A clip that never comes near full scale has flat tops because its steps are coarse."""

OVER_SHARE = 1e-3
"""Of all samples. Lossy coders overshoot here and there; in ESC-10 3 of 400 clips have this many
(`benchmarks/health.py`)."""

DC_LEVEL = 1e-3
"""About 33 steps of 16 bits, below which rounding and dither leave offsets of their own."""

DC_RATIO = 0.1
"""Of the RMS of the sound: the constant then adds 1 % to the power that levels are set by."""

CANCELS_POWER = 0.02
"""Share of the power that averaging may keep, in units of the 1/n that n unrelated channels keep:
for two channels it is a loss of 20 dB, a correlation below -0.98."""

PADDING_SHARE = 0.5
"""Most of the clip is digital silence before and after the sound."""

LENGTH_FACTOR = 10.0
"""A clip that lasts a tenth of the data set's median, or ten times as long, was cut otherwise than
the rest. Spoken digits (FSDD) differ from their median by at most 6 times."""

SHORTEST_S = 0.02
"""One period of 50 Hz: less is no sound of its own, whatever the others last."""


@dataclass(frozen=True)
class Finding:
    """One kind of finding.

    Attributes:
        name: in reports.
        meaning: in words, for people.
        field: of HEALTH, the value that is shown with an example.
        unit: of that value, for people.
        holds: which of the clips have it.
        worst: 1 where the largest value is the worst, -1 where the least is.
    """

    name: str
    meaning: str
    field: str
    unit: str
    holds: Callable[[Records], NDArray[np.bool_]]
    worst: int = 1


def _silent(h: Records) -> NDArray[np.bool_]:
    return np.asarray(h["span"] <= 2 * SILENCE)


def _short(h: Records) -> NDArray[np.bool_]:
    return np.asarray((h["duration_s"] < _median(h) / LENGTH_FACTOR) | _tiny(h))


def _tiny(h: Records) -> NDArray[np.bool_]:
    return np.asarray(h["duration_s"] < SHORTEST_S)


def _median(h: Records) -> float:
    return float(np.median(h["duration_s"])) if len(h) else 0.0


FINDINGS = (
    Finding(
        "silent",
        "no sound at all: all samples are equal, to a step of 16 bits",
        "peak",
        "peak",
        _silent,
    ),
    Finding(
        "nearly-silent",
        "there is sound, but below -70 dB of full scale",
        "rms",
        "RMS",
        lambda h: (h["rms"] < NEARLY_SILENT_RMS) & ~_silent(h),
        worst=-1,
    ),
    Finding(
        "clipped",
        "flat tops: the recording was too loud for the recorder",
        "flat",
        "of all samples",
        lambda h: (h["flat"] >= CLIPPED_SHARE) & (h["peak"] >= CLIPPED_PEAK),
    ),
    Finding(
        "over-full-scale",
        "samples beyond -1..1: clipped before a lossy coder, or never scaled",
        "over",
        "of all samples",
        lambda h: h["over"] >= OVER_SHARE,
    ),
    Finding(
        "dc-offset",
        "the samples lie around another value than 0",
        "dc",
        "offset",
        lambda h: np.abs(h["dc"]) >= np.maximum(DC_LEVEL, DC_RATIO * h["rms"]),
    ),
    Finding(
        "cancels",
        "the channels cancel each other when they are averaged: one has its polarity reversed",
        "mix_rms",
        "RMS when averaged",
        lambda h: (
            (h["n_channels"] > 1)
            & (h["mix_rms"] ** 2 * h["n_channels"] < CANCELS_POWER * h["rms"] ** 2)
            & ~_silent(h)
        ),
        worst=-1,
    ),
    Finding(
        "padded",
        "most of the clip is digital silence before and after the sound",
        "padding",
        "of the clip",
        lambda h: (h["padding"] > PADDING_SHARE) & ~_silent(h),
    ),
    Finding(
        "cut-off",
        "the file ends before its header says",
        "duration_s",
        "s are there",
        lambda h: h["cut_off"] != 0,
        worst=-1,
    ),
    Finding("very-short", "less than a tenth of the median", "duration_s", "s", _short, -1),
    Finding(
        "very-long",
        "more than ten times the median",
        "duration_s",
        "s",
        lambda h: (h["duration_s"] > _median(h) * LENGTH_FACTOR) & ~_tiny(h),
    ),
)
"""All of them, in the order of reports. The last two compare a clip with those judged with it."""


def judge(records: Records) -> NDArray[np.uint32]:
    """Return what is found in each clip of a data set, as bits in the order of FINDINGS.

    Args:
        records: HEALTH [n], all clips of the data set that could be read.
    """
    masks = np.zeros(len(records), np.uint32)
    for bit, finding in enumerate(FINDINGS):
        masks |= np.where(finding.holds(records), np.uint32(1 << bit), np.uint32(0))
    return masks


def findings_of(mask: int) -> tuple[str, ...]:
    """Return the names behind the bits of one clip.

    >>> findings_of(0b101)
    ('silent', 'clipped')
    """
    return tuple(f.name for bit, f in enumerate(FINDINGS) if mask >> bit & 1)

"""From the channels of a block to one, and which values no recording holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import AudioError, ParameterError

Samples = npt.NDArray[np.float32]

MAX_AMPLITUDE = 2.0**32
"""Largest |sample| accepted. Full scale is 1.0 and float files that hold unscaled 32-bit integers
reach 2**31; anything beyond is damage, and its square would overflow float32 further on."""

MAX_CHANNELS = 64
"""Seventh-order ambisonics, the widest layout in use; more is taken for a damaged header."""

MIN_FILE_RATE = 1_000
MAX_FILE_RATE = 1_000_000
"""Sample rates in Hz that a file may have: below and above any recorder (bats: 500 kHz)."""


def check_header(name: str, n_channels: int, sample_rate: int) -> None:
    """Refuse channels and rates that no recording has.

    Args:
        name: of the clip, for messages.
        n_channels: as its header says.
        sample_rate: in Hz, as its header says.

    Raises:
        AudioError: outside 1..MAX_CHANNELS or MIN_FILE_RATE..MAX_FILE_RATE.
    """
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise AudioError(
            f"{name}: has {n_channels} channels; expected 1 to {MAX_CHANNELS}: "
            "the header may be damaged",
            "damaged",
        )
    if not MIN_FILE_RATE <= sample_rate <= MAX_FILE_RATE:
        raise AudioError(
            f"{name}: has a sample rate of {sample_rate} Hz; expected {MIN_FILE_RATE} "
            f"to {MAX_FILE_RATE} Hz: the header may be damaged",
            "damaged",
        )


def check_channel(channel: int | None, n_channels: int, name: str) -> None:
    """Refuse a channel that is not there.

    Args:
        channel: counted from 1; None: all of them.
        n_channels: that there are.
        name: of the clip, for messages.

    Raises:
        ParameterError: channel < 1.
        AudioError: there are fewer.
    """
    if channel is None:
        return
    if channel < 1:
        raise ParameterError(f"channel = {channel}; expected a whole number >= 1")
    if channel > n_channels:
        has = "1 channel" if n_channels == 1 else f"{n_channels} channels"
        raise AudioError(f"{name}: has {has}, and channel {channel} was asked for", "out-of-range")


def to_mono(
    block: Samples, channel: int | None, name: str, sample_rate: int, position: int
) -> Samples:
    """One channel of several, or their average, once its values are checked.

    Args:
        block: [n, n_channels] float32, n >= 1.
        channel: the one to take, 1..n_channels; None: the average of all.
        name: of the clip, for messages.
        sample_rate: in Hz, for messages.
        position: samples before this block, for messages.

    Returns: [n] float32, contiguous, |x| <= MAX_AMPLITUDE; of a block with one channel a view.

    Raises:
        AudioError: a value of the channels asked for is not finite, or beyond MAX_AMPLITUDE.
    """
    if channel is not None:
        block = block[:, channel - 1 : channel]
    check_values(block, name, sample_rate, position, channel or 1)
    return np.ascontiguousarray(mix_down(block))


def check_values(
    block: Samples, name: str, sample_rate: int, position: int, first_channel: int = 1
) -> None:
    """Refuse values that no recording holds; arguments and errors as `to_mono` has them."""
    if block.min() >= -MAX_AMPLITUDE and block.max() <= MAX_AMPLITUDE:  # False for nan too
        return
    good = np.abs(block) <= MAX_AMPLITUDE
    row, channel = np.unravel_index(int(np.argmin(good)), good.shape)
    index = position + int(row)
    raise AudioError(
        f"{name}: sample {index} ({index / sample_rate:.3f} s, channel "
        f"{int(channel) + first_channel}) is {block[row, channel]:g}; expected finite values "
        "within -1..1 or so: repair the file or leave it out",
        "not-finite",
    )


def mix_down(block: Samples) -> Samples:
    """Average the channels of [n, n_channels] in float64: equal channels give the same samples.

    One channel is a view. Two need no float64 for the same bits: float64 holds more than twice
    the digits of float32 and two more, so that rounding the sum twice rounds as once (Figueroa,
    "When is double rounding innocuous?", 1995), and halving is exact or, as there, rounds once.
    """
    if block.shape[1] == 1:
        return block[:, 0]
    if block.shape[1] == 2:
        both: Samples = block[:, 0] + block[:, 1]
        both *= np.float32(0.5)
        return both
    total = block[:, 0].astype(np.float64)
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    mono: Samples = (total / block.shape[1]).astype(np.float32)
    return mono

"""What a clip's samples look like: measured while it is decoded, judged afterwards.

Measuring and judging are apart, so that a record that was kept stays right when a threshold moves.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ParameterError
from .flats import Flats

Samples = NDArray[np.float32]

HEALTH = np.dtype(
    [
        ("duration_s", "<f8"),
        ("sample_rate", "<u4"),
        ("n_channels", "<u2"),
        ("peak", "<f4"),
        ("span", "<f4"),
        ("rms", "<f4"),
        ("mix_rms", "<f4"),
        ("dc", "<f4"),
        ("flat", "<f4"),
        ("over", "<f4"),
        ("padding", "<f4"),
        ("cut_off", "u1"),
    ]
)
"""One clip, 47 bytes. Levels are in units of full scale (1.0), shares in [0, 1].

`peak` is the largest |sample|; `span` the largest sample minus the least. `rms` is taken over all
channels and `mix_rms` of their average, each channel about its own mean. `dc` is the channel mean
that lies farthest from 0. `flat` is the share of samples that lie in a run of FLAT_RUN or more
samples equal to the clip's largest or least one, `over` that of samples beyond full scale.
`padding` is the share of frames before the first and after the last that is not silent. `cut_off`
is 1 where the file ends before its header says, and the clip would reach to that end.
"""

SILENCE = 2.0**-16
"""Largest |sample| of digital silence: half a step of 16 bits. Lossy coders return no exact 0."""

MEASURED_VALUES = 2**15
"""Values measured at once, over all channels: half a block as it is decoded. They and their copy
stay in the processor's cache; with more, or far fewer, it takes longer."""


class HealthMeter:
    """Measures one clip from its blocks; the record does not depend on where the blocks end."""

    def __init__(self) -> None:
        self._pending = np.zeros((0, 0), np.float32)
        self._n_pending = 0
        self._n_channels = 0
        self._n_frames = 0
        self._n_over = 0
        self._n_leading = 0
        self._n_trailing = 0
        self._flats = Flats()

    def add(self, block: Samples) -> None:
        """Take the next samples of the clip, as they were decoded.

        Args:
            block: float32 [n, n_channels], finite, n >= 0, n_channels >= 1 and always the same.
                It is not kept.

        Raises:
            ParameterError: the shape is another.
        """
        if block.ndim != 2 or block.shape[1] != (self._n_channels or block.shape[1] or -1):
            raise ParameterError(
                f"a block of shape {block.shape}; expected [n, {self._n_channels or 'n_channels'}]"
            )
        if not self._n_channels:
            self._start(block.shape[1])
        size = len(self._pending)
        while len(block):
            if self._n_pending == 0 and len(block) >= size:
                self._measure(block[:size])
                block = block[size:]
                continue
            n_taken = min(size - self._n_pending, len(block))
            self._pending[self._n_pending : self._n_pending + n_taken] = block[:n_taken]
            self._n_pending += n_taken
            block = block[n_taken:]
            if self._n_pending == size:
                self._n_pending = 0
                self._measure(self._pending)

    def record(self, sample_rate: int, n_channels: int, is_cut_off: bool = False) -> np.void:
        """Return the clip's HEALTH, once all its blocks were added.

        Args:
            sample_rate: of the file in Hz.
            n_channels: of the file.
            is_cut_off: whether the file ends too early, and the clip with it.

        Raises:
            ParameterError: no sample was added, or the number of channels is another.
        """
        if self._n_pending:
            self._measure(self._pending[: self._n_pending])
            self._n_pending = 0
        if not self._n_frames or n_channels != self._n_channels:
            raise ParameterError(
                f"{self._n_frames} samples of {self._n_channels} channels were added; "
                f"expected some of {n_channels}"
            )
        n, n_values = self._n_frames, self._n_frames * n_channels
        shift = self._sums / n  # of the means from the first guess
        means = self._centre + shift
        power = float((self._squares / n - shift * shift).sum()) / n_channels
        mix_power = (self._total_squares / n - float(shift.sum()) ** 2) / n_channels**2
        highest, lowest = self._flats.highest, self._flats.lowest
        values = {
            "duration_s": n / sample_rate,
            "sample_rate": sample_rate,
            "n_channels": n_channels,
            "peak": max(abs(highest), abs(lowest)),
            "span": highest - lowest,
            "rms": math.sqrt(max(0.0, power)),
            "mix_rms": math.sqrt(max(0.0, mix_power)),
            "dc": max(means.tolist(), key=abs) + 0.0,  # no -0.0
            "flat": self._flats.count() / n_values,
            "over": self._n_over / n_values,
            "padding": min(n, self._n_leading + self._n_trailing) / n,
            "cut_off": is_cut_off,
        }
        record: np.void = np.array([tuple(values[name] for name in HEALTH.names or ())], HEALTH)[0]
        return record

    def _start(self, n_channels: int) -> None:
        size = max(1, MEASURED_VALUES // n_channels)
        self._n_channels = n_channels
        self._pending = np.empty((size, n_channels), np.float32)
        self._sums = np.zeros(n_channels)
        self._squares = np.zeros(n_channels)
        self._total_squares = 0.0

    def _measure(self, frames: Samples) -> None:
        n = len(frames)
        if not self._n_frames:  # no later part is longer than the first
            self._planes = np.empty((self._n_channels, n), np.float32)
            self._total = np.empty(n, np.float32)
        planes = self._planes[:, :n]
        if not self._n_frames:
            planes[:] = frames.T
            self._centre = np.einsum("ij->i", planes) / np.float32(n)
        # About a first guess of the means, or a large constant would drown a faint sound: Chan,
        # Golub, LeVeque, "Algorithms for computing the sample variance", 1983.
        np.subtract(frames.T, self._centre[:, None], out=planes)
        self._sums += np.einsum("ij->i", planes)
        squares = np.einsum("ij,ij->i", planes, planes)
        self._squares += squares
        if self._n_channels == 1:
            self._total_squares += float(squares[0])
        else:
            total = np.add.reduce(planes, axis=0, out=self._total[:n])
            self._total_squares += float(np.einsum("i,i->", total, total))
        highest, lowest = float(frames.max()), float(frames.min())
        self._flats.add(frames, highest, lowest)
        if highest > 1.0 or lowest < -1.0:
            self._n_over += int(np.count_nonzero(np.abs(frames) > 1.0))
        self._count_padding(frames, max(highest, -lowest) <= SILENCE)
        self._n_frames += n

    def _count_padding(self, frames: Samples, silent: bool) -> None:
        n = len(frames)
        if self._n_leading == self._n_frames:
            self._n_leading += n if silent else _count_silent(frames)
        self._n_trailing = self._n_trailing + n if silent else _count_silent(frames[::-1])


def _count_silent(frames: Samples) -> int:
    """Return how many frames come before the first that is not silent; there is one."""
    n_looked, n = 0, 1  # most clips end at once: look at few frames, then at ever more
    while True:
        loud = (np.abs(frames[n_looked : n_looked + n]) > SILENCE).ravel()
        first = int(np.argmax(loud))
        if loud[first]:
            return n_looked + first // int(frames.shape[1])
        n_looked, n = n_looked + n, 8 * n

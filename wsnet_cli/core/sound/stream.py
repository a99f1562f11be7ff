"""The windows of a clip while it is being read: as `windows.window_blocks`, in bounded memory.

Whether a quiet stretch belongs to a clip is known only when a loud sample follows, so quiet samples
are held back. Where more of them pile up than `MAX_PENDING_SAMPLES`, a second reading of the clip
finds out once where its sound begins and ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import AudioError, ParameterError
from .audio import AudioSettings
from .held import Held, Scratch, empty_windows
from .samples import Samples
from .windows import normalise_windows, sound_bounds

OpenBlocks = Callable[[], Iterator[Samples]]
"""Begins to read a clip: blocks [n] float32, finite, n >= 0, the same samples on every call, such
as `functools.partial(read_blocks, path, sample_rate=16_000)`."""

Places = npt.NDArray[np.int64]

MAX_PENDING_SAMPLES = 2**21
"""Quiet samples held back before the clip is read a second time: 8 MiB of float32."""

_N_LAST = 64  # samples of a block that are looked at first


class WindowBlock(NamedTuple):
    """Windows that follow one another, and where they lie.

    Args:
        windows: [n, window_samples] float32.
        starts: [n] int64, the first sample of each, counted from the start of the clip as it was
            read; of a sound shorter than a window, where the sound begins.
        ends: [n] int64, one after the last: starts + window_samples, but no more than where the
            sound ends.
    """

    windows: Samples
    starts: Places
    ends: Places


SILENCE = 2.0**-20
"""Of full scale, -120 dB: 24 bits have three steps below it, and no recorder is as quiet."""


class WindowStream:
    """The windows of one clip, read once from front to back: to be iterated over once.

    Yields the very blocks that `windows.window_blocks` yields of the whole clip, bit for bit: each
    [n, settings.window_samples] float32, n = n_at_once but for the last. In memory at a time: these
    windows, the samples they are cut from, MAX_PENDING_SAMPLES quiet ones, and one block read.

    Args:
        open_blocks: begins to read the clip at settings.sample_rate; called once more where a quiet
            stretch is longer than MAX_PENDING_SAMPLES.
        settings: of the model.
        n_at_once: windows in a block, >= 1.
        name: of the clip, for messages.
        scratch: arrays that outlive the clip; a block of windows is then good until the next one
            is asked for. One clip at a time.
        eager: yield windows as soon as their last sample is there, so that n is 1 to n_at_once:
            for a recorder that is still running.
        once: open_blocks cannot begin again, as a pipe cannot. A quiet stretch longer than
            MAX_PENDING_SAMPLES then counts as sound, where a file's would be trimmed.

    Attributes:
        n_samples: of the clip as it was read, silence at its ends included; 0 before the end.

    Raises:
        ParameterError: n_at_once < 1 (at once), or the clip has no samples (at its end).
        AudioError: the second reading gave another number of samples. And what open_blocks raises.

    >>> blocks = [np.float32([0, 0, 1, 1]), np.float32([1, 0])]
    >>> stream = WindowStream(lambda: iter(blocks), AudioSettings(1_000, 0.002, 0.001), 16)
    >>> [windows.tolist() for windows in stream], stream.n_samples
    ([[[1.0, 1.0], [1.0, 1.0]]], 6)
    """

    def __init__(
        self,
        open_blocks: OpenBlocks,
        settings: AudioSettings,
        n_at_once: int,
        name: str = "clip",
        scratch: Scratch | None = None,
        *,
        eager: bool = False,
        once: bool = False,
    ) -> None:
        if n_at_once < 1:
            raise ParameterError(f"n_at_once = {n_at_once}; expected a whole number >= 1")
        self.n_samples = 0
        self._open = open_blocks
        self._settings = settings
        self._n_at_once = n_at_once
        self._name = name
        self._scratch = scratch
        self._n_at_least = 1 if eager else n_at_once
        self._once = once
        self._held = Held(scratch)
        self._n_yielded = 0
        self._heard = False
        # Places are counted in samples from the start of the clip, before trimming.
        self._first: int | None = None  # of the sound; None until a loud sample came
        self._sure_end = 0  # the sound reaches at least to here
        self._end: int | None = None  # of the sound, and ...
        self._n_expected = 0  # ... of the clip, where they were looked up

    @property
    def is_silent(self) -> bool:
        """Whether all that was read so far is silence: no sample reaches SILENCE."""
        return not self._heard

    def __iter__(self) -> Iterator[Samples]:
        """Read the clip and yield its windows, [n, window_samples] float32."""
        return (block.windows for block in self.placed())

    def placed(self) -> Iterator[WindowBlock]:
        """Read the clip and yield its windows with their places: instead of iterating."""
        for block in self._open():
            if len(block) == 0:
                continue
            self.n_samples += len(block)
            self._held.append(block)
            self._heard = self._heard or bool(max(block.max(), -block.min()) >= SILENCE)
            self._judge(block)
            yield from self._sure_windows()
            if self._end is not None and self.n_samples >= self._end:
                self.n_samples = self._n_expected  # the rest is silence, and was read before
                break
        if self.n_samples == 0:
            raise ParameterError(f"{self._name}: no samples; expected at least one")
        if self._end is not None and self.n_samples != self._n_expected:
            raise AudioError(
                f"{self._name}: {self.n_samples} samples where there were {self._n_expected}; "
                "the file has changed while it was read: classify it again",
                "changed",
            )
        yield from self._last_windows()

    def _judge(self, block: Samples) -> None:
        """Learn from the latest block how far the sound reaches for sure."""
        if self._end is None:
            below = self._settings.trim_below
            start = self.n_samples - len(block)
            if self._first is not None and (n_last := _count_to_loud(block, below)) is not None:
                self._sure_end = self.n_samples - n_last
            elif (span := _loud_span(block, below)) is not None:
                self._first = start + span[0] if self._first is None else self._first
                self._sure_end = start + span[1]
            elif self.n_samples - self._sure_end <= MAX_PENDING_SAMPLES:
                pass
            elif self._once:
                self._first = 0 if self._first is None else self._first
                self._sure_end = self.n_samples
            else:
                self._first, self._end, self._n_expected = _find_bounds(self._open(), below)
        if self._end is not None:
            self._sure_end = min(self.n_samples, self._end)
        if self._first is not None:
            self._held.drop_before(min(self._first, self.n_samples))

    def _sure_windows(self) -> Iterator[WindowBlock]:
        """Blocks of regular windows that lie in the sound for sure, then forget what is done."""
        if self._first is None:
            return
        size, hop = self._settings.window_samples, self._settings.hop_samples
        n_sure = (self._sure_end - self._first - size) // hop + 1
        while n_sure - self._n_yielded >= self._n_at_least:
            n = min(self._n_at_once, n_sure - self._n_yielded)
            starts = self._first + self._regular_places(self._n_yielded, n)
            windows = self._cut(self._held.samples, int(starts[0]) - self._held.start, n)
            yield WindowBlock(windows, starts, starts + size)
            self._n_yielded += n
        # The last window ends with the sound and may begin before the next regular one.
        next_start = self._first + self._n_yielded * hop
        self._held.drop_before(max(self._first, min(next_start, self._sure_end - size)))

    def _last_windows(self) -> Iterator[WindowBlock]:
        """What is left at the end of the clip, the window that ends with it among it."""
        size, hop = self._settings.window_samples, self._settings.hop_samples
        first = 0 if self._first is None else self._first  # a clip without sound is kept whole
        end = self.n_samples if self._first is None else self._sure_end
        self._held.drop_before(first)
        sound = self._held.samples[: end - self._held.start]
        n_missing = size - (end - first)
        if n_missing > 0:
            sound = np.pad(sound, (n_missing // 2, n_missing - n_missing // 2))
        last = max(0, -n_missing)
        n_windows = 1 + math.ceil(last / hop)
        start = first - self._held.start
        for number in range(self._n_yielded, n_windows, self._n_at_once):
            n = min(self._n_at_once, n_windows - number)
            starts = first + np.minimum(self._regular_places(number, n), last)
            windows = self._cut(sound, start + number * hop, n, start + last)
            yield WindowBlock(windows, starts, np.minimum(starts + size, end))

    def _regular_places(self, number: int, n: int) -> Places:
        """Where `n` windows begin, from window `number` on, counted from the start of the sound."""
        return np.arange(number, number + n, dtype=np.int64) * self._settings.hop_samples

    def _cut(self, samples: Samples, start: int, n: int, last: int | None = None) -> Samples:
        """Cut `n` windows from `start` on, one every hop; none of them begins after `last`."""
        size, hop = self._settings.window_samples, self._settings.hop_samples
        every = np.lib.stride_tricks.sliding_window_view(samples, size)
        out = self._scratch.windows_of(n, size) if self._scratch else empty_windows(n, size)
        n_regular = n if last is None else min(n, (last - start) // hop + 1)
        regular = every[start : start + n_regular * hop : hop]
        normalise_windows(regular, self._settings.normalise, out[:n_regular])
        if last is not None and n_regular < n:
            normalise_windows(every[last : last + 1], self._settings.normalise, out[n_regular:])
        return out


def _loud_span(block: Samples, below: float) -> tuple[int, int] | None:
    """The first loud sample and the one after the last; None where |x| < below throughout."""
    first, end = sound_bounds(block, below)
    # Only of a block without a loud sample is a quiet one kept in front.
    return (first, end) if np.all(np.abs(block[first : first + 1]) >= below) else None


def _count_to_loud(block: Samples, below: float) -> int | None:
    """Quiet samples after the last loud one, where that is among the last few, as it mostly is."""
    loud = np.flatnonzero(np.abs(block[: -_N_LAST - 1 : -1]) >= below)
    return int(loud[0]) if len(loud) else None


def _find_bounds(blocks: Iterator[Samples], below: float) -> tuple[int, int, int]:
    """Where the sound begins, where it ends, and the length: as `sound_bounds` of all blocks."""
    first, end, n = -1, -1, 0
    for block in blocks:
        span = _loud_span(block, below) if len(block) else None
        if span is not None:
            first = n + span[0] if first < 0 else first
            end = n + span[1]
        n += len(block)
    return (first, end, n) if first >= 0 else (0, n, n)

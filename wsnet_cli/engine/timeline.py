"""Scores window by window, with times, while a clip is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.calibrating.scores import scores_of
from ..core.quant import Array
from ..core.sound.stream import WindowStream
from .engines import Engine

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WindowScores:
    """What was heard in some windows that follow one another.

    Times are in seconds of the file as it was read, silence at its start included. Windows are cut
    from the sound only: the first begins where the sound begins, the last ends where it ends, and
    of a sound shorter than a window the bounds of the sound stand here, not those of the padding.

    Args:
        starts_s: [n] float64, rising.
        ends_s: [n] float64, of each window > its start.
        scores: [n, n_labels] float32 in [0, 1]: the softmax of each window's logits over the
            model's temperature, summing to 1; of a multi-label model the sigmoids.
        features: [n, n_features] float32, see `Classifier.hear_windows`; None where not asked for.
        logits: [n, n_labels] float32, before any temperature.
    """

    starts_s: Times
    ends_s: Times
    scores: Array
    features: Array | None = None
    logits: Array | None = None


class Timeline:
    """An iterator over `WindowScores`, read once; nothing of the clip is read before the first.

    Args:
        engine: what runs the windows.
        stream: whose windows they are.
        sample_rate: of these, in Hz.
        start_s: added to all times.
        embed: whether features are given too.
        multi_label: as `core.calibrating.scores.scores_of` takes it.
        temperature: likewise.
    """

    def __init__(
        self,
        engine: Engine,
        stream: WindowStream,
        sample_rate: int,
        start_s: float = 0.0,
        *,
        embed: bool = False,
        multi_label: bool = False,
        temperature: float = 1.0,
    ) -> None:
        self._engine = engine
        self._stream = stream
        self._sample_rate = sample_rate
        self._start_s = start_s
        self._embed = embed
        self._multi_label = multi_label
        self._temperature = temperature
        self._parts = self._listen()

    def __iter__(self) -> Iterator[WindowScores]:
        """Itself."""
        return self

    def __next__(self) -> WindowScores:
        """The next windows. Raises: what reading the clip raises."""
        return next(self._parts)

    @property
    def duration_s(self) -> float:
        """Seconds read so far; once iterated to its end, the clip's length, silence included."""
        return self._stream.n_samples / self._sample_rate

    @property
    def is_silent(self) -> bool:
        """Whether all that was read so far is digital silence."""
        return self._stream.is_silent

    def _listen(self) -> Iterator[WindowScores]:
        for windows, starts, ends in self._stream.placed():
            features = None
            if self._embed:
                logits, features = self._engine.embed(windows)
            else:
                logits = self._engine.logits(windows)
            starts_s = self._start_s + starts / self._sample_rate
            ends_s = self._start_s + ends / self._sample_rate
            several, temperature = self._multi_label, self._temperature
            scores = scores_of(logits, multi_label=several, temperature=temperature)
            yield WindowScores(starts_s, ends_s, scores, features, logits)

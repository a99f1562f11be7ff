"""A model ready to classify: the Python interface, equal to the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..core.artifact import load_model
from ..core.audio import read_blocks, resample, window_blocks
from ..core.files import is_folder
from ..core.locate import find_model
from ..core.model import Model
from ..core.quant import Array
from ..core.sniff import shown
from ..core.stream import OpenBlocks, Scratch, WindowStream
from .engines import make_engine

WINDOWS_AT_ONCE = 16
"""Windows that are normalised and run together; bounds the memory that a long clip takes."""


@dataclass(frozen=True)
class Heard:
    """What came of a clip that was read.

    Args:
        scores: [n_labels] float32 in [0, 1], summing to 1.
        duration_s: length of the clip in seconds, silence at its ends included.
    """

    scores: Array
    duration_s: float


class Classifier:
    """Turns audio into one score per label.

    May be used by several threads at once.

    Args:
        model: what `core.artifact.load_model` returns.
        engine: as `engines.make_engine` takes it; None is the fastest there is.
        threads: that share the windows of a clip or batch; the GIL is released meanwhile.

    >>> Classifier.load("esc10").labels[:2]
    ('chainsaw', 'clock_tick')
    """

    def __init__(self, model: Model, engine: str | None = None, threads: int = 1) -> None:
        self.model = model
        self.engine = make_engine(model, engine, threads)
        self._threads = threads
        self._scratches: list[Scratch] = []  # those that no call is using

    @classmethod
    def load(
        cls, model: str | os.PathLike[str], engine: str | None = None, threads: int = 1
    ) -> Classifier:
        """Read a model.

        Args:
            model: a model file, a run folder, or (as text) the name of a model that ships: what
                the commands take for MODEL.
            engine: as for the class.
            threads: as for the class.

        Raises: UsageError: there is none. And as `core.artifact.load_model`, `engines.make_engine`.
        """
        if isinstance(model, str) or is_folder(Path(model)):
            return cls(load_model(find_model(os.fspath(model))), engine, threads)
        return cls(load_model(Path(model)), engine, threads)

    @property
    def labels(self) -> tuple[str, ...]:
        """One per score."""
        return self.model.labels

    def classify(self, samples: Array, sample_rate: int) -> Array:
        """Score a clip.

        Args:
            samples: mono float32 [n], n >= 1.
            sample_rate: Hz; the clip is resampled where the model's rate is another.

        Returns: [n_labels] float32 in [0, 1], summing to 1: the mean over windows of the softmax.
        Raises: ParameterError: samples is not one row of at least one sample.
        """
        return self._mean_scores(self._windows(samples, sample_rate))

    def classify_batch(self, clips: Iterable[Array], sample_rate: int) -> Array:
        """Score many clips, of any lengths: `classify` of each, up to float32 rounding.

        The engine's threads share the windows of all clips, so that short clips keep them all busy.
        One clip and one group of windows are in memory at a time, where `clips` is an iterator.

        Args:
            clips: each mono float32 [n], n >= 1.
            sample_rate: Hz, of all of them.

        Returns: [n_clips, n_labels] float32, as `classify` returns each row.
        Raises: ParameterError: as `classify`.
        """
        totals: list[Array] = []
        counts: list[int] = []
        waiting: list[Array] = []  # windows, one row each, of the clips `owners`
        owners: list[int] = []

        def run() -> None:
            scores = softmax(self.engine.logits(np.concatenate(waiting)))
            for owner, score in zip(owners, scores, strict=True):
                totals[owner] += score
            waiting.clear()
            owners.clear()

        for number, samples in enumerate(clips):
            totals.append(np.zeros(len(self.labels), np.float64))
            counts.append(0)
            for windows in self._windows(samples, sample_rate):
                counts[number] += len(windows)
                waiting.append(windows)
                owners += [number] * len(windows)
                if len(owners) >= WINDOWS_AT_ONCE * self._threads:
                    run()
        if owners:
            run()
        means = [total / n for total, n in zip(totals, counts, strict=True)]
        return np.array(means, np.float32).reshape(-1, len(self.labels))

    def classify_file(
        self,
        path: str | os.PathLike[str],
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> Array:
        """Score an audio file, or a part of it in seconds, as `classify` scores its samples.

        However long the file is, some MB of it are in memory at a time.

        Returns: [n_labels] float32, as `classify`.
        Raises: AudioError: it cannot be read; the message says why.
        """
        return self.hear(self.open_file(path, start_s, end_s), shown(os.fspath(path))).scores

    def open_file(
        self,
        path: str | os.PathLike[str],
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> OpenBlocks:
        """What `hear` takes, for an audio file or a part of it in seconds; opens nothing yet."""
        rate = self.model.audio.sample_rate
        return partial(read_blocks, path, sample_rate=rate, start_s=start_s, end_s=end_s)

    def hear(self, open_blocks: OpenBlocks, name: str = "clip") -> Heard:
        """Score a clip that comes in blocks, in bounded memory; `core.stream.WindowStream`.

        Args:
            open_blocks: begins to read the clip at the model's rate; may be called twice.
            name: of the clip, for messages.

        Raises: as `WindowStream`.
        """
        try:
            scratch = self._scratches.pop()  # one step, so that no two threads get the same
        except IndexError:
            scratch = Scratch()
        stream = WindowStream(open_blocks, self.model.audio, WINDOWS_AT_ONCE, name, scratch)
        scores = self._mean_scores(stream)
        self._scratches.append(scratch)
        return Heard(scores, stream.n_samples / self.model.audio.sample_rate)

    def top(self, scores: Array, k: int = 1) -> list[tuple[str, float]]:
        """The best labels of a clip.

        Args:
            scores: [n_labels], as `classify` returns them.
            k: how many, >= 1; more than there are gives all.

        Returns: (label, score), best first; equal scores in the order of the labels.

        >>> esc10 = Classifier.load("esc10")
        >>> esc10.top(np.float32([0, 0.25, 0, 0.5, 0, 0, 0.25, 0, 0, 0]), k=2)
        [('crying_baby', 0.5), ('clock_tick', 0.25)]
        """
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        return [(self.labels[i], float(scores[i])) for i in order[:k]]

    def _windows(self, samples: Array, sample_rate: int) -> Iterator[Array]:
        audio = self.model.audio
        if sample_rate != audio.sample_rate:
            samples = resample(samples, sample_rate, audio.sample_rate)
        return window_blocks(samples, audio, WINDOWS_AT_ONCE)

    def _mean_scores(self, blocks: Iterable[Array]) -> Array:
        total = np.zeros(len(self.labels), np.float64)
        n_windows = 0
        for windows in blocks:
            total += softmax(self.engine.logits(windows)).sum(axis=0, dtype=np.float64)
            n_windows += len(windows)
        return (total / n_windows).astype(np.float32)


def softmax(logits: Array) -> Array:
    """Softmax over the last axis, safe for any finite logits."""
    with np.errstate(over="ignore"):  # a difference of -inf is as good as the number: exp gives 0
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return out

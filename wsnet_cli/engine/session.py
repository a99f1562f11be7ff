"""A model ready to classify: the Python interface, equal to the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.artifact import load_model
from ..core.audio import read_audio, resample, window_blocks
from ..core.model import Model
from ..core.quant import Array
from .engines import make_engine

WINDOWS_AT_ONCE = 16
"""Windows that are normalised and run together; bounds the memory that a long clip takes."""


class Classifier:
    """Turns audio into one score per label.

    Args:
        model: what `core.artifact.load_model` returns.
        engine: as `engines.make_engine` takes it; None is the fastest there is.
        threads: that share the windows of a clip or batch; the GIL is released meanwhile.

    >>> from wsnet_cli.core.locate import find_model
    >>> Classifier.load(find_model("esc10")).labels[:2]
    ('chainsaw', 'clock_tick')
    """

    def __init__(self, model: Model, engine: str | None = None, threads: int = 1) -> None:
        self.model = model
        self.engine = make_engine(model, engine, threads)

    @classmethod
    def load(cls, path: Path, engine: str | None = None, threads: int = 1) -> Classifier:
        """Read a model file. Raises: as `core.artifact.load_model` and `engines.make_engine`."""
        return cls(load_model(path), engine, threads)

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
        """
        audio = self.model.audio
        if sample_rate != audio.sample_rate:
            samples = resample(samples, sample_rate, audio.sample_rate)
        total = np.zeros(len(self.labels), np.float64)
        n_windows = 0
        for windows in window_blocks(samples, audio, WINDOWS_AT_ONCE):
            total += softmax(self.engine.logits(windows)).sum(axis=0, dtype=np.float64)
            n_windows += len(windows)
        return (total / n_windows).astype(np.float32)

    def classify_file(
        self, path: Path, start_s: float | None = None, end_s: float | None = None
    ) -> Array:
        """Score an audio file, or a part of it in seconds.

        Raises: AudioError: it cannot be read; the message says why.
        """
        rate = self.model.audio.sample_rate
        samples, _ = read_audio(path, sample_rate=rate, start_s=start_s, end_s=end_s)
        return self.classify(samples, rate)


def softmax(logits: Array) -> Array:
    """Softmax over the last axis, safe for any finite logits."""
    with np.errstate(over="ignore"):  # a difference of -inf is as good as the number: exp gives 0
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    out: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return out

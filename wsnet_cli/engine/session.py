"""A model ready to classify: the Python interface, equal to the command line."""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..core.calibrating.calibration import UNKNOWN, least_scores, told
from ..core.calibrating.scores import scores_of
from ..core.checks import check, check_numbers, is_whole
from ..core.errors import ParameterError
from ..core.files import is_folder
from ..core.locate import find_model
from ..core.model import Model
from ..core.model_file.artifact import load_model
from ..core.quant import Array
from ..core.quoting import shown
from ..core.sound.audio import AudioSettings, read_blocks
from ..core.sound.held import Scratch
from ..core.sound.resampling import resample
from ..core.sound.stream import OpenBlocks, WindowStream
from ..core.sound.windows import window_blocks
from .engines import make_engine
from .scores import Heard, aggregate_scores, score_clips
from .timeline import Timeline
from .windows import recut_audio

WINDOWS_AT_ONCE = 16
"""Windows that are normalised and run together; bounds the memory that a long clip takes."""

MOST_SAMPLES = 2**24
"""Samples in the windows that run together, so that long windows are fewer: 64 MiB."""


def windows_at_once(audio: AudioSettings) -> int:
    """How many windows of this length run together in one thread, >= 1."""
    return max(1, min(WINDOWS_AT_ONCE, MOST_SAMPLES // audio.window_samples))


class Classifier:
    """Turns audio into one score per label.

    May be used by several threads at once.

    Args:
        model: what `core.model_file.artifact.load_model` returns.
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

        Raises: UsageError: there is none. And as `artifact.load_model`, `engines.make_engine`.
        """
        if isinstance(model, str) or is_folder(Path(model)):
            return cls(load_model(find_model(os.fspath(model))), engine, threads)
        return cls(load_model(Path(model)), engine, threads)

    @property
    def labels(self) -> tuple[str, ...]:
        """One per score."""
        return self.model.labels

    @property
    def multi_label(self) -> bool:
        """Whether any number of labels may be true, so that scores do not sum to 1."""
        return self.model.multi_label

    def classify(self, samples: Array, sample_rate: int) -> Array:
        """Score a clip.

        Args:
            samples: mono float32 [n], n >= 1, in -1..1.
            sample_rate: Hz; the clip is resampled where the model's rate is another.

        Returns: [n_labels] float32 in [0, 1]: the mean over windows of the softmax, which sums to
            1; of a multi-label model, of the sigmoids. Logits are divided by the model's
            temperature before.
        Raises: ParameterError: samples is no array of floats (integers are not: divide int16 by
            32768), or not one row of at least one sample, or one of them is not finite.
        """
        return aggregate_scores(self._scores(self._windows(samples, sample_rate)))

    def classify_batch(self, clips: Iterable[Array], sample_rate: int) -> Array:
        """Score many clips, of any lengths: `classify` of each, up to float32 rounding.

        The engine's threads share the windows of all clips, so that short clips keep them all busy.
        One clip and one group of windows are in memory at a time, where `clips` is an iterator.

        Args:
            clips: each mono float32 [n], n >= 1, in -1..1.
            sample_rate: Hz, of all of them.

        Returns: [n_clips, n_labels] float32, as `classify` returns each row.
        Raises: ParameterError: as `classify`.
        """
        clips_windows = (self._windows(samples, sample_rate) for samples in clips)
        n_at_once = windows_at_once(self.model.audio) * self._threads
        return score_clips(
            self.engine,
            clips_windows,
            len(self.labels),
            n_at_once,
            multi_label=self.multi_label,
            temperature=self.model.calibration.temperature,
        )

    def classify_file(
        self,
        path: str | os.PathLike[str],
        start_s: float | None = None,
        end_s: float | None = None,
        channel: int | None = None,
        aggregate: str = "mean",
    ) -> Array:
        """Score an audio file, or a part of it in seconds, as `classify` scores its samples.

        However long the file is, some MB of it are in memory at a time.

        Args:
            path: of the file.
            start_s: as `open_file` takes it, and so `end_s` and `channel`.
            end_s: see there.
            channel: see there.
            aggregate: as `hear` takes it.

        Returns: [n_labels] float32, as `hear` says.
        Raises: AudioError: it cannot be read; the message says why. ParameterError: as `hear`.
        """
        opened = self.open_file(path, start_s, end_s, channel)
        return self.hear(opened, shown(os.fspath(path)), aggregate).scores

    def open_file(
        self,
        path: str | os.PathLike[str],
        start_s: float | None = None,
        end_s: float | None = None,
        channel: int | None = None,
    ) -> OpenBlocks:
        """What `hear` takes, for an audio file or a part of it; opens nothing yet.

        Args:
            path: of the file.
            start_s: where the part begins, in seconds; None = at the start.
            end_s: where it ends; None = at the end.
            channel: the one to hear, counted from 1; None: the average of all.
        """
        rate = self.model.audio.sample_rate
        return partial(
            read_blocks, path, sample_rate=rate, start_s=start_s, end_s=end_s, channel=channel
        )

    def hear(
        self,
        open_blocks: OpenBlocks,
        name: str = "clip",
        aggregate: str = "mean",
        *,
        once: bool = False,
    ) -> Heard:
        """Score a clip that comes in blocks, in bounded memory; `core.sound.stream.WindowStream`.

        Args:
            open_blocks: begins to read the clip at the model's rate; may be called twice.
            name: of the clip, for messages.
            aggregate: "mean": the mean over windows of their scores. "max": for each label the
                largest score of any window; these may sum to more than 1.
            once: open_blocks can be called only once, as for a pipe; as `WindowStream` takes it.

        Raises: as `WindowStream`. ParameterError: no such aggregate.
        """
        with self._scratch() as scratch:
            stream = self._stream(self.model.audio, open_blocks, name, scratch, once=once)
            scores = aggregate_scores(self._scores(stream), aggregate)
        return Heard(scores, stream.n_samples / self.model.audio.sample_rate, stream.is_silent)

    def hear_windows(
        self,
        open_blocks: OpenBlocks,
        name: str = "clip",
        *,
        start_s: float = 0.0,
        live: bool = False,
        embed: bool = False,
    ) -> Timeline:
        """Score a clip window by window while it is read, in bounded memory.

        The windows are those of `hear`, so that the mean of their scores is its result.

        Args:
            open_blocks: begins to read the clip at the model's rate; may be called twice where
                it is not live.
            name: of the clip, for messages.
            start_s: where in its file the clip begins, added to all times.
            live: the clip is still being recorded, and comes once: windows are cut from its first
                sample on, every hop, silence or not, because what is silence at an end is known
                only afterwards; and their scores come as soon as their last sample is there. At
                the end of the stream, what is left over is heard by one more window, which ends
                with it. open_blocks is then called once.
            embed: give the features of each window too, [n, n_features] float32: what the last
                layer with weights takes. Where that is a linear layer, as in most networks, these
                are its inputs, so that features @ weights + bias are the logits, and they cost
                nothing. Where it is a convolution, they are its input channels, averaged over
                time, and each window is run a second time. n_features: `networks.network.Network`.

        Returns: an iterator over `WindowScores`, and the clip's duration at its end.
        Raises: as `WindowStream`, while it is iterated over.
        """
        audio = replace(self.model.audio, trim_below=0.0) if live else self.model.audio
        stream = self._stream(audio, open_blocks, name, Scratch(), eager=live, once=live)
        return Timeline(
            self.engine,
            stream,
            audio.sample_rate,
            start_s,
            embed=embed,
            multi_label=self.multi_label,
            temperature=self.model.calibration.temperature,
        )

    def recut(self, window_s: float | None = None, hop_s: float | None = None) -> Classifier:
        """A classifier with the same engine that cuts clips into other windows.

        Args:
            window_s: seconds; None: the model's own. Scores are best understood where it is near
                what the model was trained on.
            hop_s: seconds from one window to the next, more than 0 and at most a window, so that
                no sound goes unheard; None: the same part of a window as in the model.

        Raises: UsageError: as `windows.recut_audio`.
        """
        other = copy.copy(self)
        other.model = replace(self.model, audio=recut_audio(self.model, window_s, hop_s))
        other._scratches = []
        return other

    def top(self, scores: Array, k: int = 1, *, unknown: bool = True) -> list[tuple[str, float]]:
        """The best labels of a clip.

        Args:
            scores: [n_labels], as `classify` returns them.
            k: how many, >= 1; more than there are gives all.
            unknown: whether a calibrated model that has one label for a clip may say "unknown" in
                place of the best one, where that does not reach its least score.

        Returns: (label, score), best first; equal scores in the order of the labels.
        Raises: ParameterError: k < 1, or scores of another shape.

        >>> esc10 = Classifier.load("esc10")
        >>> import numpy as np
        >>> esc10.top(np.float32([0, 0.25, 0, 0.5, 0, 0, 0.25, 0, 0, 0]), k=2)
        [('crying_baby', 0.5), ('clock_tick', 0.25)]
        """
        check("k", k, is_whole(k) and k >= 1, "a whole number >= 1")
        self._check_scores(scores)
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        best = [(self.labels[i], float(scores[i])) for i in order[:k]]
        if unknown and not self.multi_label and not self.told(scores):
            best[0] = (UNKNOWN, best[0][1])
        return best

    def told(self, scores: Array) -> tuple[str, ...]:
        """What a clip is, by the thresholds of the model (`calibration.least_scores`).

        Args:
            scores: [n_labels], as `classify` returns them.

        Returns: the best label, or none where the clip is unknown; of a multi-label model all that
            are there, in the order of the labels.
        Raises: ParameterError: scores of another shape.
        """
        self._check_scores(scores)
        several = self.multi_label
        least = least_scores(self.model.calibration, len(self.labels), multi_label=several)
        return tuple(self.labels[i] for i in told(scores, least, multi_label=several))

    def _check_scores(self, scores: Array) -> None:
        found, expected = np.shape(scores), (len(self.labels),)
        check(
            "scores.shape",
            found,
            found == expected,
            f"{expected}, of one clip, as classify returns",
        )

    def _windows(self, samples: Array, sample_rate: int) -> Iterator[Array]:
        audio = self.model.audio
        check_numbers(samples)
        # Kernels may answer to others as if they were numbers.
        if samples.size and not np.isfinite([samples.min(), samples.max()]).all():
            raise ParameterError("samples hold a value that is not finite; expected -1..1 or so")
        if sample_rate != audio.sample_rate:
            samples = resample(samples, sample_rate, audio.sample_rate)
        return window_blocks(samples, audio, windows_at_once(audio))

    def _stream(
        self,
        audio: AudioSettings,
        open_blocks: OpenBlocks,
        name: str,
        scratch: Scratch | None,
        *,
        eager: bool = False,
        once: bool = False,
    ) -> WindowStream:
        n_at_once = windows_at_once(audio)
        return WindowStream(open_blocks, audio, n_at_once, name, scratch, eager=eager, once=once)

    def _scores(self, blocks: Iterable[Array]) -> Iterator[Array]:
        for windows in blocks:
            logits = self.engine.logits(windows)
            temperature = self.model.calibration.temperature
            yield scores_of(logits, multi_label=self.multi_label, temperature=temperature)

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Scratch]:
        try:
            scratch = self._scratches.pop()  # one step, so that no two threads get the same
        except IndexError:
            scratch = Scratch()
        try:
            yield scratch
        finally:
            self._scratches.append(scratch)

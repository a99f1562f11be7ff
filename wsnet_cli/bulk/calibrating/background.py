"""Sounds of none of the labels: how often a model names one all the same."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.calibrating.calibration import Calibration, is_told, least_scores
from ...core.calibrating.scores import scores_of
from ...core.errors import DataError, UsageError
from ...core.files import is_folder
from ...core.measures.told import FalseAlarms
from ...core.parallel import Check, count_workers
from ...core.quant import Array
from ...core.quoting import shown
from ...core.sound.audio import AudioSettings
from ...data.dataset import Failure
from ...engine.session import Classifier
from ..inputs.sources import Inputs, list_inputs
from .logits import ClipLogits, OnClip, hear_all, hear_logits


@dataclass(frozen=True, eq=False)
class Background:
    """What was heard in a folder of background sounds.

    Args:
        clips: the logits of the windows of each clip, [n, n_labels] each. A file is a clip; a
            longer one is as many clips as it holds.
        n_files: that could be read.
        seconds: their length together.
        failures: those that could not.
        n_silent: files of nothing but digital silence.
        skipped: names in the folder that were left out on purpose: links to folders.
    """

    clips: tuple[Array, ...]
    n_files: int
    seconds: float
    failures: tuple[Failure, ...]
    n_silent: int = 0
    skipped: tuple[str, ...] = ()

    def scores(self, temperature: float, *, multi_label: bool) -> Array:
        """The mean scores of each clip, [n_clips, n_labels] float32."""
        means = [
            scores_of(logits, multi_label=multi_label, temperature=temperature).mean(
                axis=0, dtype=np.float64
            )
            for logits in self.clips
        ]
        return np.array(means, np.float32)

    def alarms(self, scores: Array, calibration: Calibration, *, multi_label: bool) -> FalseAlarms:
        """How many of the clips get a label.

        Args:
            scores: of each, as `scores` gives them at the temperature of the calibration.
            calibration: whose thresholds decide.
            multi_label: as `core.model.Model` has it.
        """
        least = least_scores(calibration, scores.shape[1], multi_label=multi_label)
        n_told = int(is_told(scores, least, multi_label=multi_label).sum())
        return FalseAlarms(len(scores), self.n_files, self.seconds, n_told)


def usual_windows(durations_s: Sequence[float], audio: AudioSettings) -> int:
    """The windows of a clip of the median length.

    Args:
        durations_s: of some clips, at least one.
        audio: how they are cut.

    >>> usual_windows([0.5, 4.5, 5.0], AudioSettings(8_000, window_s=1.5, hop_s=0.75))
    5
    """
    beyond_s = float(np.median(durations_s)) - audio.window_s
    return 1 + max(0, math.ceil(beyond_s / audio.hop_s - 1e-9))


def list_background(folder: Path) -> Inputs:
    """The files of a folder of background sounds, before any is opened.

    Args:
        folder: any audio files, at any depth.

    Raises:
        UsageError: it is no folder.
        DataError: there is no file in it that may be read.
    """
    if not is_folder(folder):
        raise UsageError(f"--background {folder}: expected a folder of audio files")
    inputs = list_inputs([os.fspath(folder)])
    if len(inputs.refusals) == len(inputs.names):
        by_weight = sorted(inputs.refusals.values(), key=lambda refusal: refusal.is_skip)
        raise _unreadable(by_weight[0].reason)
    return inputs


def _unreadable(reason: str) -> DataError:
    return DataError(f"--background: no file can be read; the first: {reason}")


def hear_background(
    classifier: Classifier,
    inputs: Inputs,
    n_windows: int,
    workers: int | None = None,
    on_clip: OnClip | None = None,
) -> Background:
    """Hear background sounds, in clips as long as those that a model is asked about.

    A file of k times as many windows counts as k clips of neighbouring windows (k is rounded, and
    at least 1), so that an hour of rain weighs more than a second of it, and is not averaged away.

    Args:
        classifier: the model.
        inputs: from `list_background`.
        n_windows: of a usual clip, >= 1.
        workers: files that are read and classified at once; None: one for each processor.
        on_clip: told after each file.

    Raises: DataError: no file of them can be read.
    """
    skipped = tuple(name for name, refusal in inputs.refusals.items() if refusal.is_skip)
    names = [name for name in inputs.names if name not in skipped]

    def hear(name: str, check: Check) -> ClipLogits | Failure:
        refusal = inputs.refusals.get(name)
        if refusal is not None:
            return Failure(name, refusal.reason)
        return hear_logits(classifier, classifier.open_file(name), shown(name), check)

    heard = hear_all(names, hear, count_workers(workers, len(names)), on_clip)
    files = [one for one in heard if isinstance(one, ClipLogits)]
    failures = tuple(one for one in heard if isinstance(one, Failure))
    if not files:
        raise _unreadable(failures[0].reason)
    clips = tuple(clip for one in files for clip in _cut(one.blocks, n_windows))
    seconds = sum(one.duration_s for one in files)
    n_silent = sum(one.is_silent for one in files)
    return Background(clips, len(files), seconds, failures, n_silent, skipped)


def _cut(blocks: Sequence[Array], n_windows: int) -> list[Array]:
    """The windows of a file, divided into clips of about so many, as even as can be."""
    windows = np.concatenate(blocks)
    return np.array_split(windows, max(1, round(len(windows) / n_windows)))

"""The logits of clips, kept window by window: what temperatures and thresholds are chosen on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ...core.calibrating.scores import scores_of
from ...core.errors import AudioError, DataError
from ...core.parallel import Check, map_in_order
from ...core.quant import Array
from ...core.sound.stream import OpenBlocks
from ...data.dataset import Clip, Failure
from ...engine.scores import aggregate_scores
from ...engine.session import Classifier
from ..clips.clip_audio import ClipAudio
from ..evaluating.evaluate import check_labels
from ..predicting.predict import checked

T = TypeVar("T")
OnClip = Callable[[int, int, float], None]
"""Told how many clips are done, of how many, and the seconds of the latest, 0 if not read."""


@dataclass(frozen=True, eq=False)
class ClipLogits:
    """One clip.

    Args:
        blocks: of its windows in order, each [n, n_labels] float32; one or more.
        duration_s: its length, silence at its ends included.
        is_silent: whether there was nothing but digital silence.
    """

    blocks: tuple[Array, ...]
    duration_s: float
    is_silent: bool = False

    @property
    def n_windows(self) -> int:
        """How many windows it has, >= 1."""
        return sum(map(len, self.blocks))

    def scores(self, temperature: float, *, multi_label: bool) -> Array:
        """[n_labels]: what `Classifier.hear` gives at that temperature."""
        return aggregate_scores(
            scores_of(block, multi_label=multi_label, temperature=temperature)
            for block in self.blocks
        )


@dataclass(frozen=True, eq=False)
class LabelledLogits:
    """Clips with labels that could be read, and those that could not.

    Args:
        clips: the former, at least one.
        truth: which labels each has, [n_clips, n_labels].
        failures: the latter.
    """

    clips: tuple[ClipLogits, ...]
    truth: npt.NDArray[np.bool_]
    failures: tuple[Failure, ...]

    @property
    def logits(self) -> Array:
        """Of all windows, [n_windows, n_labels]."""
        return np.concatenate([block for clip in self.clips for block in clip.blocks])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Windows of each clip."""
        return np.array([clip.n_windows for clip in self.clips], np.int64)

    def scores(self, temperature: float, *, multi_label: bool) -> Array:
        """[n_clips, n_labels], as `ClipLogits.scores` gives each row."""
        return np.stack([clip.scores(temperature, multi_label=multi_label) for clip in self.clips])


def hear_labelled(
    classifier: Classifier,
    clips: Sequence[Clip],
    audio: ClipAudio,
    workers: int = 1,
    on_clip: OnClip | None = None,
) -> LabelledLogits:
    """The logits of labelled clips, the same whatever the number of workers.

    Args:
        classifier: the model.
        clips: labelled, as `evaluate.evaluate_clips` takes them.
        audio: where their audio comes from.
        workers: clips that are read and classified at once, >= 1.
        on_clip: told after each clip.

    Raises:
        DataError: as `evaluate.evaluate_clips`.
    """
    check_labels(classifier, clips)

    def hear(clip: Clip, check: Check) -> ClipLogits | Failure:
        return hear_logits(classifier, audio.open(classifier, clip), clip.name, check)

    heard = hear_all(clips, hear, workers, on_clip)
    index = {label: i for i, label in enumerate(classifier.labels)}
    truth = np.zeros((len(clips), len(index)), np.bool_)
    for row, clip in zip(truth, clips, strict=True):
        row[[index[name] for name in clip.classes]] = True
    readable = np.array([isinstance(one, ClipLogits) for one in heard], np.bool_)
    good = tuple(one for one in heard if isinstance(one, ClipLogits))
    failures = tuple(one for one in heard if isinstance(one, Failure))
    if not good:
        raise DataError(f"none of {len(clips)} clips can be read; the first: {failures[0].reason}")
    return LabelledLogits(good, truth[readable], failures)


def hear_all(
    items: Sequence[T],
    hear: Callable[[T, Check], ClipLogits | Failure],
    workers: int,
    on_clip: OnClip | None,
) -> list[ClipLogits | Failure]:
    """What came of each item, in order.

    Args:
        items: what there is to hear.
        hear: hears one; called by several threads at once.
        workers: that hear at once, >= 1.
        on_clip: told after each one.
    """
    heard: list[ClipLogits | Failure] = []
    with closing(map_in_order(hear, items, workers)) as outcomes:
        for outcome in outcomes:
            heard.append(outcome)
            if on_clip:
                seconds = outcome.duration_s if isinstance(outcome, ClipLogits) else 0.0
                on_clip(len(heard), len(items), seconds)
    return heard


def hear_logits(
    classifier: Classifier, open_blocks: OpenBlocks, name: str, check: Check
) -> ClipLogits | Failure:
    """The logits of one clip, in windows as `Classifier.hear` cuts them.

    Args:
        classifier: the model.
        open_blocks: of the clip, as `Classifier.hear` takes it.
        name: of the clip, for messages.
        check: called between the blocks; what it raises ends the work.
    """
    timeline = classifier.hear_windows(checked(open_blocks, check), name)
    try:
        blocks = tuple(part.logits for part in timeline if part.logits is not None)
    except AudioError as error:
        return Failure(name, str(error))
    return ClipLogits(blocks, timeline.duration_s, timeline.is_silent)

"""Which clips a model is most wrong about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.calibrating.calibration import DECISION
from ..core.measures.evaluation import ClipResult, Evaluated

ClipId = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Mistake:
    """A clip that a model is wrong about.

    Args:
        index: of it in the evaluation; of several evaluations of one clip, the most certain.
        clip: what it is, and what it was taken for.
        label: that the model is most wrong about: the one it told, or of a multi-label model one
            that it told or missed.
        score: of this label, in [0, 1].
        missed: whether the clip has the label, and the model did not say so.
        n_wrong: how often the clip was taken for something else.
        n_heard: of so many times.
    """

    index: int
    clip: ClipResult
    label: str
    score: float
    missed: bool
    n_wrong: int
    n_heard: int


def find_mistakes(evaluated: Evaluated) -> list[Mistake]:
    """All clips that are wrong, the most certain mistake first, then by name.

    Certainty is the score of the label that was told; of a multi-label model, how far the score of
    the worst decision is from the truth. A clip that several runs heard is one mistake.
    """
    judged = _judge_labels(evaluated) if evaluated.multi_label else _judge(evaluated)
    heard: dict[ClipId, list[_Judged]] = {}
    for i, clip in enumerate(evaluated.clips):
        heard.setdefault((clip.file, clip.start_s, clip.end_s), []).append(judged[i])
    found: list[tuple[float, Mistake]] = []
    for times in heard.values():
        wrong = [one for one in times if one.error > 0]
        if wrong:
            worst = max(wrong, key=lambda one: one.error)
            clip = evaluated.clips[worst.index]
            words = worst.label, worst.score, worst.missed
            mistake = Mistake(worst.index, clip, *words, len(wrong), len(times))
            found.append((worst.error, mistake))
    found.sort(key=lambda pair: (-pair[0], pair[1].clip.file, pair[1].clip.start_s or 0.0))
    return [mistake for _, mistake in found]


@dataclass(frozen=True)
class _Judged:
    """What a clip is most wrong about; its error is 0 where it is right."""

    index: int
    label: str
    score: float
    missed: bool
    error: float


def _judge(evaluated: Evaluated) -> list[_Judged]:
    return [
        _Judged(i, clip.predicted, clip.score, False, 0.0 if clip.is_right else clip.score)
        for i, clip in enumerate(evaluated.clips)
    ]


def _judge_labels(evaluated: Evaluated) -> list[_Judged]:
    assert evaluated.scores is not None  # multi-label results always hold them
    scores = evaluated.scores.astype(np.float64)
    truth = evaluated.truth.astype(np.bool_)
    errors = np.where((scores >= DECISION) != truth, np.abs(scores - truth), 0.0)
    worst = errors.argmax(axis=1)
    return [
        _Judged(i, evaluated.labels[c], float(scores[i, c]), bool(truth[i, c]), float(errors[i, c]))
        for i, c in enumerate(worst.tolist())
    ]

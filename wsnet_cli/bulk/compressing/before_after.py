"""A model before and after it was made smaller, on the same clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...core.measures.evaluation import ClipResult, Evaluated
from ...core.measures.paired import Comparison, compare
from ...core.measures.paired_precision import PairedPrecision, compare_precision
from ...core.model import Model
from ...data.dataset import Clip, Failure
from ...engine.session import Classifier
from ..clips.clip_audio import ClipAudio
from ..evaluating.evaluate import evaluate_clips


@dataclass(frozen=True, eq=False)
class BeforeAfter:
    """What two models said of the same clips.

    The measure is accuracy; of a multi-label model mean average precision, which no threshold
    changes.

    Args:
        before: of the model as it was given.
        after: of the one made of it.
        failures: clips that could not be read, by either.
    """

    before: Evaluated
    after: Evaluated
    failures: tuple[Failure, ...]

    @property
    def n_clips(self) -> int:
        """Clips that could be read."""
        return len(self.before.clips)

    @property
    def measure(self) -> str:
        """What `values` are."""
        return "mean average precision" if self.before.multi_label else "accuracy"

    @cached_property
    def comparison(self) -> Comparison:
        """Of right answers, the one after first: its difference is below 0 where it is worse."""
        after, before = self.after.right[np.newaxis], self.before.right[np.newaxis]
        return compare(after, before, self.before.recordings)

    @cached_property
    def precision(self) -> PairedPrecision:
        """Of a multi-label model, the one after first."""
        assert self.after.scores is not None
        assert self.before.scores is not None
        truth = self.before.truth.astype(np.bool_)
        return compare_precision(
            truth, self.after.scores, self.before.scores, self.before.recordings
        )

    @property
    def values(self) -> tuple[float, float]:
        """The measure before and after, in [0, 1]."""
        after, before = (
            self.precision.values if self.before.multi_label else self.comparison.accuracies
        )
        return before, after

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.values[1] - self.values[0]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference: recordings drawn again."""
        return self.precision.interval if self.before.multi_label else self.comparison.interval

    @property
    def p_value(self) -> float | None:
        """Of McNemar's test; None of a multi-label model, whose measure is not of right answers."""
        return None if self.before.multi_label else self.comparison.p_value

    @cached_property
    def changed(self) -> list[tuple[ClipResult, ClipResult]]:
        """Clips that are right on one side and wrong on the other: lost ones first."""
        found = self.comparison
        numbers = [*found.second_better.tolist(), *found.first_better.tolist()]
        return [(self.before.clips[i], self.after.clips[i]) for i in numbers]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        before, after = self.values
        return {
            "measure": self.measure,
            "n_clips": self.n_clips,
            "before": before,
            "after": after,
            "difference": self.difference,
            "difference_interval": list(self.interval),
            "n_lost": len(self.comparison.second_better),
            "n_gained": len(self.comparison.first_better),
            "p_value": self.p_value,
            "changed": [
                {
                    "clip": one.file,
                    "start_s": one.start_s,
                    "end_s": one.end_s,
                    "label": one.label,
                    "before": one.predicted,
                    "after": other.predicted,
                }
                for one, other in self.changed
            ],
            "failed": [{"file": f.name, "error": f.reason} for f in self.failures],
        }


def measure_both(
    before: Model,
    after: Model,
    clips: Sequence[Clip],
    audio: ClipAudio,
    workers: int = 1,
    on_clip: Callable[[int, int], None] | None = None,
) -> BeforeAfter:
    """Classify the same clips by both, as `evaluate` does.

    Args:
        before: as it was given.
        after: made of it: of the same network, labels and audio settings.
        clips: labelled, one or more.
        audio: where their audio comes from.
        workers: clips that are read and classified at once, >= 1.
        on_clip: told how many clips are done, of how many, counting both models.

    Raises:
        DataError: a clip's class is none of the model's, or no clip can be read.
    """

    def told(n_before: int) -> Callable[[int, int, float], None]:
        return lambda done, n, _: on_clip(n_before + done, 2 * n) if on_clip else None

    first = evaluate_clips(Classifier(before), clips, told(0), workers, audio)
    second = evaluate_clips(Classifier(after), clips, told(len(clips)), workers, audio)
    return BeforeAfter(first.evaluated, second.evaluated, first.failures)

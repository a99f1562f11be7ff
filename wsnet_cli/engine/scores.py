"""From the scores of windows to those of a clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.calibrating.scores import scores_of
from ..core.checks import check
from ..core.errors import ParameterError
from ..core.quant import Array
from .engines import Engine

AGGREGATES = ("mean", "max")
"""How the scores of a clip's windows become the clip's: their mean; or for each label the largest
of any window, which answers "does it occur anywhere". Scores of a window that sum to 1 do so in the
mean too; their largest sum to 1 or more."""


@dataclass(frozen=True)
class Heard:
    """What came of a clip that was read.

    Args:
        scores: [n_labels] float32 in [0, 1]; means over windows sum to 1, unless the model is
            multi-label.
        duration_s: length of the clip in seconds, silence at its ends included.
        is_silent: whether there was nothing but digital silence.
    """

    scores: Array
    duration_s: float
    is_silent: bool = False


class Aggregate:
    """One row for a whole clip, of the rows of its windows as they come.

    Args:
        how: one of AGGREGATES.

    Raises:
        ParameterError: no such way.

    >>> highest = Aggregate("max")
    >>> highest.add(np.float32([[0.25, 0.75], [0.5, 0.5]]))
    >>> highest.result().tolist()
    [0.5, 0.75]
    """

    def __init__(self, how: str = "mean") -> None:
        check("aggregate", how, how in AGGREGATES, f"one of {', '.join(AGGREGATES)}")
        self._how = how
        self._total: npt.NDArray[np.floating] | None = None
        self._n_windows = 0

    def add(self, rows: Array) -> None:
        """Take the scores or features of further windows, [n, n_columns] float32, n >= 1."""
        self._n_windows += len(rows)
        if self._how == "mean":
            part = rows.sum(axis=0, dtype=np.float64)
            self._total = part if self._total is None else self._total + part
        else:
            part = rows.max(axis=0)
            self._total = part if self._total is None else np.maximum(self._total, part)

    def result(self) -> Array:
        """[n_columns] float32. Raises: ParameterError: there were no windows."""
        if self._total is None:
            raise ParameterError("no windows; expected one or more")
        total = self._total / self._n_windows if self._how == "mean" else self._total
        row: Array = total.astype(np.float32)
        return row


def aggregate_scores(blocks: Iterable[Array], how: str = "mean") -> Array:
    """`Aggregate` of the scores of a clip's windows.

    Args:
        blocks: in order, each [n, n_labels] float32; one or more.
        how: one of AGGREGATES.

    Returns: [n_labels] float32.

    Raises:
        ParameterError: no such way, said before `blocks` is asked for anything; or no block.
    """
    aggregate = Aggregate(how)
    for scores in blocks:
        aggregate.add(scores)
    return aggregate.result()


def score_clips(
    engine: Engine,
    clips: Iterable[Iterable[Array]],
    n_labels: int,
    n_at_once: int,
    *,
    multi_label: bool = False,
    temperature: float = 1.0,
) -> Array:
    """The mean scores of many clips, whose windows are run together.

    Args:
        engine: what runs them.
        clips: the windows of each, in blocks [n, window_samples] float32; one or more.
        n_labels: of the engine's network.
        n_at_once: windows, at least, that are gathered before they are run.
        multi_label: as `core.calibrating.scores.scores_of` takes it.
        temperature: likewise.

    Returns: [n_clips, n_labels] float32.
    """
    totals: list[Array] = []
    counts: list[int] = []
    waiting: list[Array] = []  # windows, one row each, of the clips `owners`
    owners: list[int] = []

    def run() -> None:
        logits = engine.logits(np.concatenate(waiting))
        scores = scores_of(logits, multi_label=multi_label, temperature=temperature)
        for owner, score in zip(owners, scores, strict=True):
            totals[owner] += score
        waiting.clear()
        owners.clear()

    for number, blocks in enumerate(clips):
        totals.append(np.zeros(n_labels, np.float64))
        counts.append(0)
        for windows in blocks:
            counts[number] += len(windows)
            waiting.append(windows)
            owners += [number] * len(windows)
            if len(owners) >= n_at_once:
                run()
    if owners:
        run()
    means = [total / n for total, n in zip(totals, counts, strict=True)]
    return np.array(means, np.float32).reshape(-1, n_labels)

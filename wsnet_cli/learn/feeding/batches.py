"""Batches of augmented windows; each window follows from (seed, epoch, its place) alone.

No generator lives across steps, so a run resumes at any step without saving random states, and
processes that share a batch make the very rows that one process would make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from ...core.configuration.config import AugmentConfig
from ...core.quant import Array
from ...core.sound.audio import AudioSettings
from .backgrounds import Backgrounds
from .balance import ClassTable, balanced_order, class_weights, count_classes, describe_balance
from .partners import Partners
from .rows import RowMaker, Sources
from .sounds import Audio, Sounds
from .streams import ORDER, Streams


@dataclass(frozen=True)
class Batch:
    """Windows [n, samples] float32 and targets [n, n_classes] float32.

    Targets sum to 1, but of a multi-label set, where each is by itself in [0, 1].

    `clips` [n] are the clips that they begin with, as the data set numbers them, for messages.
    """

    windows: Array
    targets: Array
    clips: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Feed:
    """The training clips and how they become batches. May be used by several threads.

    Args:
        packed: decoded audio.
        clips: indices of the training clips that can be read.
        classes: the class of each of `clips`, 0-based; with `members`, its row of these.
        n_classes: of the data set.
        audio: window and normalisation.
        augment: how clips are varied.
        batch_size: windows per batch; the last batch of an epoch may have fewer, at least 2
            where two clips are drawn.
        repeats: crops of each clip per epoch.
        n_mixed_epochs: epochs in which windows are mixed, from the first on.
        seed: of all randomness.
        balance: "sampling" draws every class equally often, else clips come as often as they are.
        variants: stretched or shifted versions of the same clips.
        backgrounds: recordings that are mixed in.
        members: which classes each label of a multi-label set names, [n_labels, n_classes]; else
            None.
    """

    packed: Audio
    clips: Sequence[int]
    classes: Sequence[int]
    n_classes: int
    audio: AudioSettings
    augment: AugmentConfig
    batch_size: int
    repeats: int
    n_mixed_epochs: int
    seed: int
    balance: str = "none"
    variants: Sequence[Audio] = ()
    backgrounds: Backgrounds | None = None
    members: npt.NDArray[np.bool_] | None = None

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        whole, rest = divmod(self._n_draws, self.batch_size)
        return whole + (rest >= 2 or whole == 0)

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """Training clips of each class, [n_classes]."""
        if self.members is None:
            return count_classes(self.classes, self.n_classes)
        counts: npt.NDArray[np.int64] = self.members[np.asarray(self.classes)].sum(axis=0)
        return counts

    @property
    def class_weights(self) -> Array | None:
        """What the loss of each class is weighed by, [n_classes]; None where all weigh the same."""
        return class_weights(self.class_counts) if self.balance == "weights" else None

    @property
    def balance_line(self) -> str:
        """How unlike the classes are in size and what is done about it, for people."""
        drawn = self.members is not None and self.balance == "sampling"
        counts = self._class_table.counts if drawn else self.class_counts
        return describe_balance(self.balance, counts, self._n_draws)

    def n_rows(self, step: int) -> int:
        """Windows of batch `step` of an epoch."""
        return min(self.batch_size, self._n_draws - step * self.batch_size)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Positions in `clips`, shuffled for one epoch."""
        return self._orders(epoch)

    def batch(self, epoch: int, step: int, rank: int = 0, n_ranks: int = 1) -> Batch:
        """Batch `step` of `epoch`, both 0-based, or the part of it that one process computes.

        Args:
            epoch: which order.
            step: 0..n_batches - 1.
            rank: of the process, 0..n_ranks - 1.
            n_ranks: processes that share the batch.

        Returns: its rows rank, rank + n_ranks, ...; bit for bit those of the whole batch.
        """
        start = step * self.batch_size
        places = range(start + rank, start + self.n_rows(step), n_ranks)
        positions = self.order(epoch)[places.start : places.stop : n_ranks]
        mixing = epoch < self.n_mixed_epochs
        streams = Streams(self.seed)
        maker = RowMaker(self._sources, self.audio, self.augment, mixing=mixing)
        windows = np.empty((len(places), self.audio.window_samples), np.float32)
        targets = np.zeros((len(places), self.n_classes), np.float32)
        for row, (place, position) in enumerate(zip(places, positions.tolist(), strict=True)):
            mix = maker.make(position, streams.at(epoch, place), windows[row])
            share = 1.0 if mix is None else mix.share
            self._add_target(targets[row], position, share)
            if mix is not None:
                self._add_target(targets[row], mix.partner, 1 - share)
        clips = np.array([self.clips[i] for i in positions.tolist()], np.int64)
        return Batch(windows, targets, clips)

    def _add_target(self, target: Array, position: int, share: float) -> None:
        if self.members is None:
            target[self.classes[position]] += share
        else:
            target += np.float32(share) * self.members[self.classes[position]]
            np.minimum(target, 1, out=target)

    def _shuffler(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, ORDER, *numbers))

    @property
    def _n_draws(self) -> int:
        return len(self.clips) * self.repeats

    @cached_property
    def _class_table(self) -> ClassTable:
        """The clips class by class: of a multi-label set in each of theirs, or in one for none."""
        if self.members is None:
            return ClassTable(self.classes)
        rows = self.members[np.asarray(self.classes)]
        places, classes = np.nonzero(np.column_stack([rows, ~rows.any(axis=1)]))
        return ClassTable(classes, places)

    @cached_property
    def _sources(self) -> Sources:
        trim = self.audio.trim_below
        versions = [Sounds(audio, trim) for audio in (self.packed, *self.variants)]
        partners = Partners(self.classes, balanced=self.balance == "sampling")
        return Sources(self.clips, versions, partners, self.backgrounds)

    @cached_property
    def _orders(self) -> Callable[[int], npt.NDArray[np.int64]]:
        # Two: batches are made ahead, beyond the end of an epoch.
        return lru_cache(maxsize=2)(self._make_order)

    def _make_order(self, epoch: int) -> npt.NDArray[np.int64]:
        if self.balance == "sampling":
            return balanced_order(self._class_table, self._n_draws, epoch, self._shuffler)
        rng = self._shuffler(epoch)
        positions = np.tile(np.arange(len(self.clips)), self.repeats)
        return rng.permutation(positions)

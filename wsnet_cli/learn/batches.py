"""Batches of augmented windows, reproducible from (seed, epoch, step) alone.

No generator lives across steps, so a run resumes at any step without saving random states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..core.audio import AudioSettings
from ..core.config import AugmentConfig
from ..core.quant import Array
from ..core.windows import sound_bounds
from ..data.packing.packed import PackedSet
from .augment import CropSource, finish_windows, mix_between_classes, random_crop, root_mean_square

_ORDER, _BATCH = 0, 1
"""Keep the random streams of the order of clips and of the batches apart."""


@dataclass(frozen=True)
class Batch:
    """Windows [n, samples] float32 and targets [n, n_classes] float32 that sum to 1."""

    windows: Array
    targets: Array


@dataclass(frozen=True)
class Feed:
    """The training clips and how they become batches.

    Args:
        packed: decoded audio.
        clips: indices of the training clips that can be read.
        classes: the class of each of `clips`, 0-based.
        n_classes: of the data set.
        audio: window and normalisation.
        augment: how clips are varied.
        batch_size: windows per batch; the last batch of an epoch may have fewer, at least 2.
        repeats: crops of each clip per epoch.
        n_mixed_epochs: epochs in which windows are mixed, from the first on.
        seed: of all randomness.
    """

    packed: PackedSet
    clips: Sequence[int]
    classes: Sequence[int]
    n_classes: int
    audio: AudioSettings
    augment: AugmentConfig
    batch_size: int
    repeats: int
    n_mixed_epochs: int
    seed: int
    _clips: dict[int, CropSource] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        whole, rest = divmod(len(self.clips) * self.repeats, self.batch_size)
        return whole + (rest >= 2 or whole == 0)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Positions in `clips`, shuffled for one epoch."""
        rng = np.random.default_rng((self.seed, _ORDER, epoch))
        positions = np.tile(np.arange(len(self.clips)), self.repeats)
        return rng.permutation(positions)

    def batch(self, epoch: int, step: int) -> Batch:
        """Batch `step` of `epoch`, both 0-based; always the same for the same seed."""
        rng = np.random.default_rng((self.seed, _BATCH, epoch, step))
        start = step * self.batch_size
        positions = self.order(epoch)[start : start + self.batch_size]
        windows = self._crops(positions, rng)
        targets = self._one_hot(positions)
        if self.augment.mixing == "between-class" and epoch < self.n_mixed_epochs:
            partners = np.array([self._partner(int(p), rng) for p in positions])
            ratio = rng.uniform(0, 1, len(positions)).astype(np.float32)
            ratio[rng.uniform(0, 1, len(positions)) >= self.augment.mixing_share] = 1.0
            windows = mix_between_classes(windows, self._crops(partners, rng), ratio)
            share = ratio[:, np.newaxis]
            targets = share * targets + (1 - share) * self._one_hot(partners)
        windows = finish_windows(windows, self.audio.normalise, self.augment, rng)
        return Batch(windows, targets)

    def _crops(self, positions: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
        rows = []
        for position in positions:
            clip = self._clip(self.clips[position])
            rows.append(random_crop(clip, self.audio.window_samples, self.augment, rng))
        return np.stack(rows)

    def _clip(self, i: int) -> CropSource:
        """What crops need of clip `i`, measured once: only then is all of it decoded."""
        if i not in self._clips:
            samples = self.packed.samples(i)
            first, end = sound_bounds(samples, self.audio.trim_below)
            self._clips[i] = CropSource(
                n_samples=end - first,
                rms=root_mean_square(samples[first:end]),
                read=lambda start, stop: self.packed.samples(i, first + start, first + stop),
            )
        return self._clips[i]

    def _partner(self, position: int, rng: np.random.Generator) -> int:
        """A clip of another class, each such clip alike."""
        classes = np.asarray(self.classes)
        others = np.flatnonzero(classes != classes[position])
        return int(rng.choice(others))

    def _one_hot(self, positions: npt.NDArray[np.int64]) -> Array:
        classes = np.asarray(self.classes)[positions]
        one_hot: Array = np.eye(self.n_classes, dtype=np.float32)[classes]
        return one_hot

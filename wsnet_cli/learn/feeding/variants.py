"""Clips stretched in time or shifted in pitch: made once by librosa, and kept in the cache.

Time stretching and pitch shifting as augmentation: J. Salamon, J. P. Bello, Deep Convolutional
Neural Networks and Data Augmentation for Environmental Sound Classification, 2017
(arXiv:1608.04363). Both are a phase vocoder's, which is slower than a training step; so each clip
has a few versions, which do not depend on the seed: runs share them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.configuration.config import AugmentConfig
from ...core.parallel import Check, count_workers
from ...core.quant import Array
from ...data.dataset import DataSet, Failure
from ...data.health.meter import HEALTH
from ...data.packing.cache import default_cache_root
from ...data.packing.fill_job import CHUNK_BYTES, FillJob, Progress
from ...data.packing.one_clip import PackedClip, Spool
from ...data.packing.packed import PackedSet
from ...data.packing.set_folder import fill_store
from ...data.packing.store import LARGEST_CODE
from ...data.packing.store_index import KEY_BYTES, Keys, short_hash

VARYING = "stretching and shifting"
VARIANT_VERSION = 1
"""To be raised where the same clip, parameters and librosa come to give other samples."""

FRAME_S = 2048 / 22_050
"""Of the phase vocoder: librosa's default; rounded to a power of two in samples."""
PIECE_SAMPLES = 1 << 21
"""Longer clips are varied in pieces: the spectrum of a piece takes 16 times its memory."""
FADE_SAMPLES = 1 << 10
"""Over which one piece goes over into the next."""


@dataclass(frozen=True)
class Change:
    """What is done to a clip: its new length over the old one, and semitones upwards."""

    stretch: float
    semitones: float


@dataclass(frozen=True)
class Variants:
    """Stretched or shifted versions of clips.

    Attributes:
        sets: one for each number of a version, with the clips as the data set numbers them.
        fingerprint: changes with whatever they depend on but the clips.
        lines: about them, for people.
    """

    sets: tuple[PackedSet, ...]
    fingerprint: str
    lines: tuple[str, ...]


def wants_variants(config: AugmentConfig) -> bool:
    """Whether a configuration asks for stretched or shifted versions."""
    return config.stretch > 1 or config.pitch_semitones > 0


def draw_change(content_key: str, number: int, config: AugmentConfig) -> Change:
    """The change that makes version `number` of a clip; the same in every run.

    The stretch is log-uniform in [1/stretch, stretch], the shift uniform in
    [-pitch_semitones, pitch_semitones].
    """
    digest = hashlib.sha256(f"{content_key} {number}".encode()).digest()
    u, v = (int.from_bytes(part, "little") / 2**63 - 1 for part in (digest[:8], digest[8:16]))
    return Change(config.stretch**u, config.pitch_semitones * v)


def make_variants(
    dataset: DataSet,
    packed: PackedSet,
    clips: Sequence[int],
    config: AugmentConfig,
    progress: Progress | None = None,
    in_use: Collection[Path] = (),
) -> Variants:
    """Make the versions of clips that a configuration asks for, or find them in the cache.

    Args:
        dataset: the clips.
        packed: their audio.
        clips: indices of those that versions are made of; all can be read.
        config: `stretch`, `pitch_semitones` and `variants` are used.
        progress: told the stage, versions done, versions in all.
        in_use: folders of packed sets that stay in the cache, beside that of `packed`.
    """
    job = _VaryJob(dataset, packed, clips, config, progress)
    keep = [*in_use, *([packed.store.folder] if packed.store.folder else [])]
    store, note = fill_store(job, default_cache_root(), keep)
    rows = np.full((config.variants, len(packed)), -1, np.int32)
    rows[:, np.asarray(clips, np.int64)] = store.rows(job.keys).reshape(-1, config.variants).T
    rate, keys = packed.sample_rate, packed.content_keys
    sets = tuple(PackedSet(rate, {}, keys, note, row, store) for row in rows)
    line = f"versions: {config.variants} of each clip beside itself, stretched by "
    line += f"{1 / config.stretch:.3g} to {config.stretch:.3g}, shifted by up to "
    line += f"{config.pitch_semitones:g} semitones"
    return Variants(sets, _how(config, rate), (line, note) if note else (line,))


def vary(samples: Array, change: Change, sample_rate: int, check: Check = lambda: None) -> Array:
    """Stretch a clip in time and shift its pitch.

    Args:
        samples: [n] float32, n >= 1.
        change: how.
        sample_rate: Hz.
        check: called between pieces.

    Returns: [round(n * change.stretch)] float32, at least one sample.
    """
    out = np.zeros(max(1, round(len(samples) * change.stretch)), np.float32)
    for start, end in _pieces(len(samples)):
        check()
        piece = _vary_piece(samples[start:end], change, sample_rate)
        place = round(start * change.stretch)
        piece = piece[: len(out) - place]
        n_fade = min(len(piece), round(FADE_SAMPLES * change.stretch)) if start else 0
        rising = np.linspace(0, 1, n_fade, dtype=np.float32)
        out[place : place + n_fade] *= 1 - rising
        out[place : place + n_fade] += rising * piece[:n_fade]
        out[place + n_fade : place + len(piece)] = piece[n_fade:]
    return out


def _pieces(n_samples: int) -> Iterator[tuple[int, int]]:
    """Pieces that overlap by the samples over which one goes over into the next."""
    for start in range(0, n_samples, PIECE_SAMPLES):
        yield max(0, start - FADE_SAMPLES), min(start + PIECE_SAMPLES, n_samples)


def _vary_piece(samples: Array, change: Change, sample_rate: int) -> Array:
    from librosa import effects

    n_wanted = max(1, round(len(samples) * change.stretch))
    n_fft = 2 ** round(math.log2(FRAME_S * sample_rate))
    varied = _at_least(samples, n_fft)  # what is shorter than a frame has no spectrum
    if change.stretch != 1:
        varied = effects.time_stretch(varied, rate=1 / change.stretch, n_fft=n_fft)
    if change.semitones != 0:
        varied = _at_least(varied, n_fft)
        varied = effects.pitch_shift(varied, sr=sample_rate, n_steps=change.semitones, n_fft=n_fft)
    return _at_least(varied, n_wanted)[:n_wanted]


def _at_least(samples: Array, n: int) -> Array:
    """With zeros behind where there are fewer than n."""
    return np.pad(samples, (0, max(0, n - len(samples))))


class _VaryJob(FillJob):
    """The versions of clips, those of one clip together."""

    def __init__(
        self,
        dataset: DataSet,
        packed: PackedSet,
        clips: Sequence[int],
        config: AugmentConfig,
        progress: Progress | None,
    ) -> None:
        self._packed, self._clips, self._config = packed, clips, config
        n = len(clips) * config.variants
        super().__init__(
            dataset.root,
            _Names(dataset, clips, config.variants),
            self._make_keys(),
            np.full(n, CHUNK_BYTES, np.int64),
            {},
            sample_rate=packed.sample_rate,
            workers=count_workers(None, n),
            progress=progress,
            stage=VARYING,
        )

    def make(self, index: int, spool_folder: Path | None, check: Check) -> PackedClip | Failure:
        """Make one version."""
        clip, number = self._place(index)
        change = draw_change(self._packed.content_keys[clip], number, self._config)
        spool = Spool(None)
        spool.append(vary(self._packed.samples(clip), change, self.sample_rate, check))
        codes = list(spool.codes())
        not_measured: np.void = np.zeros(1, HEALTH)[0]
        scale = spool.peak / LARGEST_CODE
        return PackedClip(spool.n_samples, scale, not_measured, lambda: iter(codes))

    def _place(self, index: int) -> tuple[int, int]:
        place, number = divmod(index, self._config.variants)
        return self._clips[place], number

    def _make_keys(self) -> Keys:
        how = _how(self._config, self._packed.sample_rate)
        n = len(self._clips) * self._config.variants
        keys: NDArray[np.uint8] = np.zeros((n, KEY_BYTES), np.uint8)
        for index in range(n):
            clip, number = self._place(index)
            text = f"{how} {self._packed.content_keys[clip]} {number}"
            keys[index] = np.frombuffer(short_hash(text.encode()), np.uint8)
        return keys


def _how(config: AugmentConfig, sample_rate: int) -> str:
    """All that a version depends on besides its clip and its number."""
    made_by = f"varied {VARIANT_VERSION} librosa {version('librosa')}"
    return f"{made_by} {sample_rate} {config.stretch!r} {config.pitch_semitones!r}"


@dataclass(frozen=True)
class _Names(Sequence[str]):
    """The name of each version's clip."""

    dataset: DataSet
    clips: Sequence[int]
    n_variants: int

    def __len__(self) -> int:
        return len(self.clips) * self.n_variants

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices are not needed
        """The name of one."""
        return self.dataset.clips.names[self.clips[index // self.n_variants]]

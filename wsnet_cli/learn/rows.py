"""One augmented window after another, each from randomness of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.audio import AudioSettings
from ..core.config import AugmentConfig
from ..core.quant import Array
from .augment import Cropper, add_noise, finish_window, mix_between_classes, mix_up
from .backgrounds import Backgrounds
from .partners import Partners
from .sounds import Sounds


@dataclass(frozen=True)
class Sources:
    """What windows are made of.

    Attributes:
        clips: the training clips, as `versions` number them.
        versions: the clips as they are, and their stretched or shifted versions.
        partners: whom a clip is mixed with.
        backgrounds: what is mixed in, or None.
    """

    clips: Sequence[int]
    versions: Sequence[Sounds]
    partners: Partners
    backgrounds: Backgrounds | None


@dataclass(frozen=True)
class Mix:
    """What a window was mixed with: the position of the second clip, and the first one's share."""

    partner: int
    share: float


class RowMaker:
    """Makes windows in memory that is used again for each; not for several threads at once.

    Args:
        sources: what they are made of.
        audio: window and normalisation.
        config: how clips are varied.
        mixing: whether clips are mixed.
    """

    def __init__(
        self, sources: Sources, audio: AudioSettings, config: AugmentConfig, *, mixing: bool
    ) -> None:
        self._sources = sources
        self._audio = audio
        self._config = config
        self._mixing = mixing and config.mixing != "none"
        self._cropper = Cropper(audio.window_samples, config)
        self._spare = np.empty(audio.window_samples, np.float32)

    def make(self, position: int, rng: np.random.Generator, out: Array) -> Mix | None:
        """Make a window that begins with a training clip.

        Args:
            position: of the clip among the training clips.
            rng: of this window alone.
            out: [window_samples] float32, is overwritten.

        Returns: what it was mixed with, None if with nothing.
        """
        self._crop(position, rng, out)
        mix = None
        if self._mixing and rng.random() < self._config.mixing_share:
            mix = self._mix(position, rng, out)
        self._add_sounds(rng, out)
        finish_window(out, self._audio.normalise, self._config, rng)
        return mix

    def _crop(self, position: int, rng: np.random.Generator, out: Array) -> None:
        versions = self._sources.versions
        version = int(rng.integers(len(versions))) if len(versions) > 1 else 0
        source = versions[version].source(self._sources.clips[position])
        self._cropper.crop(source, rng, out)

    def _mix(self, position: int, rng: np.random.Generator, out: Array) -> Mix | None:
        partners = self._sources.partners
        if self._config.mixing == "mixup":
            partner: int | None = partners.any(rng)
            share = rng.beta(self._config.mixup_alpha, self._config.mixup_alpha)
        else:
            partner = partners.of_another_class(position, rng)
            share = rng.random()
        if partner is None:
            return None
        self._crop(partner, rng, self._spare)
        combine = mix_up if self._config.mixing == "mixup" else mix_between_classes
        combine(out, self._spare, share)
        return Mix(partner, share)

    def _add_sounds(self, rng: np.random.Generator, out: Array) -> None:
        config, backgrounds = self._config, self._sources.backgrounds
        if backgrounds is not None and rng.random() < config.background_share:
            backgrounds.cut(rng, self._spare)
            add_noise(out, self._spare, rng.uniform(*config.background_snr_db))
        if config.noise_snr_db is not None and rng.random() < config.noise_share:
            rng.standard_normal(out=self._spare, dtype=np.float32)
            add_noise(out, self._spare, rng.uniform(*config.noise_snr_db))

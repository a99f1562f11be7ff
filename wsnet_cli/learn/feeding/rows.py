"""One augmented window after another, each from randomness of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.configuration.config import AugmentConfig
from ...core.quant import Array
from ...core.sound.audio import AudioSettings
from .augment import Augmenter
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
        self._augmenter = Augmenter(audio.window_samples, config)
        self._spare = np.empty(audio.window_samples, np.float32)

    def make(self, position: int, rng: np.random.Generator, out: Array) -> Mix | None:
        """Make a window that begins with a training clip.

        Args:
            position: of the clip among the training clips.
            rng: of this window alone.
            out: [window_samples] float32, is overwritten.

        Returns: what it was mixed with, None if with nothing.
        """
        level = self._crop(position, rng, out)
        mix = None
        if self._mixing and rng.random() < self._config.mixing_share:
            mix = self._draw_mix(position, rng)
        if mix is not None:
            level = self._mix(mix, level, rng, out)
        level = self._add_sounds(level, rng, out)
        self._augmenter.finish(out, level, self._audio.normalise, rng)
        return mix

    def _crop(self, position: int, rng: np.random.Generator, out: Array) -> float:
        versions = self._sources.versions
        version = int(rng.integers(len(versions))) if len(versions) > 1 else 0
        source = versions[version].source(self._sources.clips[position])
        return self._augmenter.crop(source, rng, out)

    def _draw_mix(self, position: int, rng: np.random.Generator) -> Mix | None:
        partners = self._sources.partners
        if self._config.mixing == "mixup":
            alpha = self._config.mixup_alpha
            return Mix(partners.any(rng), rng.beta(alpha, alpha))
        partner = partners.of_another_class(position, rng)
        return None if partner is None else Mix(partner, rng.random())

    def _mix(self, mix: Mix, level: float, rng: np.random.Generator, out: Array) -> float:
        spare = self._spare
        level2 = self._crop(mix.partner, rng, spare)
        if self._config.mixing == "mixup":
            return self._augmenter.mix_up(out, spare, mix.share)
        return self._augmenter.mix_between_classes(out, level, spare, level2, mix.share)

    def _add_sounds(self, level: float, rng: np.random.Generator, out: Array) -> float:
        config, backgrounds = self._config, self._sources.backgrounds
        if backgrounds is not None and rng.random() < config.background_share:
            backgrounds.cut(rng, self._spare)
            snr_db = rng.uniform(*config.background_snr_db)
            level = self._augmenter.add_noise(out, level, self._spare, snr_db)
        if config.noise_snr_db is not None and rng.random() < config.noise_share:
            # Of evenly distributed values: as white as Gaussian noise, in a sixth of the time.
            self._spare[:] = rng.integers(-(2**15), 2**15, len(out), dtype=np.int16)
            snr_db = rng.uniform(*config.noise_snr_db)
            level = self._augmenter.add_noise(out, level, self._spare, snr_db)
        return level

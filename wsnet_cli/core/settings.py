"""From the checked configuration to the audio settings that become part of a model."""

from __future__ import annotations

from .audio import AudioSettings
from .config import AudioConfig


def audio_settings(config: AudioConfig) -> AudioSettings:
    """The audio section as a model holds it; a hop of null is half a window."""
    return AudioSettings(
        sample_rate=config.sample_rate,
        window_s=config.window_s,
        hop_s=config.window_s / 2 if config.hop_s is None else config.hop_s,
        normalise=config.normalise,
        trim_below=config.trim_below,
    )

"""From the checked configuration to the audio settings that become part of a model."""

from __future__ import annotations

from ..errors import ConfigError, ParameterError
from ..sound.audio import AudioSettings
from .config import AudioConfig


def audio_settings(config: AudioConfig) -> AudioSettings:
    """The audio section as a model holds it; a hop of null is half a window.

    Raises:
        ConfigError: values that do not fit each other, such as a hop longer than the window.
    """
    try:
        return AudioSettings(
            sample_rate=config.sample_rate,
            window_s=config.window_s,
            hop_s=config.window_s / 2 if config.hop_s is None else config.hop_s,
            normalise=config.normalise,
            trim_below=config.trim_below,
        )
    except ParameterError as error:
        raise ConfigError(f"audio.{error}") from error

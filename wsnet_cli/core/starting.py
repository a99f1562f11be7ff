"""The configuration of a run that starts from a model, whose network and audio are the model's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .configuration.config import AudioConfig, Config, NetworkConfig
from .configuration.settings import audio_settings
from .errors import ConfigError
from .model import Model
from .networks.architectures import build_network

OWN_NETWORK_KEYS = frozenset({"dropout"})
"""What of the section `network` is about training, and not part of a model."""


def config_beside(config: Config, model: Model) -> Config:
    """A configuration that is true of a run that starts from `model`.

    Its `audio` is the model's; of its `network` only what a model does not hold is left; nothing
    of either is chosen from the data. Applied again it changes nothing.

    Args:
        config: whose `start` names the model.
        model: the one to start from.

    Raises:
        ConfigError: a key of `audio` or `network` is set to something else than the model's.
    """
    _check_audio(config, model)
    _check_network(config, model)
    return config.model_copy(
        update={
            "from_data": tuple(choice for choice in config.from_data if choice == "epochs"),
            "audio": AudioConfig(**asdict(model.audio)),
            "network": NetworkConfig(dropout=config.network.dropout),
        }
    )


def _check_audio(config: Config, model: Model) -> None:
    said, theirs = config.audio.model_fields_set, asdict(model.audio)
    left = {key: theirs[key] for key in ("sample_rate", "window_s") if key not in said}
    wanted = asdict(audio_settings(config.audio.model_copy(update=left)))  # null is half a window
    for key in sorted(said):
        if wanted[key] != theirs[key]:
            raise ConfigError(
                f"audio.{key} = {_in_yaml(getattr(config.audio, key))}: {config.start}, from which "
                f"training starts, has {_in_yaml(theirs[key])}; leave it out, or start from nothing"
            )


def _check_network(config: Config, model: Model) -> None:
    keys = sorted(config.network.model_fields_set - OWN_NETWORK_KEYS)
    if not keys:
        return
    try:
        wanted = build_network(config.network, model.network.n_classes, model.audio.window_samples)
    except ConfigError:  # impossible for the model's audio: certainly not its network
        wanted = None
    if wanted != model.network:
        names = ", ".join(f"network.{key}" for key in keys)
        raise ConfigError(
            f"{names}: make another network than that of {config.start}, from which training "
            f"starts; leave {'it' if len(keys) == 1 else 'them'} out, or start from nothing"
        )


def _in_yaml(value: Any) -> str:
    """A checked value as it is written in a configuration."""
    return "null" if value is None else str(value)

"""What is measured: networks with weights, and the windows that they run on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.configuration.config_file import find_config, load_config
from ..core.configuration.presets import preset_names
from ..core.configuration.settings import audio_settings
from ..core.errors import AudioError, ParameterError, ShortWindowError, UsageError
from ..core.files import exists
from ..core.locate import find_model, shipped_names
from ..core.model import LayerWeights, Model, phi_shape
from ..core.model_file.artifact import load_model
from ..core.networks.architectures import build_network
from ..core.networks.filters import random_offsets
from ..core.networks.network import Conv, Linear, MapConv, Network
from ..core.quant import Array
from ..core.sound.audio import AudioSettings, read_audio
from ..core.sound.windows import clip_windows
from ..engine.windows import check_windows

DEFAULT_SUBJECTS = {
    "dense": "esc10-dense",
    "narrow": "esc10-narrow",
    "esc10-wsnet": "esc10-wsnet",
    "sampled": "esc10-wsnet-fast",
}
"""Where nothing is named: SoundNet-8 dense, with a quarter of the channels, and sampled."""
DEFAULT_SECONDS, DEFAULT_RATE = 5.0, 22_050
"""Length and sample rate of the clip for these: that of the data set, and SoundNet-8's own."""
PRESET_CLASSES = 10
MOST_SAMPLES = 2**28
"""In the windows of one call: 1 GiB, and twice that while noise is made."""


@dataclass(frozen=True)
class Subject:
    """One network and what it runs on.

    Args:
        name: as it was named.
        model: weights, and audio settings with the length of the windows.
        windows: [n_windows, n_samples] float32, normalised.
    """

    name: str
    model: Model
    windows: Array


@dataclass(frozen=True)
class Sound:
    """What the windows hold.

    Args:
        seconds: of a window; None for the model's own, or DEFAULT_SECONDS.
        clip: an audio file that is cut into windows; None for white noise.
        n_windows: in one call.
        seed: of the noise, and of the weights of presets.
    """

    seconds: float | None = None
    clip: str | None = None
    n_windows: int = 1
    seed: int = 0


def make_subjects(names: Sequence[str], sound: Sound) -> list[Subject]:
    """The subjects of these names, or DEFAULT_SUBJECTS for none.

    Args:
        names: model files, run folders, shipped models, presets, configuration files.
        sound: what they run on.

    Raises:
        UsageError: nothing has that name, the clip cannot be read, the network cannot run on
            windows of that length, or a batch of them is too large.
        WsnetError: as reading the model or the configuration says.
    """
    if not names:
        audio = _window(DEFAULT_RATE, sound.seconds or DEFAULT_SECONDS)
        return [
            _subject(name, _long_enough(preset, audio, sound), sound)
            for name, preset in DEFAULT_SUBJECTS.items()
        ]
    return [_subject(name, _find_model(name, sound), sound) for name in dict.fromkeys(names)]


def random_model_of_preset(preset: str, audio: AudioSettings | None, seed: int) -> Model:
    """A preset's network for PRESET_CLASSES classes, with random weights.

    Args:
        preset: a name, or a configuration file.
        audio: settings to use in place of the preset's.
        seed: of the weights.

    Raises: UsageError, ConfigError: as `load_config` and `build_network`.
    """
    config = load_config(preset)
    audio = audio or audio_settings(config.audio)
    network = build_network(config.network, PRESET_CLASSES, audio.window_samples)
    return random_model(network, audio, seed)


def random_model(network: Network, audio: AudioSettings, seed: int = 0) -> Model:
    """Random weights that keep the loudness of maps about level; multipliers of both signs.

    Speed does not depend on the values, as long as none is denormal and not all are zero.
    """
    rng = np.random.default_rng(seed)
    weights = tuple(_random_weights(layer, rng) for layer in network.weighted)
    labels = tuple(f"class-{i}" for i in range(network.n_classes))
    return Model(network, weights, labels, audio)


def _random_weights(layer: Conv | MapConv | Linear, rng: np.random.Generator) -> LayerWeights:
    def normal(shape: tuple[int, ...], variance: float) -> Array:
        values: Array = (rng.standard_normal(shape) * variance**0.5).astype(np.float32)
        return values

    n_out = layer.shape.n_out
    if isinstance(layer, Linear):
        phi = normal(phi_shape(layer), 1 / layer.shape.n_in)
        multiplier = np.ones(n_out, np.float32) if layer.scaled else None
        return LayerWeights(phi, None, multiplier, normal((n_out,), 0.1))
    phi = normal(phi_shape(layer), 2 * n_out / layer.shape.n_dense_weights)
    shape = layer.shape.pointwise_shape
    pointwise = normal(shape, 1 / shape[1]) if shape else None
    multiplier = None
    if layer.scaled:
        multiplier = (rng.choice([1, -1], n_out) * rng.uniform(0.5, 1.5, n_out)).astype(np.float32)
    offsets = None
    if isinstance(layer, Conv) and layer.shape.n_offsets:
        offsets = random_offsets(layer.shape)
    return LayerWeights(phi, pointwise, multiplier, normal((n_out,), 0.1), offsets)


def _find_model(name: str, sound: Sound) -> Model:
    if name in preset_names() or Path(name).suffix in (".yaml", ".yml"):
        own = audio_settings(load_config(name).audio)
        audio = _window(own.sample_rate, sound.seconds) if sound.seconds else own
        return _long_enough(name, audio, sound)
    if not (name in shipped_names() or exists(Path(name))):
        find_config(name, shipped_names())  # refuses, and offers what is near, and what ships
    model = load_model(find_model(name))
    if sound.seconds is None:
        return model
    return replace(model, audio=_window(model.audio.sample_rate, sound.seconds))


def _long_enough(preset: str, audio: AudioSettings, sound: Sound) -> Model:
    """The preset's network; what it needs is told in the seconds that were asked for."""
    try:
        return random_model_of_preset(preset, audio, sound.seed)
    except ShortWindowError as error:
        if sound.seconds is None:
            raise
        raise _too_short(sound.seconds, audio, error.least, preset) from error


def _too_short(seconds: float, audio: AudioSettings, least: int, name: str) -> UsageError:
    least_s = math.ceil(1e4 * least / audio.sample_rate) / 1e4
    return UsageError(
        f"--seconds {seconds:g}: {audio.window_samples} samples are too few for {name}; expected "
        f"at least {least_s:g} s ({least} samples)"
    )


def _window(sample_rate: int, seconds: float) -> AudioSettings:
    try:
        return AudioSettings(sample_rate, window_s=seconds, hop_s=seconds)
    except ParameterError as error:
        raise UsageError(f"--seconds {seconds:g}: {error}") from error


def _subject(name: str, model: Model, sound: Sound) -> Subject:
    audio = model.audio
    least = model.network.min_samples
    if sound.seconds is not None and audio.window_samples < least:
        raise _too_short(sound.seconds, audio, least, name)
    most = max(1, MOST_SAMPLES // audio.window_samples)
    if sound.n_windows > most:
        raise UsageError(
            f"--batch {sound.n_windows}: more than fits into memory; expected at most {most} "
            f"windows of {audio.window_samples} samples"
        )
    if sound.clip is None:
        rng = np.random.default_rng(sound.seed)
        n_samples = sound.n_windows * audio.window_samples
        samples = 0.1 * rng.standard_normal(n_samples).astype(np.float32)
        audio = replace(audio, hop_s=audio.window_s)
    else:
        try:
            samples, _ = read_audio(sound.clip, sample_rate=audio.sample_rate)
        except AudioError as error:
            raise UsageError(f"--clip {error}") from error
    found = clip_windows(samples, audio)
    windows = found[np.arange(sound.n_windows) % len(found)]
    try:
        check_windows(model.network, windows)
    except ParameterError as error:
        raise UsageError(f"{name}: {error}") from error
    return Subject(name, model, windows)

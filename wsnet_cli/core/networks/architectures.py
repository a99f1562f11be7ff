"""The networks that have a name, built to a configuration.

Sources: SoundNet-8: Y. Aytar, C. Vondrick, A. Torralba, SoundNet, NIPS 2016, and its released
network; Baseline-1 and pooling after every layer: the WSNet paper (arXiv:1711.10067), whose tables
could not be read again: lengths, filters and pools of Baseline-1 and the pools of the paper's
SoundNet-8 are recalled, and the paddings derived from its 1,536 inputs of the first linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..configuration.config import NetworkConfig
from ..errors import ConfigError, ParameterError, ShortWindowError
from .layer_sampling import asked_sampling
from .limits import check_network
from .mapnet import Shape, layer_names, mapnet_layers
from .network import Conv, Flatten, Layer, Linear, Mean, Network, Pool
from .sampling import ConvShape, LinearShape, Sampling

CONV8_LENGTH, CONV8_STRIDE = 8, 2
"""The released SoundNet-8's last layer, without padding."""
BASELINE1_HIDDEN = (256, 128)
"""Outputs of Baseline-1's two hidden linear layers."""


@dataclass(frozen=True)
class _Row:
    n_out: int
    length: int
    stride: int
    padding: int
    released_pool: Pool | None
    every_layer_pool: Pool


_P8, _P4 = Pool(8, 2), Pool(4, 2)
SOUNDNET8 = (
    _Row(16, 64, 2, 32, Pool(8, 8), _P8),
    _Row(32, 32, 2, 16, Pool(8, 8), _P8),
    _Row(64, 16, 2, 8, None, _P8),
    _Row(128, 8, 2, 4, None, _P8),
    _Row(256, 4, 2, 2, Pool(4, 4), _P4),
    _Row(512, 4, 2, 2, None, _P4),
    _Row(1024, 4, 2, 2, None, _P4),
)
BASELINE1 = tuple(
    _Row(n_out, length, 2, length // 2, pool, pool)
    for n_out, length, pool in zip(
        (32, 64, 128, 128, 256, 512, 512),
        (32, 32, 16, 8, 8, 8, 8),
        (_P8, _P8, _P8, _P8, _P4, _P4, _P4),
        strict=True,
    )
)
_TABLES = {"soundnet8": SOUNDNET8, "baseline1": BASELINE1}


def build_network(config: NetworkConfig, n_classes: int, n_samples: int) -> Network:
    """Build the network for windows of `n_samples` and `n_classes` labels.

    With `pooling: every-layer`, and of mapnet's maps always, the last pools are left out, one by
    one, until the window is long enough; every other window that is too short is refused.

    Raises:
        ConfigError: an impossible combination; the message names the key, its value and what is
            allowed, or the number of samples the network needs.
    """
    if config.architecture == "mapnet":
        return _build_mapnet(config, n_classes, n_samples)
    rows = _TABLES[config.architecture]
    n_convolutions = len(rows) + (config.head == "conv8")
    _check_layer_names(config, [f"conv{number}" for number in range(1, n_convolutions + 1)])
    layers = _convolutions(config, rows)
    if config.pooling == "every-layer":
        # conv8 needs time steps of its own; every other head is content with one.
        tail = (Mean(),) if config.head != "conv8" else _head(config, layers, n_classes, n_samples)
        layers = _drop_last_pools(layers, tail, n_samples)
    network = Network((*layers, *_head(config, layers, n_classes, n_samples)))
    _check_window(network, n_samples)
    return network


def _build_mapnet(config: NetworkConfig, n_classes: int, n_samples: int) -> Network:
    if config.head != "mean-linear":
        raise ConfigError(f"network.head = {config.head}; expected mean-linear, for mapnet")
    _check_layer_names(config, layer_names())
    layers = mapnet_layers(
        config,
        lambda shape, name: _sample(shape, name, config),
        lambda layers: n_samples >= Network((*layers, Mean())).min_samples,
    )
    n_in = Network((*layers, Mean())).n_classes
    network = Network((*layers, Mean(), _linear("linear", n_in, n_classes, config)))
    _check_window(network, n_samples)
    return network


def _check_window(network: Network, n_samples: int) -> None:
    if n_samples < network.min_samples:
        raise ShortWindowError(
            f"audio.window_s: a window of {n_samples} samples is too short for this network; "
            f"expected at least {network.min_samples} samples",
            network.min_samples,
        )
    try:
        check_network(network, n_samples)
    except ParameterError as error:
        raise ConfigError(f"network: {error}, which is what a model file may hold") from error


def _convolutions(config: NetworkConfig, rows: tuple[_Row, ...]) -> list[Conv]:
    layers = []
    n_in = 1
    for number, row in enumerate(rows, start=1):
        name = f"conv{number}"
        n_out = max(1, round(row.n_out * config.width))
        shape = ConvShape(n_in, n_out, row.length, row.stride, row.padding)
        pool = row.released_pool if config.pooling == "released" else row.every_layer_pool
        layers.append(Conv(name, _sample(shape, name, config), pool=pool))
        n_in = n_out
    return layers


def _sample(shape: Shape, name: str, config: NetworkConfig) -> Shape:
    """The sampled shape of layer `name`, or the dense one where the configuration says so."""
    asked = asked_sampling(config, name, shape)
    if asked is None:
        return shape
    try:
        return replace(shape, sampling=Sampling(**asked.model_dump()))
    except ParameterError as error:
        is_own = config.sampling is not None and name in config.sampling.layers
        key = f"network.sampling.layers.{name}" if is_own else "network.sampling"
        raise ConfigError(f"{key}.{error}, as {name} has") from error


def _check_layer_names(config: NetworkConfig, names: list[str]) -> None:
    for name in config.sampling.layers if config.sampling else ():
        if name not in names:
            raise ConfigError(
                f"network.sampling.layers.{name}: no such layer; expected one of "
                f"{', '.join(names)}; network.sampling=null first takes away the sampling of "
                "another architecture"
            )


def _drop_last_pools(layers: list[Conv], tail: tuple[Layer, ...], n_samples: int) -> list[Conv]:
    """The paper's pools make long inputs necessary (27,986 samples for SoundNet-8)."""
    for kept in range(len(layers), -1, -1):
        candidate = layers[:kept] + [replace(layer, pool=None) for layer in layers[kept:]]
        if n_samples >= Network((*candidate, *tail)).min_samples:
            return candidate
    return [replace(layer, pool=None) for layer in layers]


def _head(
    config: NetworkConfig, layers: list[Conv], n_classes: int, n_samples: int
) -> tuple[Layer, ...]:
    n_in = layers[-1].shape.n_out
    if config.head == "conv8":
        if config.head_sampling_stride is not None:
            raise ConfigError(
                f"network.head_sampling_stride = {config.head_sampling_stride}; expected null: "
                "conv8 is a convolution and follows network.sampling"
            )
        dense = ConvShape(n_in, n_classes, CONV8_LENGTH, CONV8_STRIDE)
        shape = _sample(dense, "conv8", config)
        scaled = _is_scaled(config, shape.sampling is not None)
        return (Conv("conv8", shape, scaled=scaled, relu=False), Mean())
    if config.head == "mean-linear":
        return (Mean(), _linear("linear", n_in, n_classes, config))
    return _fully_connected(config, layers, n_classes, n_samples)


def _fully_connected(
    config: NetworkConfig, layers: list[Conv], n_classes: int, n_samples: int
) -> tuple[Layer, ...]:
    body = Network((*layers, Mean()))
    _check_window(body, n_samples)
    n_in = layers[-1].shape.n_out * body.lengths(n_samples)[-1]
    hidden: list[Layer] = []
    for number, n_out in enumerate(BASELINE1_HIDDEN, start=1):
        hidden.append(_linear(f"linear{number}", n_in, n_out, config, relu=True))
        n_in = n_out
    return (Flatten(), *hidden, _linear("linear3", n_in, n_classes, config))


def _linear(
    name: str, n_in: int, n_out: int, config: NetworkConfig, *, relu: bool = False
) -> Linear:
    stride = config.head_sampling_stride
    try:
        shape = LinearShape(n_in, n_out, stride)
        return Linear(name, shape, relu, _is_scaled(config, stride is not None))
    except ParameterError as error:
        raise ConfigError(
            f"network.head_sampling_stride = {stride}; expected 1 to the {n_in} inputs of {name}"
        ) from error


def _is_scaled(config: NetworkConfig, is_sampled: bool) -> bool:
    """Filters that share weights cannot choose their own length; a multiplier gives it back."""
    return is_sampled if config.head_scales is None else config.head_scales

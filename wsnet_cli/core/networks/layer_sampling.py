"""The sampling of single layers, and how a configuration says another one."""

from __future__ import annotations

from dataclasses import asdict, replace

from ..configuration.config import NetworkConfig, SamplingConfig
from .maps import MapShape
from .network import Conv, MapConv
from .sampling import ConvShape

LayerSampling = SamplingConfig | None
"""None: the layer is dense."""
NEEDS_GROUPS = ("group_offset", "signs")
"""What a layer can have only while groups of its channels share weights."""


def sampling_of(layer: Conv | MapConv) -> LayerSampling:
    """A layer's sampling as a configuration says it."""
    return SamplingConfig(**asdict(layer.shape.sampling)) if layer.shape.sampling else None


def asked_sampling(network: NetworkConfig, name: str, shape: ConvShape | MapShape) -> LayerSampling:
    """What a configuration asks of a convolution, possible there or not.

    Args:
        network: sampled or not.
        name: of the layer.
        shape: of the layer, sampled or not.
    """
    every = network.sampling
    if every is None:
        return None
    own = every.layers.get(name)
    if own is not None:
        return own if isinstance(own, SamplingConfig) else None
    if network.architecture == "mapnet" and isinstance(shape, ConvShape):
        return None  # the front end is sampled where it is named
    chosen = SamplingConfig(**every.model_dump(exclude={"layers"}))
    return _with_factor(chosen, 1) if shape.n_in == 1 else chosen


def with_layer(network: NetworkConfig, name: str, own: LayerSampling) -> NetworkConfig:
    """A sampled network's configuration with another sampling of one layer."""
    assert network.sampling is not None
    layers = {**network.sampling.layers, name: "dense" if own is None else own}
    sampling = network.sampling.model_copy(update={"layers": layers})
    return network.model_copy(update={"sampling": sampling})


def fit_channels(own: LayerSampling, dense: Conv | MapConv) -> LayerSampling:
    """A sampling for other channels: its factor is the largest, up to its own, that divides them.

    Args:
        own: whose stride and factor are the most sharing there may be.
        dense: the layer, without sampling.

    Returns: None where nothing would be shared.
    """
    if own is None:
        return None
    own = _with_factor(own, divisor(dense.shape.n_in, own.channel_factor))
    # A longer stride than there are taps is left to be refused.
    overlaps = own.stride != dense.shape.filter_step and dense.shape.n_out > 1
    return own if own.channel_factor > 1 or overlaps or own.denser > 1 else None


def loosen(layer: Conv | MapConv) -> LayerSampling:
    """Half of a layer's sharing: over time or over channels, of which there is more.

    Halved is how many filters or channels share a weight: L / S, or C. Halving C takes the largest
    divisor of the channels up to half of it.
    """
    own = sampling_of(layer)
    if own is None:
        return None
    taps = replace(layer.shape, sampling=None).filter_step
    if own.channel_factor > 1 and own.channel_factor >= taps / own.stride:
        own = _with_factor(own, divisor(layer.shape.n_in, own.channel_factor // 2))
    else:
        own = own.model_copy(update={"stride": min(2 * own.stride, taps - taps % own.denser)})
    shares = own.channel_factor > 1 or own.stride < taps
    return own if shares or own.denser > 1 else None


def divisor(n: int, most: int) -> int:
    """The largest divisor of n that is at most `most`.

    >>> divisor(12, 8), divisor(7, 6)
    (6, 1)
    """
    return max(d for d in range(1, min(n, most) + 1) if n % d == 0)


def _with_factor(own: SamplingConfig, factor: int) -> SamplingConfig:
    """With another channel factor; what only several groups can have goes with the last of them."""
    changed = own.model_copy(update={"channel_factor": factor})
    if factor > 1:
        return changed
    return SamplingConfig(**changed.model_dump(exclude=set(NEEDS_GROUPS)))

"""The layers of mapnet: a learned front end whose channels become frequency, then 3x3 convolutions.

Source: M. Mohaimenuzzaman, C. Bergmeir, I. West, B. Meyer, Environmental Sound Classification on
the Edge, Pattern Recognition 2022, arXiv:2103.03483 (ACDNet). Front end, frames of 10 ms, channels
and pools are its own; of its head, a 1x1 convolution, mean and linear layer, the last two are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ..configuration.config import NetworkConfig
from .maps import MapShape
from .network import Conv, Layer, MapConv, Pool, ToMap
from .sampling import ConvShape

FRONT_END = ((8, 9, 2), (64, 5, 2))
"""Filters, taps and stride of the convolutions before the map, without padding."""
MAPS = (32, 64, 64, 128, 128, 256, 256, 512, 512)
"""Output maps of each 3x3 convolution."""
POOLED = (0, 2, 4, 6, 8)
"""Those of them that are followed by a pool of 2 bands by 2 steps."""
TAPS, PADDING, POOL = 3, 1, 2

Shape = TypeVar("Shape", ConvShape, MapShape)


class Sample(Protocol):
    """Gives a layer's shape its sampling, by the layer's name."""

    def __call__(self, shape: Shape, name: str) -> Shape:
        """The shape, sampled as the configuration says."""
        ...


def layer_names() -> list[str]:
    """The names of all convolutions, in order."""
    front_end = [f"conv{number}" for number in range(1, len(FRONT_END) + 1)]
    return front_end + [f"map{number}" for number in range(1, len(MAPS) + 1)]


def mapnet_layers(
    config: NetworkConfig, sample: Sample, fits: Callable[[tuple[Layer, ...]], bool]
) -> tuple[Layer, ...]:
    """All layers before the head, with as many of the pools of maps as fit.

    Args:
        config: of which width and frame are taken.
        sample: what the configuration says of a layer's sampling.
        fits: whether the window is long enough for these layers.
    """
    front_end: list[Layer] = []
    n_in = 1
    for number, (n_out, length, stride) in enumerate(FRONT_END, start=1):
        name = f"conv{number}"
        shape = ConvShape(n_in, n_out, length, stride)
        pool = Pool(config.frame, config.frame) if number == len(FRONT_END) else None
        front_end.append(Conv(name, sample(shape, name), pool=pool))
        n_in = n_out
    layers: tuple[Layer, ...] = ()
    for n_pools in range(len(POOLED), -1, -1):
        layers = (*front_end, ToMap(), *_maps(config.width, n_in, POOLED[:n_pools], sample))
        if fits(layers):
            break
    return layers


def _maps(
    width: float, n_bands: int, pooled: tuple[int, ...], sample: Sample
) -> tuple[MapConv, ...]:
    layers: list[MapConv] = []
    n_in = 1
    for i, n_maps in enumerate(MAPS):
        name = f"map{i + 1}"
        n_out = max(1, round(n_maps * width))
        shape = MapShape(n_in, n_out, n_bands, TAPS, TAPS, 1, PADDING, PADDING)
        pool, band_pool = (Pool(POOL, POOL), POOL) if i in pooled else (None, 1)
        layers.append(MapConv(name, sample(shape, name), pool=pool, band_pool=band_pool))
        n_in, n_bands = n_out, layers[-1].n_out_bands
    return tuple(layers)

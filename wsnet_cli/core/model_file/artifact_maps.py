"""The layers of maps in the JSON of a model file: written, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ParameterError
from ..networks.maps import MapShape
from ..networks.network import MapConv, Pool, ToMap
from ..networks.sampling import Sampling
from .header_values import get_integers, get_value


def describe_map_layer(layer: ToMap | MapConv) -> dict[str, Any]:
    """The JSON of a layer."""
    if isinstance(layer, ToMap):
        return {"type": "to-map"}
    shape = layer.shape
    size = [shape.n_in, shape.n_out, shape.n_bands, shape.height, shape.length]
    place = [shape.stride, shape.band_padding, shape.padding]
    item: dict[str, Any] = {"type": "map-conv", "shape": size + place}
    if shape.sampling:
        sampling = shape.sampling
        item["sampling"] = [sampling.stride, sampling.channel_factor]
        item |= {"group_offset": sampling.group_offset} if sampling.group_offset else {}
        item |= {"signs": True} if sampling.signs else {}
    if layer.pool:
        item["pool"] = [layer.pool.size, layer.pool.stride]
    item |= {} if layer.band_pool == 1 else {"band_pool": layer.band_pool}
    item |= {} if layer.scaled else {"scaled": False}
    return item | ({} if layer.relu else {"relu": False})


def parse_map_layer(kind: str, item: Mapping[str, Any]) -> ToMap | MapConv:
    """The layer of a JSON object of type `to-map` or `map-conv`, without its name.

    Raises:
        ParameterError: a field is missing, of the wrong type or out of range.
    """
    if kind == "to-map":
        return ToMap()
    n_in, n_out, n_bands, height, length, stride, band_padding, padding = get_integers(
        item, "shape", 8
    )
    for name, zeros, taps in (
        ("band_padding", band_padding, height),
        ("padding", padding, length),
    ):
        if zeros > taps:  # more would be zeros alone, without bound
            raise ParameterError(f"{name} = {zeros}; expected at most the {taps} taps")
    return MapConv(
        "",
        MapShape(
            n_in, n_out, n_bands, height, length, stride, band_padding, padding, _sampling(item)
        ),
        scaled=get_value(item, "scaled", bool, True),
        relu=get_value(item, "relu", bool, True),
        pool=Pool(*get_integers(item, "pool", 2)) if "pool" in item else None,
        band_pool=get_value(item, "band_pool", int, 1),
    )


def _sampling(item: Mapping[str, Any]) -> Sampling | None:
    if "sampling" not in item:
        for key in ("group_offset", "signs"):
            if key in item:  # who takes a dense layer for a sampled one would heed it
                raise ParameterError(f"{key}: expected a sampling beside it")
        return None
    stride, factor = get_integers(item, "sampling", 2)
    return Sampling(
        stride,
        factor,
        group_offset=get_value(item, "group_offset", int, 0),
        signs=get_value(item, "signs", bool, False),
    )

"""The JSON of a model file: everything but the numbers. Specified in docs/format.md.

Values that equal their default are left out, so that small models have small files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..calibrating.calibration import Calibration
from ..errors import ParameterError
from ..model import LayerWeights, Model
from ..networks.limits import check_network, check_overlap
from ..networks.network import Conv, Flatten, Layer, Linear, MapConv, Mean, Network, Pool, ToMap
from ..networks.sampling import ConvShape, LinearShape, Sampling
from ..quoting import quoted
from ..sound.audio import AudioSettings
from .artifact_maps import describe_map_layer, parse_map_layer
from .artifact_numbers import Form
from .artifact_values import (
    describe_calibration,
    describe_form,
    parse_calibration,
    parse_form,
)
from .header_values import get_integers, get_number, get_value


@dataclass(frozen=True)
class Header:
    """The parsed JSON."""

    network: Network
    labels: tuple[str, ...]
    audio: AudioSettings
    form: Form
    provenance: dict[str, str | int | float]
    multi_label: bool
    calibration: Calibration

    def with_weights(self, weights: tuple[LayerWeights, ...]) -> Model:
        """The model. Raises: ParameterError: as `Model`."""
        return Model(
            self.network,
            weights,
            self.labels,
            self.audio,
            32 if self.form.bits is None else max(self.form.bits),
            self.provenance,
            self.multi_label,
            self.calibration,
        )


def describe(model: Model, form: Form) -> dict[str, Any]:
    """The JSON document of a model, its weights in that form, without its format version."""
    return {
        **describe_form(form),
        "labels": list(model.labels),
        **({"multi_label": True} if model.multi_label else {}),
        **describe_calibration(model.calibration),
        "audio": {
            "sample_rate": model.audio.sample_rate,
            "window_s": model.audio.window_s,
            "hop_s": model.audio.hop_s,
            "normalise": model.audio.normalise,
            "trim_below": model.audio.trim_below,
        },
        "layers": [_describe_layer(layer) for layer in model.network.layers],
        "provenance": dict(sorted(model.provenance.items())),
    }


def parse_header(header: Mapping[str, Any], version: int) -> Header:
    """Check and read what `describe` made, in a file of that format version.

    Raises:
        ParameterError: a field is missing, of the wrong type or out of range.
    """
    labels = get_value(header, "labels", list)
    if not all(isinstance(label, str) and label for label in labels):
        raise ParameterError("labels: expected a list of words")
    network = Network(_name([_parse_layer(item) for item in get_value(header, "layers", list)]))
    form = parse_form(header, version, len(network.weighted))
    provenance = get_value(header, "provenance", dict)
    if not all(type(value) in (str, int, float) for value in provenance.values()):
        raise ParameterError("provenance: expected words and numbers")
    audio = _parse_audio(get_value(header, "audio", dict))
    check_network(network, audio.window_samples)
    check_overlap(audio)
    _check_flatten(network, audio.window_samples)
    multi_label = get_value(header, "multi_label", bool, False)
    calibration = parse_calibration(header)
    return Header(network, tuple(labels), audio, form, dict(provenance), multi_label, calibration)


def _describe_layer(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Mean | Flatten):
        return {"type": "mean" if isinstance(layer, Mean) else "flatten"}
    if isinstance(layer, ToMap | MapConv):
        return describe_map_layer(layer)
    if isinstance(layer, Linear):
        linear: dict[str, Any] = {"type": "linear", "shape": [layer.shape.n_in, layer.shape.n_out]}
        if layer.shape.sampling_stride is not None:
            linear["sampling"] = layer.shape.sampling_stride
        linear |= {"relu": True} if layer.relu else {}
        return linear | ({"scaled": True} if layer.scaled else {})
    shape = layer.shape
    conv: dict[str, Any] = {
        "type": "conv",
        "shape": [shape.n_in, shape.n_out, shape.length, shape.stride, shape.padding],
    }
    if shape.sampling:
        sampling = shape.sampling
        conv["sampling"] = [sampling.stride, sampling.channel_factor, sampling.denser]
        conv |= {} if sampling.offsets == "regular" else {"offsets": sampling.offsets}
        conv |= {"group_offset": sampling.group_offset} if sampling.group_offset else {}
        conv |= {"signs": True} if sampling.signs else {}
    if layer.pool:
        conv["pool"] = [layer.pool.size, layer.pool.stride]
    conv |= {} if layer.scaled else {"scaled": False}
    return conv | ({} if layer.relu else {"relu": False})


def _parse_layer(item: Any) -> Layer:
    if not isinstance(item, dict):
        raise ParameterError("layers: expected a list of mappings")
    kind = get_value(item, "type", str)
    if kind == "mean":
        return Mean()
    if kind == "flatten":
        return Flatten()
    if kind in ("to-map", "map-conv"):
        return parse_map_layer(kind, item)
    if kind == "linear":
        stride = get_value(item, "sampling", int, None)
        n_in, n_out = get_integers(item, "shape", 2)
        relu, scaled = (get_value(item, key, bool, False) for key in ("relu", "scaled"))
        return Linear("", LinearShape(n_in, n_out, stride), relu, scaled)
    if kind == "conv":
        sampling = _parse_sampling(item)
        n_in, n_out, length, stride_, padding = get_integers(item, "shape", 5)
        if padding > length:  # more would be zeros alone, without bound
            raise ParameterError(f"padding = {padding}; expected at most the length {length}")
        return Conv(
            "",
            ConvShape(n_in, n_out, length, stride_, padding, sampling),
            scaled=get_value(item, "scaled", bool, True),
            relu=get_value(item, "relu", bool, True),
            pool=Pool(*get_integers(item, "pool", 2)) if "pool" in item else None,
        )
    raise ParameterError(
        f"layer type {quoted(kind)}; expected conv, to-map, map-conv, mean, flatten or linear"
    )


def _parse_sampling(item: Mapping[str, Any]) -> Sampling | None:
    if "sampling" not in item:
        for key in ("offsets", "group_offset", "signs"):
            if key in item:  # who takes a dense layer for a sampled one would heed it
                raise ParameterError(f"{key}: expected a sampling beside it")
        return None
    stride, factor, denser = get_integers(item, "sampling", 3)
    return Sampling(
        stride,
        factor,
        denser,
        offsets=get_value(item, "offsets", str, "regular"),
        group_offset=get_value(item, "group_offset", int, 0),
        signs=get_value(item, "signs", bool, False),
    )


def _name(layers: list[Layer]) -> tuple[Layer, ...]:
    """By their order: conv1, conv2, ...; map1, map2, ...; linear, or linear1, linear2, ..."""
    n_linear = sum(isinstance(layer, Linear) for layer in layers)
    counts = {"conv": 0, "map": 0, "linear": 0}
    named: list[Layer] = []
    for layer in layers:
        if isinstance(layer, ToMap | Mean | Flatten):
            named.append(layer)
            continue
        kind = {Conv: "conv", MapConv: "map", Linear: "linear"}[type(layer)]
        counts[kind] += 1
        number = "" if kind == "linear" and n_linear == 1 else str(counts[kind])
        named.append(replace(layer, name=f"{kind}{number}"))
    return tuple(named)


def _check_flatten(network: Network, n_samples: int) -> None:
    """What a flatten layer hands on depends on the window, so only here can it be checked."""
    n_steps = (n_samples, *network.lengths(n_samples))[-1]
    n_channels = (1, *(layer.shape.n_out for layer in network.convolutions))[-1]
    for before, after in itertools.pairwise(network.layers):
        if isinstance(before, Flatten) and isinstance(after, Linear):
            n_in = after.shape.n_in
            if n_in != n_channels * n_steps:
                raise ParameterError(
                    f"{after.name}: n_in = {n_in}; expected {n_channels} channels * {n_steps} steps"
                )


def _parse_audio(values: dict[str, Any]) -> AudioSettings:
    return AudioSettings(
        sample_rate=get_value(values, "sample_rate", int),
        window_s=get_number(values, "window_s"),
        hop_s=get_number(values, "hop_s"),
        normalise=get_value(values, "normalise", str),
        trim_below=get_number(values, "trim_below"),
    )

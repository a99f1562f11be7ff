"""A model as the package read it, against what the reader of docs/format.md says of its file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wsnet_cli.core.model import LayerWeights, Model, real
from wsnet_cli.core.model_file.artifact_numbers import PACKED, PLAIN, stored_forms
from wsnet_cli.core.model_file.container import DIGEST_NAME
from wsnet_cli.core.networks.filters import channel_signs, sampled_filters, sampled_rows
from wsnet_cli.core.networks.layers import Conv, Linear, MapConv
from wsnet_cli.core.networks.sampling import ConvShape


class Misread(Exception):
    """The two readers do not agree."""


def _same(name: str, found: Any, expected: Any) -> None:
    """Equal as JSON, so that true is not 1."""
    if json.dumps(found) != json.dumps(expected):
        raise Misread(f"{name}: {str(found)[:60]} for {str(expected)[:60]}")


AUDIO_NUMBERS = ("sample_rate", "window_s", "hop_s", "trim_below")
LAYER_NUMBERS = {
    "conv": ("shape", "sampling", "pool", "group_offset"),
    "map-conv": ("shape", "sampling", "pool", "band_pool", "group_offset"),
    "linear": ("shape", "sampling"),
}
CALIBRATION = ("temperature", "thresholds", "unknown", "false_alarm_rate")


def check_types(document: dict[str, Any]) -> None:
    """Where the page has numbers, true and false are none. Raises: Misread."""
    audio = {k: v for k, v in document["audio"].items() if k in AUDIO_NUMBERS}
    calibration = {k: v for k, v in document.get("calibration", {}).items() if k in CALIBRATION}
    layers = [
        layer[key]
        for layer in document["layers"]
        for key in LAYER_NUMBERS.get(layer["type"], ())
        if key in layer
    ]
    values = [document["format"], document.get("bits"), *document["provenance"].values()]
    for value in (*values, *layers, *audio.values(), *calibration.values()):
        if any(isinstance(v, bool) for v in (value if isinstance(value, list) else [value])):
            raise Misread(f"{value} for a number")


def check_sizes(model: Model, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """As many numbers in the file as the model has: none is left over. Raises: Misread."""
    coding = PLAIN if document["weights"] != "codes" else document.get("coding", PACKED)
    found = {name: array for name, array in tensors.items() if name != DIGEST_NAME}
    for form, expected in stored_forms(model):
        types = {name: array.dtype for name, array in expected.items()}
        if form.coding == coding and types == {name: a.dtype for name, a in found.items()}:
            for name, array in found.items():
                huffman = array.dtype == np.uint8 and not (name == "codes" and coding == PACKED)
                sizes = [_inflated(a) if huffman else a.size for a in (array, expected[name])]
                if name == "scales" and document.get("scheme") == "min-max" != form.scheme:
                    sizes[1] += sum(1 for own in model.weights for _ in own.parts)  # offsets of 0
                _same(f"numbers of {name}", *sizes)
            return
    raise Misread("tensors of other types than are written")


def _inflated(array: np.ndarray) -> int:
    """Bytes that coded ones stand for, as long as nothing stands behind them."""
    decoder = zlib.decompressobj(-15)
    n_bytes = len(decoder.decompress(array.tobytes()))
    return -1 if decoder.unused_data or not decoder.eof else n_bytes


def _as_numbers(value: Any) -> Any:
    """1 is as good as 1.0, but true is neither."""
    if isinstance(value, list | tuple):
        return [_as_numbers(inner) for inner in value]
    return float(value) if type(value) is int else value


def check_document(model: Model, document: dict[str, Any]) -> None:
    """The model says what the JSON says. Raises: Misread."""
    _same("labels", list(model.labels), document["labels"])
    _same("multi_label", model.multi_label, document.get("multi_label", False))
    _same("provenance", dict(model.provenance), document["provenance"])
    calibration = {"temperature": 1.0, "thresholds": None, "unknown": None}
    calibration |= {"false_alarm_rate": None, **document.get("calibration", {})}
    for name, value in vars(model.calibration).items():
        _same(name, _as_numbers(value), _as_numbers(calibration[name]))
    audio = document["audio"]
    _same("sample_rate", model.audio.sample_rate, audio["sample_rate"])
    _same("normalise", model.audio.normalise, audio["normalise"])
    for key in ("window_s", "hop_s", "trim_below"):
        _same(key, float(getattr(model.audio, key)), float(audio[key]))


def check_layers(model: Model, layers: list[dict[str, Any]]) -> None:
    """Every layer has the same kind, settings and numbers. Raises: Misread."""
    _same("number of layers", len(model.network.layers), len(layers))
    weights = iter(model.weights)
    for layer, read in zip(model.network.layers, layers, strict=True):
        if isinstance(layer, Conv | MapConv | Linear):
            check: Callable[..., None] = _check_linear if isinstance(layer, Linear) else _check_conv
            own = next(weights)
            check(layer, own, read)
            ones = np.ones(layer.shape.n_out)
            _same_numbers("multiplier", ones if own.multiplier is None else own.multiplier, read)
            _same_numbers("bias", own.bias, read)
        else:
            _same("type", layer.name, read["type"])


def _same_numbers(name: str, found: Any, read: dict[str, Any]) -> None:
    expected = read[name]
    if found.shape != expected.shape or not np.array_equal(found, expected):
        raise Misread(f"{name} differ")


def _check_linear(layer: Linear, own: LayerWeights, read: dict[str, Any]) -> None:
    _same("type", "linear", read["type"])
    _same("relu", layer.relu, read.get("relu", False))
    _same("shape", [layer.shape.n_in, layer.shape.n_out], read["shape"])
    _same("sampling", layer.shape.sampling_stride, read.get("sampling"))
    _same_numbers("rows", sampled_rows(real(own.phi), layer.shape), read)


def _unsigned(shape: ConvShape) -> ConvShape:
    """Without signs, which the page's reader gives to the input and not to the filters."""
    if shape.sampling is None:
        return shape
    return replace(shape, sampling=replace(shape.sampling, signs=False))


def _check_conv(layer: Conv | MapConv, own: LayerWeights, read: dict[str, Any]) -> None:
    shape = layer.shape
    _same("relu", layer.relu, read.get("relu", True))
    _same("pool", [layer.pool.size, layer.pool.stride] if layer.pool else None, read.get("pool"))
    if isinstance(layer, MapConv):
        size = [shape.n_in, shape.n_out, layer.shape.n_bands, layer.shape.height, shape.length]
        _same(
            "shape", [*size, shape.stride, layer.shape.band_padding, shape.padding], read["shape"]
        )
        _same("band_pool", layer.band_pool, read.get("band_pool", 1))
        filters = sampled_filters(real(own.phi), _unsigned(layer.shape.taps))
        wanted = (shape.n_out, shape.length, layer.shape.height, -1)
        _same_numbers("filters", filters.reshape(wanted), read)
    else:
        ends = [shape.length, shape.stride, shape.padding]
        _same("shape", [shape.n_in, shape.n_out, *ends], read["shape"])
        filters = sampled_filters(real(own.phi), _unsigned(layer.shape), own.offsets)
        _same_numbers("filters", filters.transpose(0, 2, 1), read)
        pointwise = None if own.pointwise is None else real(own.pointwise)
        if pointwise is not None or read["pointwise"] is not None:
            _same_numbers("pointwise", pointwise, read)
    n_columns = shape.condensed_channels
    signs = channel_signs(shape.n_in, n_columns) if shape.signs else np.ones(shape.n_in)
    _same_numbers("signs", signs, read)

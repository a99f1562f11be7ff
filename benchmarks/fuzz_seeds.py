"""Small model files of every kind, for `fuzz_models.py` to damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import LayerWeights, Model, compress, phi_shape
from wsnet_cli.core.model_file.artifact import CODED_FORMAT, oldest_format
from wsnet_cli.core.model_file.artifact_header import describe
from wsnet_cli.core.model_file.artifact_numbers import PLAIN, stored_forms
from wsnet_cli.core.model_file.container import pack
from wsnet_cli.core.networks.filters import offset_bounds
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import (
    Conv,
    Flatten,
    Linear,
    MapConv,
    Mean,
    Network,
    Pool,
    ToMap,
)
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings

RATE = 1_000
AUDIO = AudioSettings(RATE, window_s=0.1, hop_s=0.05, trim_below=0.01)
BARE = AudioSettings(RATE, window_s=0.064, hop_s=0.064, normalise="none", trim_below=0.0)
FIRST = Conv("conv1", ConvShape(1, 4, 8, 2, 4, Sampling(2)), pool=Pool(2, 2))


def _second(**more: object) -> Conv:
    sampling = replace(Sampling(4, 2, 2), **more)  # type: ignore[arg-type]
    return Conv("conv2", ConvShape(4, 6, 8, 2, 4, sampling))


def _networks() -> Iterator[tuple[str, Network, AudioSettings]]:
    head = (Mean(), Linear("linear", LinearShape(6, 3, 2)))
    dense = Conv("conv1", ConvShape(1, 3, 5, 2, 1), scaled=False, relu=False)
    yield "dense", Network((dense, Mean())), BARE
    yield "sampled", Network((FIRST, _second(), *head)), AUDIO
    yield "offsets", Network((FIRST, _second(offsets="learned"), *head)), AUDIO
    yield "groups and signs", Network((FIRST, _second(group_offset=3, signs=True), *head)), AUDIO
    scaled = Linear("linear2", LinearShape(5, 3), scaled=True)
    hidden = Linear("linear1", LinearShape(4 * 16, 5, 7), relu=True)
    flat = Conv("conv1", ConvShape(1, 4, 8, 2, 4, Sampling(2)), pool=Pool(3, 2))
    yield "flatten", Network((flat, Flatten(), hidden, scaled)), BARE
    for name, delta in (("maps", 0), ("groups of maps", 2)):
        sampling = Sampling(3, 2, group_offset=delta, signs=True)
        maps = (
            Conv("conv1", ConvShape(1, 6, 4, 2)),
            ToMap(),
            MapConv("map1", MapShape(1, 4, 6, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2),
            MapConv("map2", MapShape(4, 5, 3, 3, 2, 1, 1, 0, sampling)),
            Mean(),
            Linear("linear", LinearShape(5, 3)),
        )
        yield name, Network(maps), AUDIO


def make_model(network: Network, audio: AudioSettings, seed: int) -> Model:
    """Random weights of moderate size."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (0.5 * rng.standard_normal(shape)).astype(np.float32)

    weights = []
    for layer in network.weighted:
        shape, n_out = layer.shape, layer.shape.n_out
        pointwise = offsets = None
        if isinstance(layer, Conv) and layer.shape.pointwise_shape:
            pointwise = normal(*layer.shape.pointwise_shape)
        if isinstance(shape, ConvShape) and shape.n_offsets:
            least, most = offset_bounds(shape)
            offsets = rng.integers(least, most, endpoint=True).astype(np.int16)
        multiplier = 1 + normal(n_out) if layer.scaled else None
        phi = normal(*phi_shape(layer))
        weights.append(LayerWeights(phi, pointwise, multiplier, normal(n_out), offsets))
    labels = ("dog", "crying baby", "été/\n=1+2")[: network.n_classes]
    provenance = {"epochs": 7, "seed": seed, "share": 0.25, "wsnet": "0.1.0"}
    return Model(network, tuple(weights), labels, audio, 32, provenance)


def _quantized(model: Model) -> Iterator[tuple[str, Model]]:
    n_layers = len(model.weights)
    yield "8 bits", compress(model)
    yield "6 bits", compress(model, 6)
    yield "4 bits", compress(model, 4)
    yield "mixed bits", compress(model, [(8, 4, 6, 5)[i % 4] for i in range(n_layers)])
    yield "min-max", compress(model, 8, "min-max")
    yield "5 bits, min-max", compress(model, 5, "min-max")


def _forms(model: Model) -> Iterator[tuple[str, bytes]]:
    """Every way in which a file may store it, not the smallest alone."""
    for number, (form, tensors) in enumerate(stored_forms(model)):
        oldest = oldest_format(model)
        version = oldest if form.coding == PLAIN else max(oldest, CODED_FORMAT)
        content = pack(tensors, {"format": version, **describe(model, form)})
        yield f"{form.coding} {number}", content


def seed_files() -> dict[str, bytes]:
    """Name to content: each network in each kind of weights, each way of storing and deciding."""
    files = {}
    for number, (name, network, audio) in enumerate(_networks()):
        model = make_model(network, audio, number)
        calibrated = replace(model, calibration=Calibration(1.5, (0.25, 0.5, 1.0), 0.125, 0.01))
        several = replace(model, multi_label=True)
        kinds = [("float32", model), ("calibrated", calibrated), ("multi-label", several)]
        kinds += _quantized(model)
        for kind, of_kind in kinds:
            files |= {f"{name}, {kind}, {form}": content for form, content in _forms(of_kind)}
    return files

"""What feeds the last layer: the same in every engine, and what the logits are made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import LayerWeights, Model, compress, cut_last_convolution, real
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
from wsnet_cli.engine.engines import make_engine, missing_reason
from wsnet_cli.engine.native_engine import NativeEngine

ENGINES = ["numpy"] if missing_reason() else ["numpy", "native"]
AUDIO = AudioSettings(8_000, window_s=0.1, hop_s=0.05)
OF_THE_LARGEST = 1e-5
"""Largest error relative to the largest value, as of logits."""


def noise(n_windows: int, n_samples: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n_windows, n_samples)).astype(np.float32)


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    assert found.shape == expected.shape
    largest = max(1.0, np.abs(expected).max(initial=0))
    return bool(np.abs(found - expected).max(initial=0) <= OF_THE_LARGEST * largest)


def apply_linear(layer: Linear, own: LayerWeights, features: np.ndarray) -> np.ndarray:
    """Row j of the weights begins at j * step of the condensed ones."""
    n_in = layer.shape.n_in
    step = layer.shape.sampling_stride or n_in
    phi = real(own.phi).astype(np.float64)
    rows = np.stack([phi[j * step : j * step + n_in] for j in range(layer.shape.n_out)])
    scale = 1 if own.multiplier is None else own.multiplier
    out = features @ rows.T * scale + own.bias
    return np.maximum(out, 0) if layer.relu else out


def check(model: Model, windows: np.ndarray, engine: str, reference) -> None:
    made = make_engine(model, engine)
    logits, features = made.embed(windows)
    assert features.dtype == np.float32
    assert features.shape == (len(windows), model.network.n_features)
    assert np.array_equal(logits, made.logits(windows))
    last = model.network.weighted[-1]
    if isinstance(last, Linear):
        assert close(logits, apply_linear(last, model.weights[-1], features))
        return
    body = model.network.layers[: model.network.layers.index(last)]
    if not body:
        assert close(features, windows.mean(axis=1, keepdims=True, dtype=np.float64))
        return
    labels = tuple(f"channel-{i}" for i in range(last.shape.n_in))
    cut = Model(Network((*body, Mean())), model.weights[:-1], labels, model.audio)
    assert close(features, reference(cut, windows))


@pytest.mark.parametrize("engine", ENGINES)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_of_any_network(engine: str, data: st.DataObject, networks, make_model, reference) -> None:
    network, n_samples = data.draw(networks)
    model = make_model(network, AUDIO, data.draw(st.integers(0, 99)))
    check(model, noise(data.draw(st.integers(1, 3)), n_samples), engine, reference)


CONV = ConvShape(1, 4, 8, 2, 3, Sampling(2))
EDGES = {
    "flatten, linear": (Conv("a", CONV), Flatten(), Linear("b", LinearShape(4 * 25, 3))),
    "no convolution, mean": (Mean(), Linear("b", LinearShape(1, 3))),
    "no convolution, flatten": (Flatten(), Linear("b", LinearShape(50, 3))),
    "relu at the end": (Conv("a", CONV), Mean(), Linear("b", LinearShape(4, 3), relu=True)),
    "one convolution": (Conv("a", CONV), Mean()),
    "maps, linear": (
        Conv("a", CONV),
        ToMap(),
        MapConv("b", MapShape(1, 3, 4, 2, 3)),
        Mean(),
        Linear("c", LinearShape(3, 2)),
    ),
    "maps": (
        Conv("a", CONV),
        ToMap(),
        MapConv("b", MapShape(1, 4, 4, 3, 3, 1, 1, 1, Sampling(3))),
        MapConv("c", MapShape(4, 3, 4, 3, 3, 1, 1, 1, Sampling(3, 2)), band_pool=2),
        Mean(),
    ),
    "one convolution of maps": (
        Conv("a", CONV),
        ToMap(),
        MapConv("b", MapShape(1, 3, 4, 2, 2)),
        Mean(),
    ),
    "folded channels": (
        Conv("a", CONV),
        Conv("b", ConvShape(4, 3, 2, 1, 1, Sampling(1, 2))),
        Mean(),
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", EDGES)
def test_of_networks_at_the_edge(engine: str, name: str, make_model, reference) -> None:
    model = make_model(Network(EDGES[name]), AUDIO)
    check(model, noise(2, 50), engine, reference)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_last_convolution_without_context_is_linear_too(engine: str, make_model) -> None:
    """Of length 1, without padding, activation or pool: the mean may come before it or after."""
    layers = (Conv("a", CONV), Conv("b", ConvShape(4, 3, 1, 1, 0), relu=False), Mean())
    model = make_model(Network(layers), AUDIO)
    logits, features = make_engine(model, engine).embed(noise(2, 50))
    own = model.weights[-1]
    phi = real(own.phi).reshape(3, 4)  # one row of Phi a filter: [L* = 3, M* = 4]
    assert close(logits, features @ phi.T * own.multiplier + own.bias)


def test_a_body_without_weights_is_none(make_model) -> None:
    assert cut_last_convolution(make_model(Network(EDGES["one convolution"]), AUDIO)) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_8_bit_models_and_no_windows(engine: str, small_model: Model, reference) -> None:
    check(compress(small_model), noise(2, 800), engine, reference)
    logits, features = make_engine(small_model, engine).embed(noise(0, 800))
    assert (logits.shape, features.shape) == ((0, 3), (0, 6))
    with pytest.raises(ParameterError, match="windows of shape"):
        make_engine(small_model, engine).embed(noise(1, 2))


@pytest.mark.skipif("native" not in ENGINES, reason="no compiled kernels")
@pytest.mark.parametrize("head", ["linear", "convolution"])
def test_threads_share_the_windows(head: str, make_model, small_model: Model) -> None:
    layers = (Conv("a", CONV, pool=Pool(2, 2)), Conv("b", ConvShape(4, 3, 2, 1)), Mean())
    model = small_model if head == "linear" else make_model(Network(layers), AUDIO)
    windows = noise(7, 800)
    alone, shared = (NativeEngine(model, threads=n).embed(windows) for n in (1, 3))
    for ours, theirs in zip(alone, shared, strict=True):
        assert np.array_equal(ours, theirs)

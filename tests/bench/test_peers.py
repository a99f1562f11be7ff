from __future__ import annotations

import subprocess

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.bench import peers
from wsnet_cli.bench.forms import PlainConv, plain_steps
from wsnet_cli.bench.onnx_peers import onnx_graph
from wsnet_cli.bench.peers import (
    DEFAULT_PEERS,
    PEERS,
    PeerMissingError,
    check_names,
    make_peer,
    prepare_peer,
    relative_difference,
)
from wsnet_cli.bench.subjects import Subject
from wsnet_cli.core.errors import EngineError, GateError, UsageError
from wsnet_cli.core.model import LayerWeights, Model, real
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

OF_THE_LARGEST = 1e-5
"""Largest error of a logit, relative to the largest logit: float32 sums of thousands of terms."""
ANY_AUDIO = AudioSettings(8_000, window_s=0.1, hop_s=0.05)
FOREIGN = [name for name in DEFAULT_PEERS if PEERS[name]]


def noise(n_windows: int, n_samples: int) -> np.ndarray:
    rng = np.random.default_rng(n_samples)
    return rng.standard_normal((n_windows, n_samples)).astype(np.float32)


def plain_logits(model: Model, window: np.ndarray, naive_conv, naive_map_conv) -> np.ndarray:
    """By the definition, in float64: [n_samples] to [1, n_classes]."""
    values = window.astype(np.float64)[np.newaxis]
    weights = iter(model.weights)
    for layer in model.network.layers:
        if isinstance(layer, Conv):
            own = next(weights)
            values = finish(naive_conv(values, real(own.phi), layer.shape, own.offsets), layer, own)
        elif isinstance(layer, ToMap):
            values = values[np.newaxis]
        elif isinstance(layer, MapConv):
            own = next(weights)
            values = finish_maps(naive_map_conv(values, real(own.phi), layer.shape), layer, own)
        elif isinstance(layer, Linear):
            own, step, n_in = next(weights), layer.shape.filter_step, layer.shape.n_in
            rows = [real(own.phi)[j * step : j * step + n_in] for j in range(layer.shape.n_out)]
            values = np.stack(rows).astype(np.float64) @ values
            values = values if own.multiplier is None else values * own.multiplier
            values = values + own.bias
            values = np.maximum(values, 0) if layer.relu else values
        else:
            axes = tuple(range(1, values.ndim))
            values = values.ravel() if isinstance(layer, Flatten) else values.mean(axis=axes)
    return values[np.newaxis]


def finish(out: np.ndarray, layer: Conv | MapConv, own: LayerWeights) -> np.ndarray:
    """All of a convolution but its sums."""
    if own.pointwise is not None:
        out = real(own.pointwise).astype(np.float64) @ out
    if own.multiplier is not None:
        out = out * own.multiplier[:, np.newaxis]
    out = out + own.bias[:, np.newaxis]
    out = np.maximum(out, 0) if layer.relu else out
    pool = layer.pool or Pool(1, 1)
    starts = range(0, out.shape[1] - pool.size + 1, pool.stride)
    return np.stack([out[:, t : t + pool.size].max(axis=1) for t in starts], axis=1)


def finish_maps(out: np.ndarray, layer: MapConv, own: LayerWeights) -> np.ndarray:
    """The same of maps: along time in each band, then along the bands."""
    bands = [finish(out[:, f], layer, own) for f in range(out.shape[1])]
    size = layer.band_pool
    starts = range(0, len(bands) - size + 1, size)
    return np.stack([np.max(bands[f : f + size], axis=0) for f in starts], axis=1)


# ------------------------------------------------------------------------------- all agree


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_network_follows_its_definition_in_every_peer(
    data, networks, make_model, naive_conv, naive_map_conv
):
    network, n_samples = data.draw(networks)
    model = make_model(network, ANY_AUDIO, data.draw(st.integers(0, 99)))
    windows = noise(1, n_samples)
    expected = plain_logits(model, windows[0], naive_conv, naive_map_conv)
    for name in FOREIGN:
        found = make_peer(name, model)(windows)
        assert found.dtype == np.float32
        assert relative_difference(found, expected) < OF_THE_LARGEST, name


HEADS = {
    "mean": lambda n, steps: (Mean(), Linear("linear", LinearShape(n, 3))),
    "flatten": lambda n, steps: (
        Flatten(),
        Linear("hidden", LinearShape(n * steps, 5, 2), relu=True),
        Linear("last", LinearShape(5, 3)),
    ),
    "none": lambda n, steps: (Mean(),),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("head", HEADS)
def test_denser_sampling_negative_multipliers_and_odd_pools(
    name: str, head: str, make_model, naive_conv, naive_map_conv
):
    first = Conv("conv1", ConvShape(1, 6, 9, 2, 4, Sampling(3)), pool=Pool(3, 2))
    second = Conv("conv2", ConvShape(6, 4, 5, 1, 2, Sampling(4, 3, 2)), pool=Pool(2, 3))
    body = Network((first, second, Mean()))
    model = make_model(
        Network((first, second, *HEADS[head](4, body.lengths(200)[-1]))), ANY_AUDIO, 3
    )
    assert (model.weights[0].multiplier < 0).any()
    windows = noise(2, 200)
    found = make_peer(name, model)(windows)
    for logits, window in zip(found, windows, strict=True):
        expected = plain_logits(model, window, naive_conv, naive_map_conv)
        assert relative_difference(logits[np.newaxis], expected) < OF_THE_LARGEST


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(3, 3, signs=True),
        Sampling(4, 2, 2, "learned", signs=True),
        Sampling(3, 2, 1, "random", 4, True),
    ],
    ids=str,
)
def test_irregular_windows_signs_and_multipliers(
    name: str, sampling: Sampling, make_model, naive_conv, naive_map_conv
):
    first = Conv("conv1", ConvShape(1, 12, 9, 2, 4, Sampling(3, 1, 1, "learned")))
    second = Conv("conv2", ConvShape(12, 4, 5, 1, 2, sampling), pool=Pool(2, 3))
    head = Linear("linear", LinearShape(4, 3, 2), scaled=True)
    model = make_model(Network((first, second, Mean(), head)), ANY_AUDIO, 3)
    windows = noise(1, 201)
    expected = plain_logits(model, windows[0], naive_conv, naive_map_conv)
    assert relative_difference(make_peer(name, model)(windows), expected) < OF_THE_LARGEST


def test_filters_are_expanded_and_channels_left_folded(small_model: Model):
    first, second, mean, linear = plain_steps(small_model)
    assert isinstance(first, PlainConv)
    assert isinstance(second, PlainConv)
    assert (first.kernel.shape, first.groups) == ((4, 1, 16), 1)
    assert (second.kernel.shape, second.groups) == ((6, 2, 8), 2)
    assert isinstance(mean, Mean)
    assert linear.weight.shape == (3, 6)


def test_the_graph_folds_by_a_sum_or_by_ones(small_model: Model):
    assert kinds_of(onnx_graph(small_model)) == (
        "Unsqueeze Conv Relu MaxPool Reshape ReduceSum Conv Relu ReduceMean Gemm Identity"
    )
    assert kinds_of(onnx_graph(small_model, as_images=True)) == (
        "Unsqueeze Conv Relu MaxPool Conv Conv Relu Squeeze ReduceMean Gemm Identity"
    )


def kinds_of(graph: onnx.ModelProto) -> str:
    return " ".join(node.op_type for node in graph.graph.node)


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", DEFAULT_PEERS)
def test_a_peer_that_is_ready_gave_the_right_logits(name: str, small_subject: Subject):
    ready = prepare_peer(name, small_subject)
    assert ready.error < OF_THE_LARGEST
    assert ready.run().shape == (1, 3)


@pytest.mark.parametrize("lie", [lambda y: y * 1.001, lambda y: y[:, :2], lambda y: y * np.nan])
def test_a_peer_that_lies_is_refused(lie, small_subject: Subject, monkeypatch: pytest.MonkeyPatch):
    honest = make_peer("numpy", small_subject.model)
    monkeypatch.setattr(peers, "make_peer", lambda *_: lambda windows: lie(honest(windows)))
    with pytest.raises(GateError, match=r"small: the logits of torch differ .* at most 0.0001"):
        prepare_peer("torch", small_subject)


def test_the_difference_is_relative_to_the_largest():
    expected = np.array([[1.0, -100.0]], np.float32)
    assert relative_difference(expected + 1, expected) == pytest.approx(0.01)
    assert relative_difference(expected[:, :1], expected) == float("inf")
    assert relative_difference(0 * expected, 0 * expected) == 0


@pytest.mark.parametrize(
    ("name", "packages"), [("torch", "torch"), ("onnxruntime-2d", "onnx onnxruntime")]
)
def test_a_missing_package_is_named(
    name: str, packages: str, small_subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    assert prepare_peer("numpy", small_subject).error == 0
    with pytest.raises(PeerMissingError, match=f"^not installed: pip install {packages}$"):
        prepare_peer(name, small_subject)


def test_missing_kernels_are_no_failure(small_subject: Subject, monkeypatch: pytest.MonkeyPatch):
    def nothing(*_: object, **__: object) -> None:
        raise EngineError("was not built")

    monkeypatch.setattr(peers, "NativeEngine", nothing)
    with pytest.raises(PeerMissingError, match=r"^was not built$"):
        prepare_peer("native", small_subject)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no C++ compiler\nand much more"),
        FileNotFoundError("no C++ compiler"),
        subprocess.SubprocessError("no C++ compiler"),
    ],
)
def test_a_failing_compiler_is_one_line(
    error: Exception, small_subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    def broken(run, **_: object):
        def call(_: torch.Tensor) -> torch.Tensor:
            raise error

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(PeerMissingError, match=f"^{type(error).__name__}: no C.. compiler$"):
        prepare_peer("torch-compile", small_subject)


def test_a_compiled_network_is_asked_for_one_shape(
    small_subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def note(run, **how: object):
        asked.append(how)
        return run

    monkeypatch.setattr(torch, "compile", note)
    assert prepare_peer("torch-compile", small_subject).error < OF_THE_LARGEST
    assert asked == [{"dynamic": False}]


def test_an_error_of_any_other_peer_is_a_bug(
    small_subject: Subject, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(peers, "make_peer", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        prepare_peer("torch", small_subject)


def test_names_of_peers():
    assert check_names(["torch", "numpy", "torch"]) == ("torch", "numpy")
    with pytest.raises(UsageError, match=r"--peers tensorrt; expected some of native, numpy"):
        check_names(["tensorrt"])
    with pytest.raises(UsageError, match="--peers x"):
        make_peer("x", None)  # type: ignore[arg-type]

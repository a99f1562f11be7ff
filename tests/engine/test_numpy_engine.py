from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import LayerWeights, Model, compress
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine import numpy_engine, numpy_parts
from wsnet_cli.engine.numpy_engine import (
    NumpyEngine,
    convolve,
    expand_filters,
    fold_channels,
    max_pool,
)

FLOAT32 = 2e-6
"""Largest difference, relative to the largest value, of float32 sums of some hundred terms."""
ANY_AUDIO = AudioSettings(8_000, window_s=0.1, hop_s=0.05)


def random_layer(shape: ConvShape, n_samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    phi = rng.standard_normal((shape.condensed_length, shape.condensed_channels))
    values = rng.standard_normal((shape.n_in, n_samples))
    return phi.astype(np.float32), values.astype(np.float32)


def relative_difference(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / (np.abs(expected).max() + 1e-30))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n_more=st.integers(0, 20), block=st.sampled_from([1, 30, 1 << 17]))
def test_convolution_follows_its_definition(
    data, n_more: int, block: int, conv_shapes, naive_conv
) -> None:
    shape = data.draw(conv_shapes)
    phi, values = random_layer(shape, shape.input_length(1) + n_more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_parts, "BLOCK_ELEMENTS", block)
        found = convolve(values, expand_filters(phi, shape), shape)
    assert found.dtype == np.float32
    assert relative_difference(found, naive_conv(values, phi, shape)) < FLOAT32


@pytest.mark.parametrize("block", [1, 2 * 24, 7 * 24, 50 * 24 - 1])
def test_blocks_of_any_size_give_equal_results(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """M* x L = 24 elements an output; 50 outputs in blocks of 1, 2, 7 and 49."""
    shape = ConvShape(6, 5, 8, 3, 4, Sampling(2, 2))
    phi, values = random_layer(shape, 148)
    kernel = expand_filters(phi, shape)
    expected = convolve(values, kernel, shape)
    assert expected.shape == (5, 50)
    monkeypatch.setattr(numpy_parts, "BLOCK_ELEMENTS", block)
    assert relative_difference(convolve(values, kernel, shape), expected) < FLOAT32


def test_the_unfolded_input_is_never_larger_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = ConvShape(1, 2, 16, 1, 8, Sampling(2))
    phi, values = random_layer(shape, 5_000)
    sizes = []

    def matmul(kernel: np.ndarray, columns: np.ndarray) -> np.ndarray:
        sizes.append(columns.size)
        return kernel @ columns

    monkeypatch.setattr(numpy_parts, "BLOCK_ELEMENTS", 1_000)
    monkeypatch.setattr(numpy_engine.np, "matmul", matmul)
    convolve(values, expand_filters(phi, shape), shape)
    assert max(sizes) <= 1_000
    assert sum(sizes) == 16 * 5_001


@pytest.mark.parametrize("pool", [Pool(3, 2), Pool(2, 2), Pool(1, 3), Pool(8, 2)])
@pytest.mark.parametrize("block", [1, 9 * 24, 1 << 17])
def test_pooling_block_by_block_is_pooling_the_whole(
    pool: Pool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = ConvShape(6, 5, 8, 3, 4, Sampling(2, 2))
    phi, values = random_layer(shape, 148)
    kernel = expand_filters(phi, shape)
    expected = max_pool(convolve(values, kernel, shape), pool)
    monkeypatch.setattr(numpy_parts, "BLOCK_ELEMENTS", block)
    found = convolve(values, kernel, shape, pool, lambda out: max_pool(out, pool))
    assert relative_difference(found, expected) < FLOAT32


def test_filters_are_windows_of_phi_column_after_column() -> None:
    """L = 2, S = 1, two columns: row n is Phi[n:n+2, 0] and then Phi[n:n+2, 1]."""
    phi = np.float32([[1, 10], [2, 20], [3, 30]])
    shape = ConvShape(4, 2, 2, sampling=Sampling(1, 2))
    assert expand_filters(phi, shape).tolist() == [[1, 2, 10, 20], [2, 3, 20, 30]]


def test_folding_adds_the_channels_that_share_a_column() -> None:
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert fold_channels(values, 2).tolist() == [[0 + 4 + 8, 1 + 5 + 9], [2 + 6 + 10, 3 + 7 + 11]]
    assert fold_channels(values, 6) is values


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.integers(0, 14), st.integers(0, 9)
)
def test_max_pool_follows_its_definition(
    n_channels: int, size: int, stride: int, n_more: int, seed: int
) -> None:
    values = np.random.default_rng(seed).standard_normal((n_channels, size + n_more))
    before = values.copy()
    expected = [
        [max(row[start : start + size]) for start in range(0, len(row) - size + 1, stride)]
        for row in values
    ]
    assert max_pool(values, Pool(size, stride)).tolist() == expected
    assert np.array_equal(values, before)


def test_a_long_filter_under_a_long_pool_takes_little_memory() -> None:
    """Unfolded at once it would be 192 MB: 2 x 4,000 taps for each of 6,000 steps of the pool."""
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((2, 8_000), dtype=np.float32)
    values = rng.standard_normal((2, 9_999), dtype=np.float32)
    shape, pool = ConvShape(2, 2, 4_000), Pool(6_000, 6_000)
    tracemalloc.start()
    try:
        found = convolve(values, kernel, shape, pool, lambda out: max_pool(out, pool))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * 2**20
    sums = [
        np.correlate(values[0], row[:4_000]) + np.correlate(values[1], row[4_000:])
        for row in kernel
    ]
    np.testing.assert_allclose(found[:, 0], np.max(sums, axis=1), rtol=1e-4)


def network_by_hand(own_conv: LayerWeights, last: LayerWeights, **conv: object) -> NumpyEngine:
    layers = (
        Conv("conv1", ConvShape(1, 2, 2), **conv),  # type: ignore[arg-type]
        Mean(),
        Linear("linear", LinearShape(2, 1)),
    )
    return NumpyEngine(Model(Network(layers), (own_conv, last), ("a",), ANY_AUDIO))


SUM_AND_DIFFERENCE = np.float32([[1], [1], [1], [-1]])
ADD = LayerWeights(np.float32([1, 10]), None, None, np.float32([100]))


def test_network_by_hand() -> None:
    """1, 2, 4 gives sums 3, 6 and differences -1, -2; scaled by 2 and -1; then + (0, 1)."""
    own = LayerWeights(SUM_AND_DIFFERENCE, None, np.float32([2, -1]), np.float32([0, 1]))
    windows = np.float32([[1, 2, 4], [-1, -2, -4]])
    # First window: means of (6, 12) and (2, 3). Second: (-6, -12) and (0, -1), ReLU leaves 0.
    assert network_by_hand(own, ADD).logits(windows).tolist() == [[9 + 25 + 100], [100]]
    linear = network_by_hand(own, ADD, relu=False).logits(windows)
    assert linear.tolist() == [[134], [-9 - 5 + 100]]
    pooled = network_by_hand(own, ADD, relu=False, pool=Pool(2, 2)).logits(windows)
    assert pooled.tolist() == [[12 + 30 + 100], [-6 + 0 + 100]]


def test_network_without_multiplier_by_hand() -> None:
    own = LayerWeights(SUM_AND_DIFFERENCE, None, None, np.float32([0.5, 3]))
    found = network_by_hand(own, ADD, scaled=False).logits(np.float32([[1, 2, 4]]))
    assert found.tolist() == [[5 + 15 + 100]]


def test_denser_sampling_by_hand() -> None:
    """D = 2, N = 1: filters of one tap, 2 and 3, then the 1x1 (10, 100), then the bias."""
    layers = (Conv("conv1", ConvShape(1, 1, 2, sampling=Sampling(2, 1, 2)), scaled=False), Mean())
    phi = np.float32([[2], [0], [3]])
    own = LayerWeights(phi, np.float32([[10, 100]]), None, np.float32([1]))
    engine = NumpyEngine(Model(Network(layers), (own,), ("a",), ANY_AUDIO))
    assert engine.logits(np.float32([[5, 7]])).tolist() == [[10 * 2 * 5 + 100 * 3 * 7 + 1]]


def test_linear_layers_by_hand() -> None:
    """Flatten goes channel by channel; rows overlap by one; ReLU acts on the first layer alone."""
    layers = (
        Conv("conv1", ConvShape(1, 2, 1), scaled=False, relu=False),
        Flatten(),
        Linear("linear1", LinearShape(4, 2, 3), relu=True),
        Linear("linear2", LinearShape(2, 1)),
    )
    weights = (
        LayerWeights(np.float32([[1], [10]]), None, None, np.float32([0, 0])),
        LayerWeights(np.float32([1, 2, 3, 4, 5, 6, -7]), None, None, np.float32([0.5, 0])),
        LayerWeights(np.float32([-1, 1]), None, None, np.float32([0.25])),
    )
    engine = NumpyEngine(Model(Network(layers), weights, ("a",), ANY_AUDIO))
    # Features 1, 2, 10, 20: rows (1, 2, 3, 4) and (4, 5, 6, -7) give 115.5 and -66, so 0.
    assert engine.logits(np.float32([[1, 2]])).tolist() == [[-115.5 + 0.25]]


@settings(deadline=None, max_examples=40)
@given(data=st.data(), seed=st.integers(0, 9))
def test_a_window_gives_the_same_logits_in_any_company(
    data, seed: int, networks, make_model
) -> None:
    network, n_samples = data.draw(networks)
    windows = np.random.default_rng(seed).standard_normal((3, n_samples)).astype(np.float32)
    engine = NumpyEngine(make_model(network, ANY_AUDIO, seed))
    alone = [engine.logits(window[np.newaxis])[0] for window in windows]
    assert np.array_equal(engine.logits(windows), np.stack(alone))


def test_running_changes_neither_the_windows_nor_the_model(small_model: Model) -> None:
    engine = NumpyEngine(small_model)
    windows = np.random.default_rng(0).standard_normal((2, 300)).astype(np.float32)
    before = windows.copy()
    first = engine.logits(windows)
    assert np.array_equal(windows, before)
    assert np.array_equal(engine.logits(windows), first)
    assert np.array_equal(NumpyEngine(small_model).logits(windows), first)


def test_codes_stand_for_their_values(small_model: Model) -> None:
    """An 8-bit model is the float32 model of its dequantised numbers, bit for bit."""
    small = compress(small_model)
    weights = tuple(
        LayerWeights(
            own.phi.values(),
            own.pointwise.values() if own.pointwise else None,
            own.multiplier,
            own.bias,
        )
        for own in small.weights
    )
    real = Model(small.network, weights, small.labels, small.audio)
    windows = np.random.default_rng(0).standard_normal((2, 300)).astype(np.float32)
    found = NumpyEngine(small).logits(windows)
    assert np.array_equal(found, NumpyEngine(real).logits(windows))
    assert not np.array_equal(found, NumpyEngine(small_model).logits(windows))


# -------------------------------------------------------------------------------- refusals


def test_no_windows_give_no_logits(small_model: Model) -> None:
    found = NumpyEngine(small_model).logits(np.zeros((0, 800), np.float32))
    assert found.shape == (0, 3)


def test_windows_that_are_too_short_are_refused(small_model: Model) -> None:
    shortest = small_model.network.min_samples
    engine = NumpyEngine(small_model)
    assert engine.logits(np.zeros((2, shortest), np.float32)).shape == (2, 3)
    message = rf"windows of shape \(2, {shortest - 1}\); expected .*at least {shortest} samples"
    with pytest.raises(ParameterError, match=message):
        engine.logits(np.zeros((2, shortest - 1), np.float32))


@pytest.mark.parametrize("shape", [(800,), (1, 1, 800)])
def test_windows_that_are_no_matrix_are_refused(shape: tuple[int, ...], small_model: Model) -> None:
    with pytest.raises(ParameterError, match=r"windows of shape .*; expected \[n_windows"):
        NumpyEngine(small_model).logits(np.zeros(shape, np.float32))


def test_windows_of_another_length_than_flatten_needs_are_refused(make_model) -> None:
    layers = (
        Conv("conv1", ConvShape(1, 2, 3)),
        Flatten(),
        Linear("linear1", LinearShape(2 * 8, 4)),
    )
    engine = NumpyEngine(make_model(Network(layers), ANY_AUDIO))
    assert engine.logits(np.zeros((1, 10), np.float32)).shape == (1, 4)
    with pytest.raises(ParameterError, match=r"linear1: 18 inputs, .*another length.*expected 16"):
        engine.logits(np.zeros((1, 11), np.float32))


# ---------------------------------------------------------------------------- without torch

_HEAVY = "torch", "librosa", "scipy", "sklearn", "rich", "typer", "pydantic"
_CHILD = f"""
import sys
from pathlib import Path
import wsnet_cli.engine.session
after_import = [name for name in {_HEAVY!r} if name in sys.modules]
import numpy as np
scores = wsnet_cli.engine.session.Classifier.load(Path(sys.argv[1])).classify(np.ones(900), 16_000)
after_use = [name for name in {_HEAVY!r} if name in sys.modules]
print(after_import, after_use, "numpy" in sys.modules, len(scores))
"""


def test_a_child_process_classifies_without_torch(small_model_file: Path) -> None:
    command = [sys.executable, "-c", _CHILD, str(small_model_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "[] [] True 3"

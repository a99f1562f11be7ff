from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.networks.filters import offset_bounds
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.learn.modules.layers import SampledConv1d, SampledLinear, fold_channels

FLOAT64 = 1e-11
"""Largest relative difference of two float64 sums of at most some hundred terms."""

EDGES = {
    "dense": ConvShape(3, 4, 5, 1, 2),
    "S = 1": ConvShape(2, 5, 4, 1, 1, Sampling(1)),
    "S = L": ConvShape(2, 3, 4, 2, 1, Sampling(4)),
    "C = M": ConvShape(6, 3, 4, 1, 2, Sampling(2, 6)),
    "M = 1": ConvShape(1, 4, 8, 2, 4, Sampling(2)),
    "L = 1": ConvShape(4, 3, 1, 1, 0, Sampling(1, 2)),
    "N = 1": ConvShape(4, 1, 3, 1, 0, Sampling(2, 2)),
    "D = 2": ConvShape(4, 3, 6, 2, 3, Sampling(4, 2, 2)),
    "D = S": ConvShape(2, 3, 6, 3, 0, Sampling(3, 1, 3)),
    "padding > L": ConvShape(2, 2, 2, 3, 5, Sampling(1, 2)),
}
IRREGULAR = {
    "learned": ConvShape(4, 5, 6, 2, 3, Sampling(3, 2, 1, "learned")),
    "random, D = 2": ConvShape(4, 3, 6, 2, 3, Sampling(4, 2, 2, "random")),
    "one place": ConvShape(2, 1, 3, 1, 0, Sampling(1, 2, 1, "learned")),
    "groups apart": ConvShape(6, 3, 4, 1, 2, Sampling(2, 3, group_offset=4)),
    "signs": ConvShape(6, 3, 4, 1, 2, Sampling(2, 3, signs=True)),
    "all": ConvShape(6, 3, 5, 2, 1, Sampling(2, 3, 2, "learned", 2, True)),
}


def relative_difference(found: torch.Tensor | np.ndarray, expected: np.ndarray) -> float:
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    assert found.shape == expected.shape
    return float(np.max(np.abs(found - expected)) / (np.max(np.abs(expected)) + 1e-30))


def expected_output(layer: SampledConv1d, audio: np.ndarray, naive_conv) -> np.ndarray:
    """The loops of the definition, then the 1x1 of denser sampling."""
    phi = layer.phi.detach().numpy()
    offsets = None if layer.places is None else layer.places.export()
    out = np.stack([naive_conv(row, phi, layer.shape, offsets) for row in audio])
    if layer.pointwise is None:
        return out
    return np.einsum("nd,bdt->bnt", layer.pointwise.detach().numpy(), out)


def move_places(layer: SampledConv1d, seed: int) -> None:
    """Give every filter any place, where it may have one."""
    if layer.places is not None:
        least, most = offset_bounds(layer.shape)
        codes = np.random.default_rng(seed).integers(least, most, endpoint=True)
        layer.places.load(codes.astype(np.int16))


def check_forward(shape: ConvShape, n_more: int, naive_conv) -> None:
    layer = SampledConv1d(shape).double()
    move_places(layer, n_more)
    audio = np.random.default_rng(n_more).standard_normal(
        (2, shape.n_in, shape.input_length(1) + n_more)
    )
    found = layer(torch.from_numpy(audio))
    assert found.shape == (2, shape.n_out, shape.output_length(audio.shape[2]))
    assert relative_difference(found, expected_output(layer, audio, naive_conv)) < FLOAT64


@pytest.mark.parametrize("shape", EDGES.values(), ids=EDGES.keys())
def test_convolution_follows_its_definition_at_the_edges(shape: ConvShape, naive_conv) -> None:
    check_forward(shape, 0, naive_conv)
    check_forward(shape, 11, naive_conv)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), n_more=st.integers(0, 9))
def test_convolution_follows_its_definition(data, n_more: int, conv_shapes, naive_conv) -> None:
    check_forward(data.draw(conv_shapes), n_more, naive_conv)


@pytest.mark.parametrize("shape", IRREGULAR.values(), ids=IRREGULAR.keys())
def test_irregular_convolution_follows_its_definition(shape: ConvShape, naive_conv) -> None:
    check_forward(shape, 0, naive_conv)
    check_forward(shape, 11, naive_conv)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), n_more=st.integers(0, 9))
def test_any_irregular_convolution_follows_its_definition(
    data, n_more: int, irregular_shapes, naive_conv
) -> None:
    check_forward(data.draw(irregular_shapes), n_more, naive_conv)


@pytest.mark.parametrize("shape", IRREGULAR.values(), ids=IRREGULAR.keys())
def test_gradients_of_weights_and_input_are_finite_differences(shape: ConvShape) -> None:
    layer = SampledConv1d(shape).double()
    move_places(layer, 1)
    audio = torch.randn(1, shape.n_in, shape.input_length(2)).double().requires_grad_()

    def run(phi: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"phi": phi}, (audio,))

    assert torch.autograd.gradcheck(run, (layer.phi, audio))


def test_convolution_by_hand() -> None:
    """M = 2, C = 2, N = 2, L = 2, S = 1: the two channels are added, the filters share a weight."""
    layer = SampledConv1d(ConvShape(2, 2, 2, 1, 0, Sampling(1, 2)))
    with torch.no_grad():
        layer.phi.copy_(torch.tensor([[1.0], [10.0], [100.0]]))
    found = layer(torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    assert found.tolist() == [[[75.0, 97.0], [750.0, 970.0]]]


def dense_kernel(layer: SampledConv1d) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """The expanded kernel [D*N, M, L] as a leaf, and the row and column of Phi of each of it."""
    sampling = layer.shape.sampling
    step = sampling.stride // sampling.denser if sampling else layer.shape.length
    n, m, tap = np.indices((layer.shape.n_sampled, layer.shape.n_in, layer.shape.length))
    rows, columns = n * step + tap, m % layer.phi.shape[1]
    kernel = torch.from_numpy(layer.phi.detach().numpy()[rows, columns]).requires_grad_()
    return kernel, rows, columns


def check_gradients(shape: ConvShape, n_more: int) -> None:
    layer = SampledConv1d(shape).double()
    kernel, rows, columns = dense_kernel(layer)
    audio = torch.randn(2, shape.n_in, shape.input_length(1) + n_more).double()
    twin = audio.clone().requires_grad_()
    audio.requires_grad_()
    dense = torch.nn.functional.conv1d(twin, kernel, stride=shape.stride, padding=shape.padding)
    if layer.pointwise is not None:
        dense = torch.einsum("nd,bdt->bnt", layer.pointwise, dense)
    found = layer(audio)
    assert relative_difference(found, dense.detach().numpy()) < FLOAT64
    upstream = torch.randn_like(dense)
    dense.backward(upstream)
    pointwise_gradient = layer.pointwise.grad.clone() if layer.pointwise is not None else None
    layer.zero_grad()
    found.backward(upstream)
    expected = np.zeros(layer.phi.shape)
    np.add.at(expected, (rows, columns), kernel.grad.numpy())
    assert relative_difference(layer.phi.grad, expected) < FLOAT64
    assert relative_difference(audio.grad, twin.grad.numpy()) < FLOAT64
    if pointwise_gradient is not None:
        assert relative_difference(layer.pointwise.grad, pointwise_gradient.numpy()) < FLOAT64


@pytest.mark.parametrize("shape", EDGES.values(), ids=EDGES.keys())
def test_value_and_gradients_are_those_of_the_dense_kernel_at_the_edges(shape: ConvShape) -> None:
    check_gradients(shape, 8)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), n_more=st.integers(0, 12))
def test_value_and_gradients_are_those_of_the_dense_kernel(data, n_more: int, conv_shapes) -> None:
    check_gradients(data.draw(conv_shapes), n_more)


def test_kernel_is_a_view_of_phi() -> None:
    layer = SampledConv1d(ConvShape(4, 3, 4, 1, 0, Sampling(2, 2)))
    assert layer.kernel().shape == (3, 2, 4)
    assert layer.kernel().data_ptr() == layer.phi.data_ptr()


@pytest.mark.parametrize(
    "shape", [ConvShape(8, 256, 64), ConvShape(8, 999, 64, sampling=Sampling(64, 4))]
)
def test_filters_start_with_the_fan_in_of_the_expanded_filter(shape: ConvShape) -> None:
    """He: the variance is 2 / (L * M), whatever C; 5 % is 7 deviations of the estimate."""
    layer = SampledConv1d(shape)
    assert float(layer.phi.detach().var()) == pytest.approx(2 / (64 * 8), rel=0.05)


def test_folding_adds_the_channels_that_share_a_column() -> None:
    audio = torch.arange(12.0).reshape(1, 6, 2)
    assert fold_channels(audio, 2).tolist() == [[[0 + 4 + 8, 1 + 5 + 9], [2 + 6 + 10, 3 + 7 + 11]]]
    assert fold_channels(audio, 6) is audio


def test_signs_are_taken_before_groups_are_added() -> None:
    audio = torch.arange(12.0).reshape(1, 6, 2)
    signs = torch.tensor([1.0, 1, -1, 1, 1, -1])
    assert fold_channels(audio, 2, signs).tolist() == [
        [[0 - 4 + 8, 1 - 5 + 9], [2 + 6 - 10, 3 + 7 - 11]]
    ]


# --------------------------------------------------------------------------- fully connected


def check_linear(shape: LinearShape) -> None:
    layer = SampledLinear(shape).double()
    with torch.no_grad():
        layer.bias.normal_()
    phi, bias = layer.phi.detach().numpy(), layer.bias.detach().numpy()
    step = shape.n_in if shape.sampling_stride is None else shape.sampling_stride
    features = np.random.default_rng(0).standard_normal((3, shape.n_in))
    expected = np.zeros((3, shape.n_out))
    gradient = np.zeros(len(phi))
    upstream = np.random.default_rng(1).standard_normal((3, shape.n_out))
    for b in range(3):
        for j in range(shape.n_out):
            expected[b, j] = bias[j]
            for i in range(shape.n_in):
                expected[b, j] += features[b, i] * phi[j * step + i]
                gradient[j * step + i] += features[b, i] * upstream[b, j]
    found = layer(torch.from_numpy(features))
    found.backward(torch.from_numpy(upstream))
    assert relative_difference(found, expected) < FLOAT64
    assert relative_difference(layer.phi.grad, gradient) < FLOAT64
    assert relative_difference(layer.bias.grad, upstream.sum(axis=0)) < FLOAT64


@pytest.mark.parametrize(
    "shape",
    [
        LinearShape(5, 3),
        LinearShape(5, 3, 1),
        LinearShape(5, 3, 5),
        LinearShape(5, 3, 2),
        LinearShape(1, 4, 1),
        LinearShape(6, 1, 4),
    ],
    ids=str,
)
def test_linear_follows_its_definition_at_the_edges(shape: LinearShape) -> None:
    check_linear(shape)


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_linear_follows_its_definition(data, linear_shapes) -> None:
    check_linear(data.draw(linear_shapes))


def test_a_multiplier_by_hand() -> None:
    """Rows (1, 2) and (2, 3) on (10, 100), times 2 and -1, plus 1 and 5."""
    layer = SampledLinear(LinearShape(2, 2, 1), scaled=True)
    assert layer.multiplier.tolist() == [1, 1]
    with torch.no_grad():
        layer.phi.copy_(torch.tensor([1.0, 2.0, 3.0]))
        layer.multiplier.copy_(torch.tensor([2.0, -1.0]))
        layer.bias.copy_(torch.tensor([1.0, 5.0]))
    assert layer(torch.tensor([[10.0, 100.0]])).tolist() == [[421, -315]]
    assert SampledLinear(LinearShape(2, 2, 1)).multiplier is None

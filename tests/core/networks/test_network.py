from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.networks.network import Conv, Flatten, Layer, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, Cost, LinearShape, Sampling

CONV1 = Conv("conv1", ConvShape(1, 4, 6, 2, 3, Sampling(2)), pool=Pool(3, 2))
CONV2 = Conv("conv2", ConvShape(4, 3, 4, 1, 0), scaled=False, relu=False)
LINEAR = Linear("linear", LinearShape(3, 5))


@st.composite
def bodies(draw: st.DrawFn) -> Network:
    """Up to four convolutions of one channel with any pools, then a mean."""
    layers: list[Layer] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        length = draw(st.integers(1, 7))
        shape = ConvShape(1, 1, length, draw(st.integers(1, 3)), draw(st.integers(0, length - 1)))
        sizes = st.builds(Pool, st.integers(1, 5), st.integers(1, 4))
        layers.append(Conv(f"conv{number}", shape, pool=draw(st.none() | sizes)))
    return Network((*layers, Mean()))


def steps_after(network: Network, n_samples: int) -> list[int]:
    """Time steps after each convolution, by counting the windows that fit."""
    lengths = []
    for layer in network.convolutions:
        n_samples += 2 * layer.shape.padding
        n_samples = len(range(0, n_samples - layer.shape.length + 1, layer.shape.stride))
        if layer.pool:
            n_samples = len(range(0, n_samples - layer.pool.size + 1, layer.pool.stride))
        lengths.append(n_samples)
    return lengths


@settings(deadline=None, max_examples=150)
@given(bodies(), st.integers(0, 60))
def test_lengths_are_the_windows_that_fit(network: Network, surplus: int) -> None:
    n_samples = network.min_samples + surplus
    assert list(network.lengths(n_samples)) == steps_after(network, n_samples)


@settings(deadline=None, max_examples=150)
@given(bodies())
def test_min_samples_is_the_shortest_input_that_leaves_a_value(network: Network) -> None:
    assert all(steps_after(network, network.min_samples))
    assert network.min_samples == 1 or not all(steps_after(network, network.min_samples - 1))


@settings(deadline=None, max_examples=150)
@given(bodies())
def test_receptive_field_spans_the_samples_that_one_value_depends_on(network: Network) -> None:
    first = last = 0
    for layer in reversed(network.convolutions):
        if layer.pool:
            first, last = first * layer.pool.stride, last * layer.pool.stride + layer.pool.size - 1
        first, last = first * layer.shape.stride, last * layer.shape.stride + layer.shape.length - 1
    assert network.receptive_field == last - first + 1


@settings(deadline=None, max_examples=100)
@given(
    st.builds(Pool, st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 9),
)
def test_pool_input_length_is_the_shortest(pool: Pool, n_outputs: int) -> None:
    shortest = pool.input_length(n_outputs)
    assert pool.output_length(shortest) == n_outputs
    assert pool.output_length(shortest - 1) == n_outputs - 1


def test_counts_by_hand() -> None:
    network = Network((CONV1, CONV2, Mean(), LINEAR))
    assert network.weighted == (CONV1, CONV2, LINEAR)
    assert network.convolutions == (CONV1, CONV2)
    assert network.n_classes == 5
    assert network.n_weights == (6 + 3 * 2) + 4 * 4 * 3 + 3 * 5
    assert network.n_constants == 2 * 4 + 3 + 5
    assert network.n_parameters == 75 + 16
    assert network.n_dense_parameters == 6 * 4 + 48 + 15 + 16
    assert network.min_samples == ((4 - 1) * 2 + 3 - 1) * 2 + 6 - 2 * 3
    assert network.lengths(20) == (5, 2)
    assert network.receptive_field == 6 + 2 * 2 + 3 * 4


def test_costs_count_dense_layers_as_dense() -> None:
    network = Network((CONV1, CONV2, Mean(), LINEAR))
    conv2, linear = Cost(2 * 4 * 4 * 3), Cost(15)
    assert network.costs(20, "dense") == (Cost(11 * 6 * 4), conv2, linear)
    recurrence = CONV1.shape.cost(20, "recurrence")
    assert network.costs(20, "recurrence") == (recurrence, conv2, linear)
    assert recurrence != Cost(11 * 6 * 4)


def test_too_short_input_is_refused_with_the_length_needed() -> None:
    network = Network((CONV1, CONV2, Mean(), LINEAR))
    message = "an input of 15 samples is too short for this network; expected at least 16 samples"
    with pytest.raises(ParameterError, match=message):
        network.lengths(15)
    with pytest.raises(ParameterError, match=message):
        network.costs(15, "dense")


@pytest.mark.parametrize(("size", "stride"), [(0, 1), (1, 0), (-2, 1)])
def test_impossible_pool_is_refused(size: int, stride: int) -> None:
    with pytest.raises(ParameterError, match=f"pool = {size}/{stride}; expected integers >= 1"):
        Pool(size, stride)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "the network never reduces time; expected a mean or flatten layer"),
        ((CONV1,), "the network never reduces time; expected a mean or flatten layer"),
        ((Mean(),), "the network has no weights; expected a convolution or more"),
        ((CONV1, CONV1, Mean()), "layers = conv1, conv1, mean; expected names that differ"),
        ((CONV2, Mean()), "conv2: n_in = 4; expected 1, the channels of the layer before it"),
        ((CONV1, Mean(), LINEAR), "linear: n_in = 3; expected 4, the channels of the layer"),
        ((CONV1, Mean(), CONV2), "conv2: a convolution cannot come after time is reduced"),
        ((CONV1, CONV2, LINEAR), "linear: expected a mean or flatten layer before it"),
        ((CONV1, Mean(), Flatten()), "flatten: time is reduced already; expected one such layer"),
        ((CONV1, CONV2, Flatten()), "flatten: expected a linear layer after it"),
        (
            (CONV1, Flatten(), Linear("a", LinearShape(9, 7)), Linear("b", LinearShape(6, 2))),
            "b: n_in = 6; expected 7, the channels of the layer before it",
        ),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        Network(layers)

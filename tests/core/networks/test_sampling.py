from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.networks.sampling import WAYS, ConvShape, Cost, LinearShape, Sampling

Array = npt.NDArray[np.float64]
TOLERANCE = 1e-10
"""Relative to the largest output: float64 rounding over a few hundred terms."""


def shape_of(
    n_in: int, n_out: int, length: int, stride: int, padding: int, *sampling: int
) -> ConvShape:
    return ConvShape(n_in, n_out, length, stride, padding, Sampling(*sampling))


@st.composite
def sampled_layers(draw: st.DrawFn) -> tuple[ConvShape, int]:
    """A small sampled layer and an input length it takes; the stride need not divide S."""
    length = draw(st.integers(1, 8))
    denser = draw(st.integers(1, min(3, length)))
    step = draw(st.integers(1, length // denser))
    factor = draw(st.integers(1, 3))
    shape = ConvShape(
        n_in=factor * draw(st.integers(1, 3)),
        n_out=draw(st.integers(1, 5)),
        length=length,
        stride=draw(st.integers(1, 5)),
        padding=draw(st.integers(0, 4)),
        sampling=Sampling(step * denser, factor, denser),
    )
    return shape, shape.input_length(1) + draw(st.integers(0, 24))


EDGES = [
    (shape_of(1, 1, 1, 1, 0, 1), 1),
    (shape_of(2, 4, 6, 2, 0, 1), 20),  # S = 1
    (shape_of(2, 4, 6, 2, 0, 6), 20),  # S = L: no overlap
    (shape_of(6, 3, 4, 1, 1, 2, 6), 12),  # C = M
    (shape_of(1, 5, 8, 2, 4, 2), 30),  # M = 1
    (shape_of(2, 3, 8, 2, 0, 6, 1, 3), 30),  # D > 1
    (shape_of(2, 4, 7, 3, 2, 5), 25),  # a stride that does not divide S
    (shape_of(2, 4, 7, 5, 2, 2), 25),  # a stride beyond S
]


@dataclass
class Counter:
    """Multiply-adds, counted where they are done."""

    multiply_adds: int = 0
    additions: int = 0

    def dot(self, a: Array, b: Array) -> float:
        assert a.shape == b.shape
        self.multiply_adds += a.size
        return float(np.sum(a * b))


def pad(x: Array, shape: ConvShape) -> Array:
    return np.pad(x, ((shape.padding, shape.padding), (0, 0)))


def outputs_of(x: Array, shape: ConvShape) -> range:
    return range((len(pad(x, shape)) - shape.length) // shape.stride + 1)


def fold(x: Array, shape: ConvShape, count: Counter) -> Array:
    """F~[t, j]: the sum of the channel groups."""
    assert shape.sampling is not None
    n_columns = shape.n_in // shape.sampling.channel_factor
    folded = x[:, :n_columns].copy()
    for start in range(n_columns, shape.n_in, n_columns):
        folded += x[:, start : start + n_columns]
        count.additions += folded.size
    return folded


def convolve(x: Array, filters: list[Array], shape: ConvShape, count: Counter) -> Array:
    padded = pad(x, shape)
    windows = [padded[shape.stride * t :][: shape.length] for t in outputs_of(x, shape)]
    return np.array([[count.dot(window, own) for own in filters] for window in windows])


def by_dense(x: Array, phi: Array, shape: ConvShape, step: int, count: Counter) -> Array:
    """The definition: every filter written out, K[l, m, n] = Phi[n*step + l, m mod M*]."""
    columns = [m % phi.shape[1] for m in range(shape.n_in)]
    filters = [phi[n * step :, columns][: shape.length] for n in range(shape.n_sampled)]
    return convolve(x, filters, shape, count)


def by_folded(x: Array, phi: Array, shape: ConvShape, step: int, count: Counter) -> Array:
    filters = [phi[n * step :][: shape.length] for n in range(shape.n_sampled)]
    return convolve(fold(x, shape, count), filters, shape, count)


def by_integral(x: Array, phi: Array, shape: ConvShape, step: int, count: Counter) -> Array:
    """Prefix sums I along the diagonals u - v that are multiples of gcd(s, step)."""
    padded, grid = pad(fold(x, shape, count), shape), math.gcd(shape.stride, step)
    sums: dict[tuple[int, int], float] = {}
    for u in range(len(padded)):
        for v in range(len(phi)):
            if (u - v) % grid == 0:
                sums[u, v] = sums.get((u - 1, v - 1), 0.0) + count.dot(padded[u], phi[v])
                count.additions += 1
    result = np.zeros((len(outputs_of(x, shape)), shape.n_sampled))
    for t, n in np.ndindex(*result.shape):
        u, v = shape.stride * t - 1, n * step - 1
        end = sums[u + shape.length, v + shape.length]
        result[t, n] = end - (sums[u, v] if u >= 0 and v >= 0 else 0.0)
        count.additions += 1
    return result


def by_recurrence(x: Array, phi: Array, shape: ConvShape, step: int, count: Counter) -> Array:
    """Differences along output diagonals: r outputs and q filters on, lcm taps at either end."""
    padded, length = pad(fold(x, shape, count), shape), shape.length
    shift = math.lcm(shape.stride, step)
    r, q = shift // shape.stride, shift // step
    result = np.zeros((len(outputs_of(x, shape)), shape.n_sampled))
    for t, n in np.ndindex(*result.shape):
        u, v = shape.stride * t, n * step
        if t < r or n < q:
            result[t, n] = count.dot(padded[u : u + length], phi[v : v + length])
            continue
        u, v = u - shift, v - step * q
        left = count.dot(padded[u : u + shift], phi[v : v + shift])
        u, v = u + length, v + length
        gained = count.dot(padded[u : u + shift], phi[v : v + shift])
        result[t, n] = result[t - r, n - q] + (gained - left)
        count.additions += 1
    return result


BY_WAY = dict(zip(WAYS, (by_dense, by_folded, by_integral, by_recurrence), strict=True))


def check_all_ways(shape: ConvShape, n_samples: int) -> None:
    assert shape.sampling is not None
    rng = np.random.default_rng(n_samples)
    step = shape.sampling.stride // shape.sampling.denser
    n_filters = shape.n_out * shape.sampling.denser
    rows = shape.length + (n_filters - 1) * step
    phi = rng.normal(size=(rows, shape.n_in // shape.sampling.channel_factor))
    x = rng.normal(size=(n_samples, shape.n_in))
    expected = by_dense(x, phi, shape, step, Counter())
    n_pointwise = n_filters * shape.n_out * len(expected) if shape.sampling.denser > 1 else 0
    for way in WAYS:
        count = Counter()
        found = BY_WAY[way](x, phi, shape, step, count)
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=TOLERANCE * max(1.0, np.abs(expected).max()), err_msg=way
        )
        counted = Cost(count.multiply_adds + n_pointwise, count.additions)
        assert shape.cost(n_samples, way) == counted, way


@pytest.mark.parametrize(("shape", "n_samples"), EDGES)
def test_every_way_gives_the_same_outputs_at_the_stated_cost_at_edges(
    shape: ConvShape, n_samples: int
) -> None:
    check_all_ways(shape, n_samples)


@settings(deadline=None, max_examples=60)
@given(sampled_layers())
def test_every_way_gives_the_same_outputs_at_the_stated_cost(layer: tuple[ConvShape, int]) -> None:
    check_all_ways(*layer)


@settings(deadline=None, max_examples=60)
@given(sampled_layers())
def test_integral_image_covers_every_product_that_some_output_needs(
    layer: tuple[ConvShape, int],
) -> None:
    shape, n_samples = layer
    step, n_outputs = shape.filter_step, shape.output_length(n_samples)
    needed = {
        (shape.stride * t + tap, n * step + tap)
        for t in range(n_outputs)
        for n in range(shape.n_sampled)
        for tap in range(shape.length)
    }
    pointwise = n_outputs * math.prod(shape.pointwise_shape or (0,))
    products = shape.cost(n_samples, "integral").multiply_adds - pointwise
    lattice = math.gcd(shape.stride, step)
    assert all((u - v) % lattice == 0 for u, v in needed)
    assert len(needed) * shape.condensed_channels <= products


@settings(deadline=None, max_examples=80)
@given(sampled_layers())
@example((shape_of(1, 1, 1, 4, 3, 1), 1))
def test_input_length_is_the_shortest_that_gives_the_outputs(layer: tuple[ConvShape, int]) -> None:
    shape, n_samples = layer
    n_outputs = len(outputs_of(np.zeros((n_samples, shape.n_in)), shape))
    assert shape.output_length(n_samples) == n_outputs
    shortest = shape.input_length(n_outputs)
    assert shape.output_length(shortest) >= n_outputs
    assert shortest == 1 or shape.output_length(shortest - 1) < n_outputs


def test_conv1_of_soundnet8_by_hand() -> None:
    shape = shape_of(1, 16, 64, 2, 32, 2)
    assert (shape.condensed_length, shape.condensed_channels) == (64 + 15 * 2, 1)
    assert (shape.n_weights, shape.n_dense_weights) == (94, 1024)
    assert shape.compactness == pytest.approx(1024 / 94)
    assert shape.output_length(110_250) == 55_126
    assert shape.cost(110_250, "dense") == Cost(55_126 * 64 * 16)
    starts, steps = 16 + 55_125, 55_125 * 15
    assert shape.cost(110_250, "recurrence") == Cost(starts * 64 + steps * 4, steps)


def test_denser_layer_by_hand() -> None:
    shape = shape_of(6, 4, 8, 2, 0, 4, 3, 2)
    assert (shape.n_sampled, shape.filter_step) == (8, 2)
    assert (shape.condensed_length, shape.condensed_channels) == (8 + 7 * 2, 2)
    assert shape.pointwise_shape == (4, 8)
    assert shape.n_weights == 22 * 2 + 32
    assert shape.n_dense_weights == 8 * 6 * 4
    assert shape.cost(20, "dense") == Cost(7 * (8 * 6 * 8 + 32))
    assert shape.cost(20, "folded") == Cost(7 * (8 * 2 * 8 + 32), 20 * 4)


def test_dense_layer_is_the_case_without_overlap() -> None:
    shape = ConvShape(3, 5, 4, 2, 1)
    assert shape.condensed_length * shape.condensed_channels == shape.n_dense_weights == 60
    assert shape.compactness == 1
    assert shape.pointwise_shape is None
    assert shape.cost(10, "folded") == shape.cost(10, "dense") == Cost(5 * 60)


def test_linear_by_hand() -> None:
    sampled = LinearShape(1536, 256, 12)
    assert (LinearShape(8, 3).n_weights, LinearShape(8, 3).compactness) == (24, 1)
    assert (sampled.n_weights, sampled.n_dense_weights) == (1536 + 255 * 12, 1536 * 256)
    assert sampled.compactness == pytest.approx(393_216 / 4_596)
    assert sampled.cost + Cost(3, 5) == Cost(393_219, 5)
    assert (LinearShape(8, 3, 1).n_weights, LinearShape(8, 3, 8).n_weights) == (10, 24)


GOOD = shape_of(6, 4, 8, 2, 0, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_in": 0}, "n_in = 0; expected an integer >= 1"),
        ({"n_out": 0}, "n_out = 0; expected an integer >= 1"),
        ({"length": 0}, "length = 0; expected an integer >= 1"),
        ({"stride": 0}, "stride = 0; expected an integer >= 1"),
        ({"padding": -1}, "padding = -1; expected an integer >= 0"),
        ({"sampling": Sampling(0)}, "stride = 0; expected 1 to the filter length 8"),
        ({"sampling": Sampling(9)}, "stride = 9; expected 1 to the filter length 8"),
        ({"sampling": Sampling(4, 4)}, "channel_factor = 4; expected a divisor of the 6 input"),
        ({"sampling": Sampling(4, 0)}, "channel_factor = 0; expected a divisor of the 6 input"),
        ({"sampling": Sampling(4, 1, 3)}, "denser = 3; expected a divisor of the sampling stride"),
        ({"sampling": Sampling(4, 1, 0)}, "denser = 0; expected a divisor of the sampling stride"),
    ],
)
def test_impossible_layer_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        replace(GOOD, **change)


def test_impossible_cost_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"^way = 'fast'; expected dense, folded, integral, recu"
    ):
        GOOD.cost(20, "fast")
    with pytest.raises(ParameterError, match=r"^n_samples = 7; expected at least 8"):
        GOOD.cost(7, "dense")
    with pytest.raises(ParameterError, match=r"^way = 'recurrence'; expected dense or folded here"):
        replace(GOOD, sampling=None).cost(20, "recurrence")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "n_in = 0; expected an integer >= 1"),
        ((3, 0), "n_out = 0; expected an integer >= 1"),
        ((3, 3, 0), "stride = 0; expected 1 to the 3 inputs"),
        ((3, 3, 4), "stride = 4; expected 1 to the 3 inputs"),
    ],
)
def test_impossible_linear_layer_is_refused(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        LinearShape(*arguments)


# ---------------------------------------------------------------------------- irregular windows


def irregular(**sampling: object) -> ConvShape:
    own = Sampling(2, 3, **sampling)  # type: ignore[arg-type]
    return ConvShape(6, 4, 8, 2, 0, own)


def test_offsets_change_neither_phi_nor_what_folds() -> None:
    regular, learned = irregular(), irregular(offsets="learned")
    assert (regular.n_offsets, learned.n_offsets) == (0, 4)
    assert replace(irregular(denser=2), sampling=Sampling(2, 3, 2, "random")).n_offsets == 8
    assert learned.condensed_length == regular.condensed_length == 8 + 3 * 2
    assert learned.n_weights == regular.n_weights
    assert learned.folded_channels == regular.folded_channels == 2
    assert (regular.is_regular, learned.is_regular) == (True, False)
    assert learned.cost(20, "folded") == regular.cost(20, "folded")


def test_group_offsets_lengthen_phi_and_end_folding() -> None:
    shape = irregular(group_offset=5)
    assert shape.condensed_length == 8 + 3 * 2 + 2 * 5
    assert shape.n_weights == 24 * 2
    assert (shape.condensed_channels, shape.folded_channels) == (2, 6)
    assert not shape.is_regular
    assert shape.cost(20, "folded") == shape.cost(20, "dense") == Cost(7 * 8 * 6 * 4)


def test_signs_cost_nothing() -> None:
    signed = irregular(signs=True)
    assert signed.is_regular
    for way in WAYS:
        assert signed.cost(20, way) == irregular().cost(20, way)


@pytest.mark.parametrize("way", ["integral", "recurrence"])
@pytest.mark.parametrize(
    "more", [{"offsets": "random"}, {"offsets": "learned"}, {"group_offset": 1}]
)
def test_what_is_irregular_shares_nothing_over_time(way: str, more: dict[str, object]) -> None:
    shape = irregular(**more)
    assert irregular().has_way(way)
    assert not shape.has_way(way)
    with pytest.raises(ParameterError, match=f"^way = '{way}'; expected dense or folded here"):
        shape.cost(20, way)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (
            Sampling(2, 3, offsets="some"),
            "offsets = 'some'; expected one of regular, random, learned",
        ),
        (Sampling(2, 3, group_offset=-1), "group_offset = -1; expected 0 to 14 rows"),
        (Sampling(2, 3, group_offset=15), "group_offset = 15; expected 0 to 14 rows"),
        (Sampling(2, 1, group_offset=1), "group_offset = 1; expected 0 where channel_factor is 1"),
        (Sampling(2, 1, signs=True), "signs = True; expected False where channel_factor is 1"),
    ],
)
def test_impossible_windows_are_refused(sampling: Sampling, message: str) -> None:
    assert irregular(group_offset=14).condensed_length == 14 * 3
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        replace(GOOD, sampling=replace(sampling, stride=2))

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.quant import (
    BITS,
    QuantizedTensor,
    from_half,
    quantize,
    signal_to_noise_db,
    to_half,
)

Array = npt.NDArray[np.float32]
LAST_BIT = 1 + 2.0**-20
"""Slack for float32 rounding of the bounds, which hold for real numbers."""


def arrays(smallest: float, largest: float) -> st.SearchStrategy[Array]:
    """Arrays of float32 at any common magnitude, zeros and tiny values beside large ones."""
    elements = st.floats(-1, 1, width=32)
    shapes = hnp.array_shapes(max_dims=2, max_side=12)
    scales = st.floats(math.log10(smallest), math.log10(largest)).map(lambda power: 10.0**power)
    units = hnp.arrays(np.float32, shapes, elements=elements)
    return st.builds(lambda unit, scale: _within(unit, scale, smallest), units, scales)


def _within(unit: Array, scale: float, smallest: float) -> Array:
    """Scaled, and all zero where the largest magnitude falls below the promised range."""
    scaled = (unit.astype(np.float64) * scale).astype(np.float32)
    return scaled if np.abs(scaled).max() >= smallest else np.zeros_like(scaled)


weights = arrays(1e-36, 1e38)
EDGE = np.float32([1.0, -1.0, 0.5, 1e-30, 0.0, 127 / 254 + 2**-24])


@settings(deadline=None, max_examples=200)
@given(weights)
@example(EDGE)
def test_no_value_moves_by_more_than_half_a_step(real: Array) -> None:
    q = quantize(real)
    within = np.clip(real, -127 * q.scale, 127 * q.scale)
    moved = np.abs(q.values().astype(np.float64) - within)
    assert moved.max() <= q.scale / 2 + np.abs(real).max() * 2.0**-22
    assert np.abs(real).max() <= 127 * q.scale / 0.7 * LAST_BIT


@settings(deadline=None, max_examples=200)
@given(weights)
@example(EDGE)
def test_the_scale_has_no_more_squared_error_than_the_whole_range(real: Array) -> None:
    if not real.any():
        return
    step = np.abs(real).max() / np.float32(127)
    whole = (np.clip(np.rint(real / step), -127, 127) * step).astype(np.float64)

    def error(values: npt.NDArray[np.float64]) -> float:
        return float(np.sum((values - real) ** 2))

    assert error(quantize(real).values().astype(np.float64)) <= error(whole) * LAST_BIT


def test_outliers_are_clipped_where_that_lowers_the_error() -> None:
    bulk = np.random.default_rng(0).normal(0, 1, 100_000)
    outlier = np.float32([*bulk, 6.0])
    q = quantize(outlier)
    assert 0.7 * 6 / 127 < q.scale < 0.9 * 6 / 127
    assert q.codes[-1] == 127
    assert signal_to_noise_db(outlier, q.values()) > signal_to_noise_db(
        outlier, np.rint(outlier / (6 / 127)) * (6 / 127)
    )


@settings(deadline=None, max_examples=200)
@given(weights)
@example(EDGE)
def test_quantizing_again_changes_nothing(real: Array) -> None:
    q = quantize(real)
    again = quantize(q.values())
    assert again.scale == q.scale
    np.testing.assert_array_equal(again.codes, q.codes)


def test_a_scale_that_does_not_come_back_from_its_largest_weight_is_found_again() -> None:
    scales = np.random.default_rng(0).uniform(1, 2, 3_000).astype(np.float32)
    lost = scales[scales * np.float32(127) / np.float32(127) != scales]
    assert len(lost) > 10
    codes = np.arange(-127, 128).astype(np.int8)
    for scale in lost:
        q = quantize(QuantizedTensor(codes, float(scale)).values())
        assert q.scale == float(scale)
        np.testing.assert_array_equal(q.codes, codes)


@settings(deadline=None, max_examples=200)
@given(weights)
def test_negative_weights_are_the_mirror_image_and_zero_stays_zero(real: Array) -> None:
    q, mirrored = quantize(real), quantize(-real)
    assert mirrored.scale == q.scale
    np.testing.assert_array_equal(mirrored.codes, -q.codes)
    assert not q.values()[real == 0].any()


@settings(deadline=None, max_examples=200)
@given(weights)
def test_codes_fill_the_symmetric_range(real: Array) -> None:
    q = quantize(real)
    assert q.codes.dtype == np.int8
    assert q.codes.shape == real.shape
    assert np.abs(q.codes.astype(int)).max() == (127 if real.any() else 0)
    assert (q.scale == 0) == (not real.any())
    assert q.scale == float(np.float32(q.scale))


def test_quantize_by_hand() -> None:
    q = quantize([[2.54, -1.27, 0.0], [0.009, 0.011, 0.0299]])
    assert q.scale == pytest.approx(0.02)
    assert q.codes.tolist() == [[127, -64, 0], [0, 1, 1]]
    assert q.values().dtype == np.float32
    assert q.values()[0].tolist() == pytest.approx([2.54, -1.28, 0])
    assert quantize([]).values().shape == (0,)
    assert QuantizedTensor(np.int8([[-3]]), 0.5).values().tolist() == [[-1.5]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    for function in (quantize, lambda w: quantize(w, scheme="min-max"), to_half):
        with pytest.raises(ParameterError, match=r"^weights hold NaN or infinity; expected finite"):
            function([1.0, bad])


def min_max(real: npt.ArrayLike, bits: int = 8) -> Array:
    return quantize(real, bits, "min-max").values()


def test_paper_scheme_by_hand() -> None:
    assert min_max([-1.0, 0.0, 254.0, 100.4, 100.6]).tolist() == [-1, 0, 254, 100, 101]
    assert min_max([10.0, 520.0, 11.9, 12.1]).tolist() == [10, 520, 12, 12]
    assert min_max([3.25, 3.25]).tolist() == [3.25, 3.25]
    assert min_max([]).tolist() == []
    assert min_max([[0.0], [1.0]]).shape == (2, 1)
    q = quantize([-1.0, 14.0, 2.4, 0.0], 4, "min-max")
    assert (q.codes.tolist(), q.scale, q.offset, q.bits) == ([-8, 7, -5, -7], 1.0, 7.0, 4)
    assert q.scheme == "min-max"
    assert quantize([0.0, 0.0], 4, "min-max").scheme == "symmetric"


@settings(deadline=None, max_examples=200)
@given(arrays(1e-30, 1e37), st.sampled_from(BITS))
def test_paper_scheme_has_2_to_the_bits_levels_between_minimum_and_maximum(
    real: Array, bits: int
) -> None:
    rounded = min_max(real, bits)
    low, high = float(real.min()), float(real.max())
    slack = max(abs(low), abs(high)) * 2.0**-20
    assert rounded.dtype == np.float32
    assert (
        np.abs(rounded - real.astype(np.float64)).max()
        <= (high - low) / (2 * (2**bits - 1)) + slack
    )
    assert abs(rounded.min() - low) <= slack
    assert abs(rounded.max() - high) <= slack


@pytest.mark.parametrize("bits", BITS)
def test_paper_scheme_uses_all_levels(bits: int) -> None:
    assert len(np.unique(min_max(np.linspace(-1, 3, 100_001), bits))) == 2**bits


# ------------------------------------------------------------------------------ fewer bits

FEWER = st.sampled_from([6, 5, 4])


@settings(deadline=None, max_examples=200)
@given(weights, FEWER)
@example(EDGE, 4)
def test_fewer_bits_keep_the_promises_of_eight(real: Array, bits: int) -> None:
    q, most = quantize(real, bits), 2 ** (bits - 1) - 1
    assert (q.bits, q.offset, q.scheme) == (bits, 0.0, "symmetric")
    assert np.abs(q.codes.astype(int)).max() == (most if real.any() else 0)
    within = np.clip(real, -most * q.scale, most * q.scale)
    moved = np.abs(q.values().astype(np.float64) - within)
    assert moved.max() <= q.scale / 2 + np.abs(real).max() * 2.0**-22
    mirrored = quantize(-real, bits)
    assert mirrored.scale == q.scale
    np.testing.assert_array_equal(mirrored.codes, -q.codes)
    again = quantize(q.values(), bits)
    assert again.scale == q.scale
    np.testing.assert_array_equal(again.codes, q.codes)


def test_four_bits_by_hand() -> None:
    q = quantize([0.7, -0.7, 0.1, 0.14, 0.16, 0.0], 4)
    assert q.codes.tolist() == [7, -7, 1, 1, 2, 0]
    assert q.scale == pytest.approx(0.1)


@pytest.mark.parametrize(("bits", "decibels"), [(6, 29.83), (5, 24.57), (4, 19.38)])
def test_fewer_bits_clip_normal_weights_more(bits: int, decibels: float) -> None:
    """The best that 2^bits equal steps reach for a normal distribution (Max, 1960, table II), but
    for one level fewer."""
    real = np.random.default_rng(0).normal(0, 1, 100_000).astype(np.float32)
    found = quantize(real, bits)
    assert decibels - 0.6 < signal_to_noise_db(real, found.values()) < decibels
    assert found.scale * (2 ** (bits - 1) - 1) < 0.9 * np.abs(real).max()


def test_what_is_no_quantization_is_refused() -> None:
    for bits in (0, 1, 3, 7, 16, 32):
        with pytest.raises(ParameterError, match=rf"^bits = {bits}; expected one of \(8, 6, 5, 4"):
            quantize([1.0], bits)
    with pytest.raises(ParameterError, match=r"^scheme = 'k-means'; expected one of \('symm"):
        quantize([1.0], 8, "k-means")
    codes = np.int8([0, 8])
    with pytest.raises(ParameterError, match=r"^a code = 8; expected -8 to 7"):
        QuantizedTensor(codes, 1.0, 4)
    with pytest.raises(ParameterError, match=r"^a code = -9; expected -8 to 7"):
        QuantizedTensor(-codes - np.int8(1), 1.0, 4)
    with pytest.raises(ParameterError, match=r"^scale = nan; expected a finite number"):
        QuantizedTensor(codes, math.nan)
    with pytest.raises(ParameterError, match=r"^scale = -1.0; expected 0 or more"):
        QuantizedTensor(codes, -1.0)
    with pytest.raises(ParameterError, match=r"^offset = inf; expected a finite number"):
        QuantizedTensor(codes, 1.0, 8, math.inf)


constants = arrays(1e-30, 1e38)


@settings(deadline=None, max_examples=200)
@given(constants)
@example(np.float32([1.0, 2.0**-14, 2.0**-15, 2.0**-24, 2.0**-25, 1e-30]))
def test_halves_keep_eleven_bits_of_each_constant(real: Array) -> None:
    restored = from_half(*to_half(real)).astype(np.float64)
    largest = np.abs(real).max()
    bound = np.where(
        np.abs(real) >= 2.0**-14 * largest, np.abs(real) * 2.0**-11, largest * 2.0**-25
    )
    assert (np.abs(restored - real) <= bound * LAST_BIT).all()


@settings(deadline=None, max_examples=200)
@given(constants)
def test_halves_of_what_was_restored_are_the_same_bits(real: Array) -> None:
    half, factor = to_half(real)
    again, same_factor = to_half(from_half(half, factor))
    assert half.dtype == np.float16
    assert (np.abs(half) <= 1).all()
    assert same_factor == factor == np.abs(real).max(initial=0)
    assert again.tobytes() == half.tobytes()


def test_halves_by_hand() -> None:
    half, factor = to_half([3.0, -6.0, 0.0])
    assert (half.tolist(), factor) == ([0.5, -1.0, 0.0], 6.0)
    assert from_half(half, factor).tolist() == [3.0, -6.0, 0.0]
    assert from_half(half, factor).dtype == np.float32
    zeros, no_factor = to_half([0.0, 0.0])
    assert (zeros.tolist(), no_factor) == ([0.0, 0.0], 0.0)
    assert from_half(zeros, no_factor).tolist() == [0.0, 0.0]


def test_signal_to_noise_by_hand() -> None:
    assert signal_to_noise_db([10.0, 0.0], [9.0, 0.0]) == pytest.approx(20.0)
    assert signal_to_noise_db([3.0, 4.0], [3.0, 4.0]) == math.inf
    assert signal_to_noise_db([0.0], [1.0]) == pytest.approx(-3000.0)


def test_eight_bits_of_a_uniform_filter_give_about_fifty_decibels() -> None:
    real = np.random.default_rng(0).uniform(-1, 1, 100_000)
    expected = 10 * math.log10((1 / 3) / ((1 / 127) ** 2 / 12))
    assert signal_to_noise_db(real, quantize(real).values()) == pytest.approx(expected, abs=0.2)

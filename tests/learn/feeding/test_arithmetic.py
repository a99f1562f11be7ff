from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import EngineError
from wsnet_cli.engine.library import NO_LIBRARY, Library, load_library
from wsnet_cli.learn.feeding import arithmetic as arithmetics
from wsnet_cli.learn.feeding.arithmetic import (
    Arithmetic,
    CompiledArithmetic,
    CropSource,
    NumpyArithmetic,
    make_arithmetic,
    root_mean_square,
)

Crop = Callable[..., np.ndarray]


def library_or_skip() -> Library:
    try:
        return load_library()
    except EngineError:
        pytest.skip("the kernels were not built: no C compiler")


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def make(request: pytest.FixtureRequest) -> Callable[[int, int], Arithmetic]:
    """Both ways, whichever a machine would choose."""
    if request.param == "numpy":
        return NumpyArithmetic
    library = library_or_skip()
    return lambda _longest, _n_samples: CompiledArithmetic(library)


@pytest.fixture(scope="module")
def crop(make: Callable[[int, int], Arithmetic]) -> Crop:
    """A crop by either way; its level is checked."""

    def crop(
        codes: np.ndarray, n_samples: int, start: int = 0, n: int = 0, scale: float = 1.0
    ) -> np.ndarray:
        clip = CropSource(np.asarray(codes, np.int16), scale, 0.0)
        n = n or len(codes)
        out = np.full(n_samples, np.nan, np.float32)
        level = make(n + 3, n_samples).crop(clip, start, n, out)
        assert level == pytest.approx(np.sqrt(np.mean(np.square(out, dtype=float))), rel=1e-5)
        return out

    return crop


def random_codes(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32_767, 32_768, n).astype(np.int16)


def tone(hz: float, n_samples: int, rate: float = 8_000) -> np.ndarray:
    return 30_000 * np.sin(2 * np.pi * hz * np.arange(n_samples) / rate)


# -------------------------------------------------------------------------------------- crops


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 900),
    st.integers(2, 900) | st.integers(2, 60_000),
    st.integers(1, 900),
    st.floats(-1, 1),
    st.integers(0, 5),
)
def test_a_crop_is_linear_interpolation_between_zeros(
    crop: Crop, n_codes: int, n_source: int, n_samples: int, place: float, seed: int
) -> None:
    """As numpy has it in float64, wherever the part lies; places are exact to 2e-5 of a sample."""
    codes = random_codes(n_codes, seed)
    start = round(place * (n_codes + n_source))
    out = crop(codes, n_samples, start, n_source, 0.5)
    padded = np.zeros(n_source)
    inside = np.arange(max(start, 0), max(max(start, 0), min(start + n_source, n_codes)))
    padded[inside - start] = 0.5 * codes[inside]
    places = np.linspace(0, n_source - 1, n_samples)
    expected = np.interp(places, np.arange(n_source), padded)
    slope = np.abs(np.diff(padded)).max()
    assert out == pytest.approx(expected, abs=1e-2 + 4e-5 * slope)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 300), st.integers(2, 300), st.integers(0, 5))
def test_both_ends_are_kept_and_nothing_lies_beyond_its_neighbours(
    crop: Crop, n_source: int, n_samples: int, seed: int
) -> None:
    codes = random_codes(n_source, seed)
    out = crop(codes, n_samples)
    assert out[0] == codes[0]
    assert out[-1] == pytest.approx(codes[-1], abs=2)
    assert np.abs(out).max() <= np.abs(codes).max() + 1e-2


def test_crops_by_hand(crop: Crop) -> None:
    assert crop([0, 4, 2], 5).tolist() == [0, 2, 4, 3, 2]
    assert crop([0, 1, 2, 3, 4], 3).tolist() == [0, 2, 4]
    assert crop([1, 5, 2], 3).tolist() == [1, 5, 2]
    assert crop([1, 5, 2], 3, scale=0.25).tolist() == [0.25, 1.25, 0.5]
    assert crop([6, 4], 4, start=-1, n=4).tolist() == [0, 6, 4, 0]
    assert crop([6, 4], 5, start=-1, n=3).tolist() == [0, 3, 6, 5, 4]
    assert crop([6, 4], 3, start=7, n=3).tolist() == [0, 0, 0]
    assert crop([6, 4], 3, start=-9, n=5).tolist() == [0, 0, 0]
    assert crop([6, 4], 1, n=2).tolist() == [6]


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_tones_are_kept_at_a_frequency_that_moves_with_time(factor: float, crop: Crop) -> None:
    """Linear interpolation of a tone errs by (pi f)**2 / 2 at most, f in cycles per sample."""
    n = 1 + round(2_000 * factor)
    out = crop(np.rint(tone(200, 2_001)), n)
    allowed = (np.pi * 200 / 8_000) ** 2 / 2 + 1e-3
    assert np.abs(out - tone(200 / factor, n)).max() / 30_000 < allowed


def test_one_arithmetic_serves_for_parts_of_any_length(make: Callable[..., Arithmetic]) -> None:
    both = make(9, 3), NumpyArithmetic(9, 3)
    for n in (2, 9, 4, 3):
        clip = CropSource(np.arange(n, dtype=np.int16), 1.0, 1.0)
        outs = np.full((2, 3), np.nan, np.float32)
        for arithmetic, out in zip(both, outs, strict=True):
            arithmetic.crop(clip, 0, n, out)
        assert outs[0] == pytest.approx(outs[1], abs=1e-4)


# --------------------------------------------------------------------------------------- sums


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 900), st.floats(-3, 3, width=32), st.floats(-3, 3, width=32))
def test_windows_are_added_with_their_gains(
    make: Callable[..., Arithmetic], n: int, gain1: float, gain2: float
) -> None:
    first, second = np.random.default_rng(n).uniform(-1, 1, (2, n)).astype(np.float32)
    expected = gain1 * first.astype(float) + gain2 * second.astype(float)
    level = make(2, n).add(first, gain1, second.copy(), gain2)
    assert first == pytest.approx(expected, abs=1e-6)
    assert level == pytest.approx(np.sqrt(np.mean(expected**2)), rel=1e-5, abs=1e-9)


def test_levels_of_long_and_quiet_and_loud_windows_are_exact_enough() -> None:
    for scale in (1e-12, 1.0, 1e9):
        samples = (scale * np.random.default_rng(0).standard_normal(300_000)).astype(np.float32)
        expected = np.sqrt(np.mean(np.square(samples, dtype=float)))
        assert root_mean_square(samples) == pytest.approx(expected, rel=1e-5)


# --------------------------------------------------------------------------------- the choice


def test_the_library_is_used_where_there_is_one() -> None:
    library_or_skip()
    assert isinstance(make_arithmetic(9, 4), CompiledArithmetic)


def test_without_a_library_numpy_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineError(NO_LIBRARY)

    monkeypatch.setattr(arithmetics, "load_library", refuse)
    assert isinstance(make_arithmetic(9, 4), NumpyArithmetic)


def test_where_numbers_are_stored_the_other_way_round_numpy_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.byteorder", "big")
    assert isinstance(make_arithmetic(9, 4), NumpyArithmetic)

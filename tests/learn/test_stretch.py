from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import EngineError
from wsnet_cli.engine.library import NO_LIBRARY
from wsnet_cli.learn import stretch as stretching
from wsnet_cli.learn.stretch import NumpyStretch, make_stretch

StretchTo = Callable[[np.ndarray, int], np.ndarray]


def tone(hz: float, n_samples: int, rate: float = 8_000) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n_samples) / rate).astype(np.float32)


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def stretch(request: pytest.FixtureRequest) -> StretchTo:
    """Both ways of stretching to a length."""

    def to(samples: np.ndarray, n_samples: int) -> np.ndarray:
        ways = {"compiled": make_stretch, "numpy": NumpyStretch}
        out = np.full(n_samples, np.nan, np.float32)
        ways[request.param](len(samples) + 5, n_samples)(samples, out)
        return out

    return to


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 300), st.integers(2, 300), st.integers(0, 5))
def test_stretch_keeps_both_ends_and_stays_between_neighbours(
    stretch: StretchTo, n_source: int, n_samples: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, n_source).astype(np.float32)
    out = stretch(samples, n_samples)
    assert (out.shape, out.dtype) == ((n_samples,), np.float32)
    assert out[0] == samples[0]
    assert out[-1] == pytest.approx(samples[-1], abs=1e-4)
    assert np.abs(out).max() <= np.abs(samples).max() + 1e-6


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 3_000), st.integers(2, 3_000), st.integers(0, 5))
def test_stretch_is_linear_interpolation(
    stretch: StretchTo, n_source: int, n_samples: int, seed: int
) -> None:
    """As numpy has it, in float64."""
    samples = np.random.default_rng(seed).uniform(-1, 1, n_source).astype(np.float32)
    places = np.linspace(0, n_source - 1, n_samples)
    expected = np.interp(places, np.arange(n_source), samples)
    assert stretch(samples, n_samples) == pytest.approx(expected, abs=1e-6)


def test_stretch_by_hand(stretch: StretchTo) -> None:
    assert stretch(np.float32([0, 4, 2]), 5).tolist() == [0, 2, 4, 3, 2]
    assert stretch(np.float32([0, 1, 2, 3, 4]), 3).tolist() == [0, 2, 4]
    assert stretch(np.float32([1, 5, 2]), 3).tolist() == [1, 5, 2]


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_stretch_keeps_tones_at_a_frequency_that_moves_with_time(
    factor: float, stretch: StretchTo
) -> None:
    """Linear interpolation of a tone errs by (pi f)**2 / 2 at most, f in cycles per sample."""
    n = 1 + round(2_000 * factor)
    out = stretch(tone(200, 2_001), n)
    assert np.abs(out - tone(200 / factor, n)).max() < (np.pi * 200 / 8_000) ** 2 / 2 + 1e-3


def test_one_way_serves_for_pieces_of_any_length(stretch: StretchTo) -> None:
    assert make_stretch(9, 3) is not None
    for n in (2, 9, 4):
        out = np.empty(3, np.float32)
        NumpyStretch(9, 3)(np.arange(n, dtype=np.float32), out)
        assert out == pytest.approx(stretch(np.arange(n, dtype=np.float32), 3), abs=1e-6)


def test_without_a_library_numpy_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineError(NO_LIBRARY)

    monkeypatch.setattr(stretching, "load_library", refuse)
    assert isinstance(make_stretch(9, 4), NumpyStretch)

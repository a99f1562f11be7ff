from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.report.waveform import HEIGHT, N_STRETCHES, Outline, draw


def outline(samples: Any, cuts: Any = ()) -> Any:
    made = Outline()
    for block in np.split(np.asarray(samples, np.float32), sorted(cuts)):
        made.add(block)
    return made.stretches()


def test_a_short_sound_is_drawn_sample_by_sample() -> None:
    samples = np.linspace(-1, 1, 2 * N_STRETCHES - 1, dtype=np.float32)
    assert np.array_equal(outline(samples), np.stack([samples, samples], 1))


def test_a_long_sound_is_drawn_in_equal_stretches() -> None:
    samples = np.random.default_rng(0).normal(size=8 * N_STRETCHES + 3).astype(np.float32)
    width = 8  # the least power of two that leaves fewer than 2 N_STRETCHES
    parts = np.split(samples, range(width, len(samples), width))
    assert np.array_equal(outline(samples), [[p.min(), p.max()] for p in parts])


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(0, 5_000),
    cuts=st.lists(st.integers(0, 5_000), max_size=9),
    seed=st.integers(0, 9),
)
def test_the_outline_does_not_depend_on_where_the_blocks_end(n: int, cuts: Any, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=n)
    found = outline(samples, cuts)
    assert np.array_equal(found, outline(samples))
    assert len(found) <= 2 * N_STRETCHES
    if n:
        assert (found.min(), found.max()) == (np.float32(samples.min()), np.float32(samples.max()))


def test_many_small_blocks_take_no_more_memory() -> None:
    made = Outline()
    for _ in range(2_000):
        made.add(np.ones(N_STRETCHES + 1, np.float32))
    assert len(made.stretches()) <= 2 * N_STRETCHES


@pytest.mark.parametrize("samples", [[], [0.0], np.zeros(500), [0.5, -0.25, 0.0]])
def test_the_drawing_stays_within_its_frame(samples: Any) -> None:
    picture = str(draw([np.asarray(samples, np.float32)]))
    numbers = [float(y) for y in re.findall(r"[ML]\d+ ([\d.-]+)", picture)]
    assert all(0 <= y <= HEIGHT + 0.5 for y in numbers)
    assert picture.startswith("<svg")
    assert "nan" not in picture


def test_the_largest_sample_is_as_high_as_the_drawing() -> None:
    picture = str(draw([np.array([0.1, -0.05], np.float32)]))
    assert f"M0 0L1 {HEIGHT * 0.75:g}" in picture  # 0.1 at the top, -0.05 three quarters down


def test_a_part_can_be_set_off() -> None:
    picture = str(draw([np.zeros(200, np.float32)], (0.25, 0.75)))
    assert f'<rect x="50" y="-1" width="100" height="{HEIGHT + 2}"/><path' in picture
    assert "<rect" not in str(draw([np.zeros(200, np.float32)]))

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AudioError, ParameterError
from wsnet_cli.core.sound.samples import check_channel, mix_down, to_mono


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
@settings(deadline=None, max_examples=50)
def test_one_and_two_channels_are_averaged_as_in_float64(seed: int, max_gap: int) -> None:
    """Random bits with exponents up to `max_gap` apart, subnormal numbers among them."""
    rng = np.random.default_rng(seed)
    larger = rng.integers(0, 159, (1_000, 1))  # below 2**32, the largest that is accepted
    exponents = np.maximum(
        0, larger - np.array([[0, 1]]) * rng.integers(0, max_gap + 1, (1_000, 1))
    )
    bits = rng.integers(0, 2**23, (1_000, 2)) + (exponents << 23)
    bits += rng.integers(0, 2, (1_000, 2)) << 31
    block = bits.astype(np.uint32).view(np.float32)
    for n_channels in (1, 2):
        columns = block[:, :n_channels].astype(np.float64).T
        mean = (columns[0] if n_channels == 1 else columns[0] + columns[1]) / n_channels
        found = mix_down(block[:, :n_channels])
        assert np.array_equal(found.view(np.uint32), mean.astype(np.float32).view(np.uint32))


def test_a_channel_is_picked_and_only_its_values_are_looked_at() -> None:
    block = np.float32([[0.5, np.nan, 0.25], [1, np.inf, -1]])
    assert to_mono(block, 1, "a.wav", 8_000, 0).tolist() == [0.5, 1]
    third = to_mono(block, 3, "a.wav", 8_000, 0)
    assert third.tolist() == [0.25, -1]
    assert third.flags.c_contiguous
    with pytest.raises(AudioError, match=r"a\.wav: sample 800 \(0\.100 s, channel 2\) is nan"):
        to_mono(block, 2, "a.wav", 8_000, 800)
    with pytest.raises(AudioError, match="channel 2"):
        to_mono(block, None, "a.wav", 8_000, 0)


def test_a_channel_that_is_not_there_is_refused() -> None:
    check_channel(None, 1, "a.wav")
    check_channel(2, 2, "a.wav")
    with pytest.raises(AudioError, match=r"^a\.wav: has 2 channels, and channel 3 was asked for$"):
        check_channel(3, 2, "a.wav")
    with pytest.raises(AudioError, match=r"a\.wav: has 1 channel, and channel 2 was asked for"):
        check_channel(2, 1, "a.wav")
    with pytest.raises(ParameterError, match="channel = 0; expected a whole number >= 1"):
        check_channel(0, 1, "a.wav")

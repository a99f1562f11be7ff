from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wsnet_cli.core.quant import BITS, SCHEMES, from_half, max_code, quantize, to_half
from wsnet_cli.learn.fake_quantization import (
    FakeQuantized,
    Halved,
    half_values,
    quantized_values,
    straight_through,
)

NUMBERS = st.floats(-(2.0**99), 2.0**99, width=32).filter(lambda x: x == 0 or abs(x) > 2.0**-99)
TENSORS = arrays(np.float32, st.integers(1, 40), elements=NUMBERS)


def bits_of(values: np.ndarray) -> np.ndarray:
    """The very bits, but for the sign of zero."""
    return (values + np.float32(0)).view(np.int32)


@settings(deadline=None, max_examples=60)
@given(real=TENSORS, bits=st.sampled_from(BITS), scheme=st.sampled_from(SCHEMES))
@example(np.zeros(3, np.float32), 4, "symmetric")
@example(np.full(3, 0.7, np.float32), 4, "min-max")
@example(np.full(3, -0.7, np.float32), 8, "symmetric")
def test_both_round_to_the_same_bits(real: np.ndarray, bits: int, scheme: str) -> None:
    found = quantized_values(torch.from_numpy(real), bits, scheme).numpy()
    np.testing.assert_array_equal(
        bits_of(found), bits_of(quantize(real, bits, scheme).values()), strict=True
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", BITS)
def test_both_round_filters_to_the_same_bits(bits: int, scheme: str) -> None:
    """Of the sizes and shapes of a network's: one-sided and heavy-tailed ones too."""
    rng = np.random.default_rng(bits)
    for shape in [(512, 1), (530, 22), (9_000,), (64, 128)]:
        for real in (
            rng.standard_normal(shape) * 0.1,
            rng.standard_t(3, shape) * 1e-3,
            rng.exponential(size=shape) + 1,
        ):
            exact = real.astype(np.float32)
            found = quantized_values(torch.from_numpy(exact), bits, scheme).numpy()
            expected = quantize(exact, bits, scheme).values()
            np.testing.assert_array_equal(bits_of(found), bits_of(expected))


@settings(deadline=None, max_examples=40)
@given(real=TENSORS)
@example(np.zeros(2, np.float32))
@example(np.array([1, 2**-15, 2**-24, 2**-26, -3e-8], np.float32))
def test_constants_are_the_same_bits_too(real: np.ndarray) -> None:
    found = half_values(torch.from_numpy(real)).numpy()
    np.testing.assert_array_equal(bits_of(found), bits_of(from_half(*to_half(real))), strict=True)


def test_what_is_rounded_has_the_gradient_of_what_is_not() -> None:
    real = torch.tensor([0.5, -2.0, 0.03], requires_grad=True)
    rounded = torch.tensor([0.4, -2.1, 0.0])
    out = straight_through(real, rounded)
    assert torch.equal(out, rounded)
    (out * torch.tensor([3.0, 5.0, 7.0])).sum().backward()
    assert real.grad is not None
    assert real.grad.tolist() == [3.0, 5.0, 7.0]


@pytest.mark.parametrize("module", [FakeQuantized(4, "symmetric"), FakeQuantized(4, "min-max")])
def test_four_bits_are_at_most_sixteen_values(module: FakeQuantized) -> None:
    real = torch.randn(2_000, requires_grad=True)
    out = module(real)
    n_levels = 2 * max_code(4) + 1 + (module.scheme == "min-max")
    assert len(out.unique()) == n_levels
    out.square().sum().backward()
    torch.testing.assert_close(real.grad, 2 * out.detach())


def test_constants_pass_gradients_as_they_are() -> None:
    real = torch.tensor([1.0, 1 / 3], requires_grad=True)
    out = Halved()(real)
    assert out[1].item() == np.float32(np.float16(1 / 3))
    out.sum().backward()
    assert real.grad is not None
    assert real.grad.tolist() == [1.0, 1.0]

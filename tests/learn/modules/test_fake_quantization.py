from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wsnet_cli.core.quant import BITS, SCHEMES, from_half, max_code, quantize, to_half
from wsnet_cli.learn.modules.fake_quantization import (
    Halved,
    LearnedStep,
    MinMax,
    half_values,
    quantizer,
    straight_through,
)

NUMBERS = st.floats(-(2.0**99), 2.0**99, width=32).filter(lambda x: x == 0 or abs(x) > 2.0**-99)
TENSORS = arrays(np.float32, st.integers(1, 40), elements=NUMBERS)


def bits_of(values: np.ndarray) -> np.ndarray:
    """The very bits, but for the sign of zero."""
    return (values + np.float32(0)).view(np.int32)


@settings(deadline=None, max_examples=60)
@given(
    real=TENSORS,
    bits=st.sampled_from(BITS),
    scheme=st.sampled_from(SCHEMES),
    moved=st.sampled_from([0.37, 1, 1.9]),
)
@example(np.zeros(3, np.float32), 4, "symmetric", 1)
@example(np.full(3, 0.7, np.float32), 4, "min-max", 1)
@example(np.full(3, -0.7, np.float32), 8, "symmetric", 1)
def test_it_rounds_to_the_bits_of_the_codes(
    real: np.ndarray, bits: int, scheme: str, moved: float
) -> None:
    """To begin with as `quantize`, and whatever becomes of the step: torch as the codes say."""
    codes = quantize(real, bits, scheme)
    module, values = quantizer(codes), torch.from_numpy(real)
    expected = bits_of(codes.values())
    np.testing.assert_array_equal(bits_of(module(values).detach().numpy()), expected, strict=True)
    if isinstance(module, LearnedStep):
        with torch.no_grad():
            module.step.mul_(-moved)
    np.testing.assert_array_equal(
        bits_of(module(values).detach().numpy()),
        bits_of(module.quantized(values).values()),
        strict=True,
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", BITS)
def test_it_rounds_filters_to_the_bits_of_their_codes(bits: int, scheme: str) -> None:
    """Of the sizes and shapes of a network's: one-sided and heavy-tailed ones too."""
    rng = np.random.default_rng(bits)
    for shape in [(512, 1), (530, 22), (9_000,), (64, 128)]:
        for real in (
            rng.standard_normal(shape) * 0.1,
            rng.standard_t(3, shape) * 1e-3,
            rng.exponential(size=shape) + 1,
        ):
            exact = real.astype(np.float32)
            codes = quantize(exact, bits, scheme)
            found = quantizer(codes)(torch.from_numpy(exact)).detach().numpy()
            np.testing.assert_array_equal(bits_of(found), bits_of(codes.values()))


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


def test_gradients_of_weights_and_of_the_step_by_hand() -> None:
    """LSQ, equations 3 to 5, at a step of 1/2 and codes of 4 bits, up to 7."""
    module = LearnedStep(4, 0.5)
    real = torch.tensor([0.6, -0.1, 9.0, -9.0], requires_grad=True)
    out = module(real)
    assert out.tolist() == [0.5, 0.0, 3.5, -3.5]
    (out * torch.tensor([1.0, 10.0, 100.0, 1_000.0])).sum().backward()
    assert real.grad is not None
    assert module.step.grad is not None
    assert real.grad.tolist() == [1.0, 10.0, 0.0, 0.0]
    by_step = 1 * (1 - 1.2) + 10 * (0 + 0.2) + 100 * 7 - 1_000 * 7
    assert module.step.grad.item() == pytest.approx(by_step / math.sqrt(4 * 7))


def test_the_step_goes_where_the_error_is_least() -> None:
    """Trained on the squared error alone it comes to the scale that `quantize` searches for."""
    real = torch.randn(2_000)
    module = LearnedStep(4, 0.1)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        (module(real) - real).square().mean().backward()
        optimizer.step()
    assert module.step.item() == pytest.approx(quantize(real.numpy(), 4).scale, rel=0.05)


def test_levels_between_the_least_and_the_largest_pass_gradients_as_they_are() -> None:
    real = torch.randn(2_000, requires_grad=True)
    out = MinMax(4)(real)
    assert len(out.unique()) == 2 * max_code(4) + 2
    out.square().sum().backward()
    torch.testing.assert_close(real.grad, 2 * out.detach())


def test_constants_pass_gradients_as_they_are() -> None:
    real = torch.tensor([1.0, 1 / 3], requires_grad=True)
    out = Halved()(real)
    assert out[1].item() == np.float32(np.float16(1 / 3))
    out.sum().backward()
    assert real.grad is not None
    assert real.grad.tolist() == [1.0, 1.0]

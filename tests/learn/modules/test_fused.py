"""Fused layers against torch: outputs, statistics, every gradient; and when torch has to do it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.engine.library import load_library
from wsnet_cli.engine.training_kernels import Block, TrainingKernels, training_kernels
from wsnet_cli.learn.modules import fused, fused_calls
from wsnet_cli.learn.modules.fused import (
    find_geometry,
    fused_block,
    is_worth_it,
    run_fused,
    torch_alone,
)
from wsnet_cli.learn.modules.network import ConvBlock, WaveformClassifier

pytestmark = pytest.mark.skipif(
    training_kernels() is None, reason="the compiled kernels are not there; torch serves"
)
CLOSE = 3e-6
"""Of the largest value: float32 against float64."""
FRONT = Conv("conv1", ConvShape(1, 16, 64, 2, 32, Sampling(2)), pool=Pool(8, 8))
"""The first layer of SoundNet-8."""


def whole(*shape: int, seed: int = 0) -> Tensor:
    """Whole numbers: products and sums are exact, so that both find the same maxima, and ties."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-3, 4, shape, generator=generator).float()


def make_block(layer: Conv, seed: int = 0) -> ConvBlock:
    block = ConvBlock(layer)
    with torch.no_grad():
        for parameter in block.conv.parameters():
            parameter.copy_(whole(*parameter.shape, seed=seed + 1))
        block.norm.weight.copy_(torch.linspace(-1.5, 2.0, layer.shape.n_out))
        block.norm.bias.copy_(torch.linspace(0.7, -0.4, layer.shape.n_out))
    return block


def geometry(layer: Conv, audio: Tensor) -> Block:
    block = find_geometry(layer, *audio.shape[1:])
    assert block is not None
    return block


def by_kernels(block: ConvBlock, audio: Tensor) -> Tensor:
    """Whether or not it is worth it."""
    kernel = block.conv.kernel()
    return run_fused(audio, kernel, block.norm, geometry(block.layer, audio))


Results = dict[str, Tensor]


def results(block: ConvBlock, run: Callable[..., Tensor], audio: Tensor, seed: int = 5) -> Results:
    """Outputs, the gradients of everything, and the statistics afterwards."""
    audio = audio.clone().requires_grad_()
    out = run(block, audio)
    flow = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed))
    (out * flow.to(out.dtype)).sum().backward()
    gradients = {f"gradient of {name}": p.grad for name, p in block.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in block.named_buffers()}
    return {"output": out.detach(), "gradient of audio": audio.grad, **gradients, **buffers}


def check(layer: Conv, audio: Tensor) -> None:
    found = results(make_block(layer), by_kernels, audio)
    with torch_alone():
        exact = results(make_block(layer).double(), lambda block, x: block(x), audio.double())
    assert found.keys() == exact.keys()
    for name, expected in exact.items():
        largest = max(1.0, float(expected.abs().max()))  # what cancels has an error of its parts
        off = float((found[name].double() - expected).abs().max())
        assert off <= CLOSE * largest, (name, off, largest)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Conv, int]:
    """A layer of any geometry, and a length that gives it two outputs before pooling or more."""
    columns = draw(st.integers(1, 5))
    factor = draw(st.integers(1, 3))
    length = draw(st.integers(1, 20))
    sampling = Sampling(draw(st.integers(1, length)), factor)
    shape = ConvShape(
        *(columns * factor, draw(st.sampled_from((1, 3, 8, 17, 33))), length),
        *(draw(st.integers(1, 5)), draw(st.integers(0, length))),
        draw(st.sampled_from((None, sampling))),
    )
    pool = draw(st.one_of(st.none(), st.builds(Pool, st.integers(1, 9), st.integers(1, 9))))
    layer = Conv("conv", shape, pool=pool)
    n_steps = draw(st.integers(max(2, pool.size if pool else 2), 60))
    least = (n_steps - 1) * shape.stride + length - 2 * shape.padding
    return layer, max(1, least) + draw(st.integers(0, shape.stride - 1))


@settings(deadline=None, max_examples=120, derandomize=True)
@given(drawn=layers(), n_items=st.integers(1, 11), seed=st.integers(0, 99))
def test_any_geometry_is_as_in_torch(drawn: tuple[Conv, int], n_items: int, seed: int) -> None:
    layer, n_samples = drawn
    check(layer, whole(n_items, layer.shape.n_in, n_samples, seed=seed))


POOLS = {"released": Pool(8, 8), "every layer": Pool(8, 2), "none": None, "odd": Pool(5, 3)}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("n_samples", [3000, 2999, 2177])
def test_the_first_layers_are_as_in_torch(pool: Pool | None, n_samples: int) -> None:
    first = Conv("conv1", FRONT.shape, pool=pool)
    second = Conv("conv2", ConvShape(16, 32, 32, 2, 16, Sampling(2, 8)), pool=pool)
    check(first, whole(3, 1, n_samples))
    check(second, whole(3, 16, n_samples // 4))


def test_silence_and_ties_go_to_the_first_place() -> None:
    audio = whole(2, 1, 900)
    audio[0] = 0
    audio[1, :, 300:] = 1
    check(FRONT, audio)


def test_by_hand() -> None:
    """Outputs 1, 3, 5, 7: mean 4, variance 5; the pool keeps 3 and 7, normed and without the half
    below 0; a gradient of 1 of the last, less its mean and what lies along (-3, -1, 1, 3)."""
    layer = Conv("conv1", ConvShape(1, 1, 2), pool=Pool(2, 2))
    block = ConvBlock(layer)
    block.norm.eps = 0.0
    with torch.no_grad():
        block.conv.phi.fill_(1.0)
    audio = torch.tensor([[[0.0, 1.0, 2.0, 3.0, 4.0]]], requires_grad=True)
    out = by_kernels(block, audio)
    out[0, 0, 1].backward()
    sigma = 5**0.5
    assert out.flatten().tolist() == pytest.approx([0.0, 3 / sigma])
    along = [(-0.25 + 9 / 20) / sigma, (-0.25 + 3 / 20) / sigma]
    flow = [*along, (-0.25 - 3 / 20) / sigma, (1 - 0.25 - 9 / 20) / sigma]
    expected = [flow[0], flow[0] + flow[1], flow[1] + flow[2], flow[2] + flow[3], flow[3]]
    assert audio.grad.flatten().tolist() == pytest.approx(expected, abs=1e-6)
    assert block.norm.weight.grad.tolist() == pytest.approx([3 / sigma])
    assert block.norm.bias.grad.tolist() == [1.0]
    assert block.norm.running_mean.tolist() == pytest.approx([0.4])
    assert block.norm.running_var.tolist() == pytest.approx([0.9 + 0.1 * 20 / 3])


def test_statistics_of_a_quiet_sound_on_a_large_offset() -> None:
    """The difference of two large numbers: in double none of its digits is lost."""
    torch.manual_seed(0)
    block = make_block(FRONT)
    audio = torch.randn(4, 1, 4000) * 1e-2 + 100
    by_kernels(block, audio)
    windows = torch.nn.functional.conv1d(
        audio.double(), block.conv.kernel().double(), stride=2, padding=32
    )
    expected = 0.9 + 0.1 * windows.var((0, 2))
    assert torch.allclose(block.norm.running_var.double(), expected, rtol=1e-6)


@pytest.mark.parametrize("momentum", [0.3, None])
def test_running_statistics_are_brought_forward_as_in_torch(momentum: float | None) -> None:
    ours, torchs = make_block(FRONT), make_block(FRONT)
    ours.norm.momentum = torchs.norm.momentum = momentum
    for seed in range(3):
        by_kernels(ours, whole(2, 1, 700, seed=seed))
        with torch_alone():
            torchs(whole(2, 1, 700, seed=seed))
    for name, buffer in torchs.named_buffers():
        assert torch.allclose(dict(ours.named_buffers())[name], buffer, rtol=1e-5), name


@pytest.mark.parametrize("n_items", [1, 3, 8, 21])
def test_the_number_of_threads_changes_no_bit(n_items: int) -> None:
    layer = Conv("conv2", ConvShape(16, 32, 32, 2, 16, Sampling(2, 8)), pool=Pool(8, 2))
    torch.manual_seed(0)
    audio = torch.randn(n_items, 16, 500)
    alone = results(make_block(layer), by_kernels, audio)
    for threads in (2, 5):
        torch.set_num_threads(threads)
        try:
            shared = results(make_block(layer), by_kernels, audio)
        finally:
            torch.set_num_threads(1)
        for name, value in alone.items():
            assert torch.equal(shared[name], value), name


@pytest.mark.parametrize("isa", load_library().isas if training_kernels() else ())
def test_every_instruction_set_agrees(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = TrainingKernels(load_library(), isa)
    monkeypatch.setattr(fused_calls, "training_kernels", lambda: kernels)
    monkeypatch.setattr(fused_calls, "_local", type("Empty", (), {})())
    check(FRONT, whole(2, 1, 901))
    check(Conv("c", ConvShape(6, 33, 7, 3, 2, Sampling(2, 2)), pool=Pool(4, 2)), whole(3, 6, 200))
    # Pooled outputs that overlap in more rows than are kept at once.
    check(Conv("c", ConvShape(1, 100, 8), pool=Pool(40, 2)), whole(2, 1, 132))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_lost(bad: float) -> None:
    audio = whole(2, 1, 700)
    audio[1, 0, 333] = bad
    assert bool(torch.isnan(by_kernels(make_block(FRONT), audio)).all())
    block = make_block(Conv("conv1", ConvShape(1, 4, 8, 2), pool=Pool(4, 4)))
    with torch.no_grad():
        block.conv.phi[9] = bad
    lost = torch.isnan(by_kernels(block, whole(2, 1, 700)))
    assert [bool(channel) for channel in lost.all(2).all(0)] == [False, True, False, False]
    assert not lost[:, [0, 2, 3]].any()


VARIANTS = {
    "regular": Sampling(4, 2),
    "denser": Sampling(4, 2, denser=2),
    "signs": Sampling(4, 2, signs=True),
    "group offset": Sampling(4, 2, group_offset=1),
    "group offset and signs": Sampling(4, 2, group_offset=1, signs=True),
    "random places": Sampling(4, 2, offsets="random"),
    "learned places": Sampling(4, 2, offsets="learned"),
}


@pytest.mark.parametrize("sampling", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_kind_of_sampling_goes_this_way_and_learns_the_same(sampling: Sampling) -> None:
    torch.manual_seed(0)
    layer = Conv("conv2", ConvShape(8, 12, 12, 2, 6, sampling), pool=Pool(4, 4))
    block, audio = ConvBlock(layer), torch.randn(5, 8, 400)
    other = copy.deepcopy(block)
    assert (
        fused_block(copy.deepcopy(block).conv, copy.deepcopy(block).norm, layer, audio) is not None
    )
    found = results(block, lambda b, x: b(x), audio)
    with torch_alone():
        expected = results(other, lambda b, x: b(x), audio)
    for name, value in expected.items():
        if value is not None:
            assert torch.allclose(
                found[name], value, rtol=1e-3, atol=1e-4 * float(value.abs().max())
            ), name


def test_a_network_learns_the_same_either_way() -> None:
    layers_ = (
        FRONT,
        Conv("conv2", ConvShape(16, 8, 16, 2, 8, Sampling(2, 8)), pool=Pool(4, 2)),
        *(Mean(), Linear("linear", LinearShape(8, 3))),
    )
    torch.manual_seed(0)
    network = WaveformClassifier(Network(layers_))
    other, windows = copy.deepcopy(network), torch.randn(4, 8000)
    network(windows).square().sum().backward()
    with torch_alone():
        other(windows).square().sum().backward()
    for (name, own), expected in zip(network.named_parameters(), other.parameters(), strict=True):
        scale = float(expected.grad.abs().max())
        assert torch.allclose(own.grad, expected.grad, rtol=1e-3, atol=1e-4 * scale), name
    for (name, own), expected in zip(network.named_buffers(), other.buffers(), strict=True):
        assert torch.allclose(own, expected, rtol=1e-4, atol=1e-6), name


def goes_fused(block: ConvBlock, audio: Tensor, layer: Conv = FRONT) -> bool:
    return fused_block(block.conv, block.norm, layer, audio) is not None


def test_torch_does_what_the_kernels_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    block, audio = ConvBlock(FRONT), torch.randn(2, 1, 3000)
    assert goes_fused(block, audio)
    assert not goes_fused(block.double(), audio.double())
    block.float()
    with torch_alone():
        assert not goes_fused(block, audio)
    with torch.autocast("cpu", torch.bfloat16):
        assert not goes_fused(block, audio)
    assert not goes_fused(block.eval(), audio)
    block.train()
    plain = Conv("conv1", FRONT.shape, scaled=False, pool=FRONT.pool)
    assert not goes_fused(ConvBlock(plain), audio, plain)
    monkeypatch.setattr(fused, "training_kernels", lambda: None)
    assert not goes_fused(block, audio)


def test_only_what_is_faster_goes_this_way() -> None:
    audio = torch.randn(2, 1, 3000)
    assert is_worth_it(geometry(FRONT, audio))
    assert not is_worth_it(geometry(FRONT, audio[..., :90]))
    assert is_worth_it(geometry(Conv("c", FRONT.shape), audio))
    assert not is_worth_it(geometry(Conv("c", ConvShape(2, 16, 32, 2)), torch.randn(2, 2, 3000)))
    dense = Conv("c", ConvShape(16, 32, 32, 2, 16), pool=Pool(8, 8))
    assert not is_worth_it(geometry(dense, torch.randn(2, 16, 1889)))


def test_one_value_is_refused_as_by_torch() -> None:
    layer = Conv("c", ConvShape(1, 2, 4), pool=Pool(1, 1))
    with pytest.raises(ValueError, match="more than 1 value"):
        ConvBlock(layer)(torch.randn(1, 1, 4))

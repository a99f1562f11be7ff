from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.networks.filters import find_places, offset_bounds, random_offsets
from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.learn.modules.layers import SampledConv1d
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.modules.places import ROWS_A_UNIT, FilterPlaces

UNIT = 256 * ROWS_A_UNIT
"""Codes of a model file in one unit of the parameter."""
LEARNED = ConvShape(4, 5, 6, 1, 2, Sampling(4, 2, 2, "learned"))


def codes_of(shape: ConvShape, seed: int) -> np.ndarray:
    least, most = offset_bounds(shape)
    return np.random.default_rng(seed).integers(least, most, endpoint=True).astype(np.int16)


def test_learned_places_start_as_regular_ones() -> None:
    places = FilterPlaces(LEARNED)
    assert isinstance(places.deviations, torch.nn.Parameter)
    assert places.export().tolist() == [0] * 10
    layer = SampledConv1d(LEARNED)
    regular = layer.phi.unfold(0, 6, 2)
    assert torch.equal(layer.kernel()[:9], regular[:9])
    torch.testing.assert_close(layer.kernel()[9], regular[9])


def test_drawn_places_are_no_parameter_and_are_kept_with_the_weights() -> None:
    shape = replace(LEARNED, sampling=Sampling(4, 2, 2, "random"))
    places = FilterPlaces(shape)
    assert not list(places.parameters())
    assert list(places.state_dict()) == ["deviations"]
    assert np.array_equal(places.export(), random_offsets(shape))


@settings(deadline=None, max_examples=40)
@given(data=st.data(), seed=st.integers(0, 99), offsets=st.sampled_from(["random", "learned"]))
def test_any_offsets_of_a_file_come_back_and_lie_where_the_file_says(
    data, seed: int, offsets: str, conv_shapes
) -> None:
    shape = data.draw(conv_shapes.filter(lambda shape: shape.sampling))
    shape = replace(shape, sampling=replace(shape.sampling, offsets=offsets))
    places, codes = FilterPlaces(shape), codes_of(shape, seed)
    places.load(codes)
    assert np.array_equal(places.export(), codes)
    for found, expected in zip(places(), find_places(shape, codes), strict=True):
        assert np.array_equal(found.detach().numpy(), expected)


def test_what_trains_is_rounded_to_what_is_kept() -> None:
    """A place of 1.6 of 1/256 row is 2 on the way forward; training goes on from 1.6."""
    places = FilterPlaces(LEARNED)
    with torch.no_grad():
        places.deviations[3] = 1.6 / UNIT
    rows, fractions = places()
    assert (rows[3].item(), fractions[3].item()) == (6, 2 / 256)
    assert places.export()[3] == 2
    assert places.deviations[3].item() == pytest.approx(1.6 / UNIT)


def test_a_window_that_would_leave_phi_is_brought_back_and_can_leave_the_edge() -> None:
    places = FilterPlaces(LEARNED).train()
    with torch.no_grad():
        places.deviations[0], places.deviations[-1] = -5.0, 5.0
    assert places.export()[[0, -1]].tolist() == [0, 0]
    rows, fractions = places()
    assert places.deviations[[0, -1]].tolist() == [0, 0]
    assert (rows + fractions)[[0, -1]].tolist() == [0, 18]
    fractions.sum().backward()
    assert places.deviations.grad.tolist() == [ROWS_A_UNIT] * 10


def output(layer: SampledConv1d, audio: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (layer(audio) * weight).sum()


@settings(deadline=None, max_examples=30)
@given(data=st.data(), seed=st.integers(0, 99))
def test_gradients_of_places_are_finite_differences(data, seed: int, irregular_shapes) -> None:
    """Between two rows the output is linear in a place, so that a difference of codes is exact."""
    shape = data.draw(irregular_shapes.filter(lambda s: s.n_offsets and s.last_place))
    shape = replace(shape, sampling=replace(shape.sampling, offsets="learned"))
    rng = np.random.default_rng(seed)
    layer = SampledConv1d(shape).double()
    rows = rng.integers(0, shape.last_place, shape.n_sampled)
    codes = rows * 256 + rng.integers(1, 255, shape.n_sampled)
    codes -= np.arange(shape.n_sampled) * shape.filter_step * 256
    layer.places.load(codes.astype(np.int16))
    audio = torch.randn(2, shape.n_in, shape.input_length(3)).double()
    weight = torch.randn(layer(audio).shape).double()
    output(layer, audio, weight).backward()
    for n in range(shape.n_sampled):
        ends = []
        for step in (-1, 1):
            moved = codes.copy()
            moved[n] += step
            layer.places.load(moved.astype(np.int16))
            with torch.no_grad():
                ends.append(output(layer, audio, weight))
        slope = float(ends[1] - ends[0]) / (2 / UNIT)
        assert float(layer.places.deviations.grad[n]) == pytest.approx(slope, rel=1e-6, abs=1e-7)


FORMS = {
    "learned": Sampling(2, 2, 1, "learned"),
    "random": Sampling(2, 2, 1, "random"),
    "groups": Sampling(2, 2, group_offset=3),
    "signs": Sampling(2, 2, signs=True),
    "all": Sampling(4, 2, 2, "learned", 2, True),
}


@pytest.mark.parametrize("sampling", FORMS.values(), ids=FORMS)
def test_every_form_trains(sampling: Sampling) -> None:
    """Three tones in noise: the loss falls to a third, and learned places move."""
    conv1 = Conv("conv1", ConvShape(1, 8, 16, 4, 8, Sampling(2, 1, 1, sampling.offsets)))
    conv2 = Conv("conv2", ConvShape(8, 8, 8, 2, 4, sampling))
    linear = Linear("linear", LinearShape(8, 3, 2), scaled=True)
    model = WaveformClassifier(Network((conv1, conv2, Mean(), linear)))
    labels = torch.arange(24) % 3
    time = torch.arange(200) / 200
    hz = torch.tensor([10.0, 23.0, 41.0])[labels]
    phase = torch.rand(24, 1)
    windows = torch.sin(6.2832 * (hz.unsqueeze(1) * time + phase)) + 0.1 * torch.randn(24, 200)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(windows), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    moved = [own.offsets.any() for own in model.export() if own.offsets is not None]
    assert moved == [True] * (2 if conv2.shape.n_offsets else 0)
    assert model.export()[-1].multiplier is not None
    assert (model.export()[-1].multiplier != 1).all()

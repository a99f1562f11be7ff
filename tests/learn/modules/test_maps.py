from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, Linear, MapConv, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.learn.modules.maps import SampledConv2d
from wsnet_cli.learn.modules.network import MapBlock, WaveformClassifier
from wsnet_cli.learn.training.optimise import make_optimizer


@settings(deadline=None, max_examples=40)
@given(
    n_in=st.integers(1, 4),
    n_out=st.integers(1, 4),
    n_bands=st.integers(1, 6),
    height=st.integers(1, 3),
    length=st.integers(1, 3),
    stride=st.integers(1, 2),
    shared=st.booleans(),
    later=st.integers(0, 1),
    signs=st.booleans(),
)
def test_any_shape_follows_its_definition(
    n_in: int, n_out: int, n_bands: int, height: int, length: int, stride: int, shared: bool,
    later: int, signs: bool, naive_map_conv,
) -> None:  # fmt: skip
    more = {"group_offset": later, "signs": signs} if n_in > 1 else {}
    sampling = Sampling(min(height, height * length), n_in, **more) if shared else None
    shape = MapShape(n_in, n_out, n_bands, height, length, stride, 1, 1, sampling)
    layer = SampledConv2d(shape)
    values = torch.randn(2, n_in, n_bands, 5)
    found = layer(values).detach().numpy()
    for item, out in zip(values.numpy(), found, strict=True):
        expected = naive_map_conv(item, layer.phi.detach().numpy(), shape)
        np.testing.assert_allclose(out, expected, atol=1e-5)


def test_gradients_of_shared_weights_add_up() -> None:
    """Two filters of 2 x 2 taps, a time step apart, on ones: the shared step is used by both."""
    layer = SampledConv2d(MapShape(1, 2, 2, 2, 2, sampling=Sampling(2)))
    layer(torch.ones(1, 1, 2, 2)).sum().backward()
    assert layer.phi.grad is not None
    assert layer.phi.grad.tolist() == [[1], [1], [2], [2], [1], [1]]


def test_filters_start_with_the_variance_of_their_fan_in() -> None:
    torch.manual_seed(0)
    layer = SampledConv2d(MapShape(64, 512, 4, 3, 3, sampling=Sampling(3, 8)))
    found = layer.phi.detach().std().item()
    assert found == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.03)


LAYERS = (
    Conv("conv1", ConvShape(1, 8, 9, 2), pool=Pool(4, 4)),
    ToMap(),
    MapConv("map1", MapShape(1, 8, 8, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2),
    MapConv("map2", MapShape(8, 8, 4, 3, 3, 1, 1, 1, Sampling(3, 4)), scaled=False),
    Mean(),
    Linear("linear", LinearShape(8, 2)),
)


def test_a_block_pools_bands_and_time() -> None:
    layer = LAYERS[2]
    assert isinstance(layer, MapConv)
    assert MapBlock(layer)(torch.randn(3, 1, 8, 11)).shape == (3, 8, 4, 5)
    odd = MapConv("a", layer.shape, relu=False, pool=Pool(3, 2), band_pool=3)
    assert MapBlock(odd)(torch.randn(3, 1, 8, 11)).shape == (3, 8, 2, 5)


def test_a_network_on_maps_learns_two_tones() -> None:
    torch.manual_seed(0)
    model = WaveformClassifier(Network(LAYERS))
    time = torch.arange(400) / 8_000
    hz = torch.tensor([300.0, 1_800.0]).repeat(8)
    labels = torch.arange(16) % 2
    windows = torch.sin(2 * torch.pi * hz[:, None] * time + torch.rand(16, 1) * 6)
    optimizer = make_optimizer(model, TrainConfig(lr=0.01))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(windows), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_condensed_filters_of_maps_decay_and_constants_do_not() -> None:
    model = WaveformClassifier(Network(LAYERS))
    decayed, others = make_optimizer(model, TrainConfig(weight_decay=0.1)).param_groups[:2]
    assert decayed["weight_decay"] == 0.1
    assert [tuple(p.shape) for p in decayed["params"]][:3] == [(72, 1), (72, 1), (30, 2)]
    assert others["weight_decay"] == 0

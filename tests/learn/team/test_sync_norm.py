from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch import nn

from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, Linear, MapConv, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.team import sync_norm
from wsnet_cli.learn.team.sync_norm import TeamBatchNorm, synchronised
from wsnet_cli.learn.team.torch_team import TorchTeam


@pytest.fixture
def team_of_one() -> Iterator[TorchTeam]:
    store = dist.HashStore()
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield TorchTeam(torch.device("cpu"))
    dist.destroy_process_group()


def map_network() -> Network:
    """A convolution whose channels become bands, sampled maps, a linear layer."""
    front = Conv("conv1", ConvShape(1, 6, 9, 4), pool=Pool(8, 8))
    first = MapConv("map1", MapShape(1, 4, 6, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2)
    shape = MapShape(4, 6, first.n_out_bands, 3, 3, 1, 1, 1, Sampling(3, 2, signs=True))
    linear = Linear("linear", LinearShape(6, 3))
    return Network((front, ToMap(), first, MapConv("map2", shape), Mean(), linear))


def norms(n_channels: int) -> tuple[nn.BatchNorm1d, TeamBatchNorm]:
    plain = nn.BatchNorm1d(n_channels)
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    plain.running_mean.normal_()
    team = TeamBatchNorm(n_channels)
    team.load_state_dict(plain.state_dict())
    return plain, team


def test_alone_it_is_torchs_own(team_of_one: TorchTeam) -> None:
    plain, team = norms(3)
    first = (3 + 2 * torch.randn(5, 3, 11)).requires_grad_()
    second = first.detach().clone().requires_grad_()
    wanted = torch.randn(5, 3, 11)
    out, other = plain(first), team(second)
    assert torch.allclose(out, other, atol=1e-5)
    (out * wanted).sum().backward()
    (other * wanted).sum().backward()
    assert torch.allclose(first.grad, second.grad, atol=1e-4)
    assert torch.allclose(plain.weight.grad, team.weight.grad, atol=1e-3)
    assert torch.allclose(plain.running_mean, team.running_mean, atol=1e-6)
    assert torch.allclose(plain.running_var, team.running_var, atol=1e-5)
    assert int(team.num_batches_tracked) == 1
    plain.eval(), team.eval()
    assert torch.allclose(plain(first), team(second), atol=1e-5)


def test_two_halves_are_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each half brings its own sums; the other half's are added as another process would."""
    batch = 3 + 2 * torch.randn(6, 3, 11)
    plain, team = norms(3)
    plain.load_state_dict(team.state_dict())
    whole = plain(batch)
    first, second = batch[:2], batch[2:]

    def sums(part: torch.Tensor) -> torch.Tensor:
        count = torch.tensor([float(part.numel() // 3)])
        return torch.cat([part.sum((0, 2)), (part * part).sum((0, 2)), count])

    monkeypatch.setattr(sync_norm, "_summed", lambda values: values + sums(second))
    assert torch.allclose(team(first), whole[:2], atol=1e-5)
    assert torch.allclose(team.running_var, plain.running_var, atol=1e-5)
    assert torch.allclose(team.running_mean, plain.running_mean, atol=1e-5)
    monkeypatch.setattr(sync_norm, "_summed", lambda values: values + sums(batch))
    assert team(batch[:0]).shape == (0, 3, 11)  # a process without windows takes part


@pytest.mark.parametrize("on_maps", [False, True])
def test_every_batch_norm_of_a_network_is_replaced_and_keeps_its_values(
    small_network: Network, on_maps: bool
) -> None:
    model = WaveformClassifier(map_network() if on_maps else small_network)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    synchronised(model)
    kinds = {type(module) for module in model.modules() if "BatchNorm" in type(module).__name__}
    assert kinds == {TeamBatchNorm}
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_on_maps_a_team_of_one_is_torchs_own(team_of_one: TorchTeam) -> None:
    """A whole network on maps, in training and after it."""
    torch.manual_seed(0)
    plain = WaveformClassifier(map_network())
    team = WaveformClassifier(map_network())
    team.load_state_dict(plain.state_dict())
    synchronised(team)
    windows = 0.1 * torch.randn(4, 4_000)
    plain(windows).square().sum().backward()
    team(windows).square().sum().backward()
    for one, other in zip(plain.parameters(), team.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-3 * float(one.grad.abs().max()) + 1e-6)
    for one, other in zip(plain.buffers(), team.buffers(), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    plain.eval(), team.eval()
    assert torch.allclose(plain(windows), team(windows), rtol=1e-3, atol=1e-4)


def test_a_team_of_one_shares_with_itself(team_of_one: TorchTeam) -> None:
    assert team_of_one.sum([1.5, 2]) == [1.5, 2.0]
    assert team_of_one.any(True)
    assert not team_of_one.any(False)
    content = bytes(range(256)) * 3
    assert team_of_one.share(content) == content
    assert team_of_one.share(b"") == b""
    model = nn.Linear(2, 1)
    model(torch.ones(1, 2)).sum().backward()
    before = [p.grad.clone() for p in model.parameters()]
    team_of_one.sum_gradients(model.parameters())
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter.grad, gradient)

from __future__ import annotations

import pytest
import torch
from torch import nn

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.core.networks.network import Network
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.training.optimise import make_optimizer


@pytest.mark.parametrize(("optimizer", "shrunk"), [("adamw", 0.95), ("sgd", 0.905)])
def test_weight_decay_is_for_filters_alone(
    optimizer: str, shrunk: float, small_network: Network
) -> None:
    """One step with zero gradients shrinks filters by lr * decay and nothing else.

    Nesterov's look ahead takes the first gradient 1 + 0.9 times.
    """
    model = WaveformClassifier(small_network)
    names = {name for name, _ in model.named_parameters()}
    filters = {name for name in names if name.endswith(("phi", "pointwise"))}
    assert len(filters) == 4
    for parameter in model.parameters():
        nn.init.normal_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    config = TrainConfig(optimizer=optimizer, lr=0.1, weight_decay=0.5)
    make_optimizer(model, config).step()
    for name, parameter in model.named_parameters():
        factor = shrunk if name in filters else 1.0
        assert torch.allclose(parameter, before[name] * factor, rtol=1e-5, atol=0), name


def test_optimizer_has_every_parameter_once(small_network: Network) -> None:
    model = WaveformClassifier(small_network)
    optimizer = make_optimizer(model, TrainConfig(lr=0.25))
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}


def test_two_steps_of_momentum_by_hand() -> None:
    """Gradient 1 twice, rate 0.1: 0.1 * (1 + 0.9), then v = 1.9 and 0.1 * (1 + 0.9 * 1.9)."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = make_optimizer(model, TrainConfig(optimizer="sgd", lr=0.1))
    for expected in (-0.19, -0.19 - 0.271):
        model.weight.grad = torch.ones(1, 1)
        optimizer.step()
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wsnet_cli.core.config import TrainConfig
from wsnet_cli.core.network import Network
from wsnet_cli.learn.network import WaveformClassifier
from wsnet_cli.learn.optimise import RunningAverage, divergence, learning_rate, make_optimizer

# --------------------------------------------------------------------------------- schedule


def rates(n_steps: int, **config: object) -> list[float]:
    train = TrainConfig(**config)  # type: ignore[arg-type]
    return [learning_rate(train, s, n_steps) for s in range(train.epochs * n_steps)]


def test_schedule_by_hand() -> None:
    """2 warm-up epochs of 2 steps, then 8 steps of half a cosine: 45 degrees every two steps."""
    found = rates(2, lr=0.8, epochs=6, warmup_epochs=2)
    assert found[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    half_root = math.sqrt(0.5)
    assert found[4::2] == pytest.approx([0.8, 0.4 * (1 + half_root), 0.4, 0.4 * (1 - half_root)])
    assert found[-1] == pytest.approx(0.4 * (1 - math.cos(math.pi / 8)))
    # Once the last step is done, it is over.
    assert learning_rate(TrainConfig(lr=0.8, epochs=6, warmup_epochs=2), 12, 2) == 0


def test_schedule_without_warm_up_starts_at_its_peak() -> None:
    assert rates(2, lr=0.8, epochs=2, warmup_epochs=0)[0] == 0.8


def test_warm_up_ends_half_way_at_the_latest() -> None:
    """4 steps in all: two up, two down."""
    assert rates(2, lr=0.8, epochs=2, warmup_epochs=5) == pytest.approx([0.4, 0.8, 0.8, 0.4])
    assert rates(1, lr=0.8, epochs=1, warmup_epochs=5) == [0.8]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.integers(0, 40), st.integers(1, 9))
def test_schedule_rises_to_its_peak_and_falls_and_is_never_0(
    epochs: int, warmup_epochs: int, n_steps: int
) -> None:
    found = rates(n_steps, lr=0.5, epochs=epochs, warmup_epochs=warmup_epochs)
    peak = found.index(max(found))
    assert max(found) == 0.5
    assert min(found) > 0
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)


# -------------------------------------------------------------------------- running average


def test_average_by_hand() -> None:
    """Decay (1 + t) / (10 + t) until it passes the configured one."""
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    average = RunningAverage(model, 0.15)
    model.weight.data.fill_(2.0)
    average.update(model, 0)
    assert float(average.values["weight"]) == pytest.approx(0.1 * 1 + 0.9 * 2)
    model.weight.data.fill_(5.0)
    average.update(model, 1)  # 2 / 11 > 0.15
    assert float(average.values["weight"]) == pytest.approx(0.15 * 1.9 + 0.85 * 5)


def test_average_with_decay_0_keeps_the_latest_values_to_the_bit() -> None:
    model = nn.Linear(3, 3)
    average = RunningAverage(model, 0.0)
    for n in range(3):
        nn.init.normal_(model.weight)
        average.update(model, n)
        assert torch.equal(average.values["weight"], model.weight)


def test_average_follows_batch_norm_and_is_no_view_of_the_model() -> None:
    model = nn.BatchNorm1d(1)
    average = RunningAverage(model, 0.999)
    model.running_mean.fill_(10.0)
    model.num_batches_tracked.fill_(7)
    assert float(average.values["running_mean"]) == 0.0
    average.update(model, 1_000_000)
    assert float(average.values["running_mean"]) == pytest.approx(0.01)
    assert int(average.values["num_batches_tracked"]) == 7
    assert float(model.running_mean) == 10.0


# ------------------------------------------------------------------------------- divergence


def test_divergence_by_hand() -> None:
    """Softmax (1/4, 3/4) from (1/2, 1/2): ln(2)/2 + ln(2/3)/2; and from (1, 0): ln 4."""
    logits = torch.tensor([[0.0, math.log(3.0)]] * 2, dtype=torch.float64)
    targets = torch.tensor([[0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)
    half, sure = math.log(2) / 2 + math.log(2 / 3) / 2, math.log(4)
    assert float(divergence(logits[:1], targets[:1])) == pytest.approx(half)
    assert float(divergence(logits[1:], targets[1:])) == pytest.approx(sure)
    assert float(divergence(logits, targets)) == pytest.approx((half + sure) / 2)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5), st.lists(st.floats(-5, 5), min_size=5))
def test_divergence_is_0_at_equality_and_positive_elsewhere(
    logits: list[float], other: list[float]
) -> None:
    row = torch.tensor([logits], dtype=torch.float64)
    assert abs(float(divergence(row, torch.softmax(row, -1)))) < 1e-12
    targets = torch.softmax(torch.tensor([other[: len(logits)]], dtype=torch.float64), -1)
    if not torch.allclose(targets, torch.softmax(row, -1), atol=1e-3):
        assert float(divergence(row, targets)) > 1e-7


# -------------------------------------------------------------------------------- optimizer


def test_weight_decay_is_for_filters_alone(small_network: Network) -> None:
    """One step with zero gradients shrinks filters by lr * decay and nothing else."""
    model = WaveformClassifier(small_network)
    names = {name for name, _ in model.named_parameters()}
    filters = {name for name in names if name.endswith(("phi", "pointwise"))}
    assert len(filters) == 4
    for parameter in model.parameters():
        nn.init.normal_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    make_optimizer(model, TrainConfig(lr=0.1, weight_decay=0.5)).step()
    for name, parameter in model.named_parameters():
        factor = 0.95 if name in filters else 1.0
        assert torch.allclose(parameter, before[name] * factor, rtol=1e-5, atol=0), name


def test_optimizer_has_every_parameter_once(small_network: Network) -> None:
    model = WaveformClassifier(small_network)
    optimizer = make_optimizer(model, TrainConfig(lr=0.25))
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}

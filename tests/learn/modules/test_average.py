from __future__ import annotations

import pytest
import torch
from torch import nn

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.learn.modules.average import WeightAverage


def test_average_by_hand() -> None:
    """Decay (1 + t) / (10 + t) until it passes the configured one."""
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    average = WeightAverage(model, TrainConfig(average_decay=0.15))
    model.weight.data.fill_(2.0)
    average.update(model, 0, 100)
    assert float(average.values["weight"]) == pytest.approx(0.1 * 1 + 0.9 * 2)
    model.weight.data.fill_(5.0)
    average.update(model, 1, 100)  # 2 / 11 > 0.15
    assert float(average.values["weight"]) == pytest.approx(0.15 * 1.9 + 0.85 * 5)


def test_average_with_decay_0_keeps_the_latest_values_to_the_bit() -> None:
    model = nn.Linear(3, 3)
    average = WeightAverage(model, TrainConfig(average_decay=0.0))
    for n in range(3):
        nn.init.normal_(model.weight)
        average.update(model, n, 100)
        assert torch.equal(average.values["weight"], model.weight)


def test_average_follows_batch_norm_and_is_no_view_of_the_model() -> None:
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, TrainConfig(average_decay=0.999))
    model.running_mean.fill_(10.0)
    model.num_batches_tracked.fill_(7)
    assert float(average.values["running_mean"]) == 0.0
    average.update(model, 1_000_000, 100)
    assert float(average.values["running_mean"]) == pytest.approx(0.01)
    assert int(average.values["num_batches_tracked"]) == 7
    assert float(model.running_mean) == 10.0


def test_equal_average_is_the_mean_of_the_last_part() -> None:
    """Of 8 steps the last two count; before them the latest values stand."""
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, TrainConfig(average="equal", average_from=0.75))
    found = []
    for step in range(8):
        model.weight.data.fill_(float(step))
        average.update(model, step, 8)
        found.append(float(average.values["weight"]))
    assert found == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.5]
    assert average.n_averaged == 2

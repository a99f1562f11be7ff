from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.learn.training.objective import Objective


def mean_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return Objective().losses(logits, targets).mean()


def test_divergence_by_hand() -> None:
    """Softmax (1/4, 3/4) from (1/2, 1/2): ln(2)/2 + ln(2/3)/2; and from (1, 0): ln 4."""
    logits = torch.tensor([[0.0, math.log(3.0)]] * 2, dtype=torch.float64)
    targets = torch.tensor([[0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)
    half, sure = math.log(2) / 2 + math.log(2 / 3) / 2, math.log(4)
    assert float(mean_loss(logits[:1], targets[:1])) == pytest.approx(half)
    assert float(mean_loss(logits[1:], targets[1:])) == pytest.approx(sure)
    assert float(mean_loss(logits, targets)) == pytest.approx((half + sure) / 2)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5), st.lists(st.floats(-5, 5), min_size=5))
def test_divergence_is_0_at_equality_and_positive_elsewhere(
    logits: list[float], other: list[float]
) -> None:
    row = torch.tensor([logits], dtype=torch.float64)
    assert abs(float(mean_loss(row, torch.softmax(row, -1)))) < 1e-12
    targets = torch.softmax(torch.tensor([other[: len(logits)]], dtype=torch.float64), -1)
    if not torch.allclose(targets, torch.softmax(row, -1), atol=1e-3):
        assert float(mean_loss(row, targets)) > 1e-7


def test_label_smoothing_by_hand() -> None:
    """A fifth of a sure target over two classes: (0.9, 0.1) against the softmax (1/4, 3/4)."""
    logits = torch.tensor([[0.0, math.log(3.0)]])
    loss = Objective(label_smoothing=0.2).losses(logits, torch.tensor([[1.0, 0.0]]))
    expected = 0.9 * math.log(0.9 / 0.25) + 0.1 * math.log(0.1 / 0.75)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_class_weights_scale_each_window_by_its_targets() -> None:
    logits = torch.zeros(3, 2)
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    plain = Objective().losses(logits, targets)
    weighed = Objective(class_weights=torch.tensor([3.0, 1.0])).losses(logits, targets)
    assert torch.allclose(weighed, plain * torch.tensor([3.0, 1.0, 2.0]))


def test_class_weights_are_those_of_the_targets_before_they_are_smoothed() -> None:
    logits, sure = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    plain = Objective(0.2).losses(logits, sure)
    weighed = Objective(0.2, torch.tensor([3.0, 1.0])).losses(logits, sure)
    assert torch.allclose(weighed, 3 * plain)


def test_right_is_the_largest_of_both() -> None:
    logits = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    targets = torch.tensor([[0.4, 0.6], [0.4, 0.6]])
    assert Objective().right(logits, targets).tolist() == [1.0, 0.0]


def test_cross_entropy_of_each_class_by_hand() -> None:
    """Sigmoids (3/4, 1/4) against (1, 1/2) and (0, 0)."""
    logits = torch.tensor([[math.log(3.0), -math.log(3.0)]] * 2, dtype=torch.float64)
    targets = torch.tensor([[1.0, 0.5], [0.0, 0.0]], dtype=torch.float64)
    likely, unlikely = -math.log(3 / 4), -math.log(1 / 4)
    expected = [(likely + (likely + unlikely) / 2) / 2, (unlikely + likely) / 2]
    assert Objective(multi_label=True).losses(logits, targets).tolist() == pytest.approx(expected)
    weights = torch.tensor([3.0, 1.0])
    weighed = Objective(class_weights=weights, multi_label=True).losses(logits, targets)
    assert float(weighed[1]) == pytest.approx((3 * unlikely + likely) / 2)
    smooth = Objective(label_smoothing=0.2, multi_label=True).losses(logits, targets)
    assert float(smooth[1]) == pytest.approx((likely + unlikely) / 2)  # 0.9 and 0.1 of each


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=5))
def test_no_other_scores_cost_less_than_the_targets_themselves(logits: list[float]) -> None:
    row = torch.tensor([logits], dtype=torch.float64, requires_grad=True)
    Objective(multi_label=True).losses(row, torch.sigmoid(row).detach()).sum().backward()
    assert row.grad is not None
    assert row.grad.abs().max() < 1e-12


def test_right_is_every_class_on_the_side_of_its_target() -> None:
    logits = torch.tensor([[1.0, -2.0], [1.0, 2.0], [-1.0, -1.0]])
    targets = torch.tensor([[0.6, 0.4], [1.0, 0.0], [0.0, 0.0]])
    assert Objective(multi_label=True).right(logits, targets).tolist() == [1.0, 0.0, 1.0]

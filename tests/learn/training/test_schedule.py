from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.learn.training.schedule import learning_rate


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


def test_linear_schedule_by_hand() -> None:
    found = rates(2, lr=0.8, epochs=3, warmup_epochs=1, schedule="linear")
    assert found == pytest.approx([0.4, 0.8, 0.8, 0.6, 0.4, 0.2])


def test_drops_divide_by_ten_after_their_shares() -> None:
    found = rates(2, lr=0.8, epochs=4, warmup_epochs=0, schedule="drops", drops=(0.5, 0.75))
    assert found == pytest.approx([0.8] * 4 + [0.08] * 2 + [0.008] * 2)


def test_drops_are_shares_of_all_steps_with_those_of_the_warm_up() -> None:
    found = rates(2, lr=0.8, epochs=4, warmup_epochs=1, schedule="drops", drops=(0.5,))
    assert found == pytest.approx([0.4, 0.8, 0.8, 0.8] + [0.08] * 4)


def test_constant_schedule_only_warms_up() -> None:
    found = rates(1, lr=0.8, epochs=5, warmup_epochs=2, schedule="constant")
    assert found == pytest.approx([0.4, 0.8, 0.8, 0.8, 0.8])

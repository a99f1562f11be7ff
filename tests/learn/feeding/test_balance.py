from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.learn.feeding.balance import (
    ClassTable,
    balanced_order,
    class_weights,
    count_classes,
    describe_balance,
    warn_few_clips,
)

CLASSES = st.lists(st.integers(0, 6), min_size=1, max_size=30)


def shuffler(*numbers: int) -> np.random.Generator:
    return np.random.default_rng((7, *numbers))


def orders(classes: list[int], n_draws: int, n_epochs: int) -> list[np.ndarray]:
    table = ClassTable(classes)
    return [balanced_order(table, n_draws, epoch, shuffler) for epoch in range(n_epochs)]


@settings(deadline=None, max_examples=80)
@given(CLASSES, st.integers(1, 60), st.integers(1, 6))
def test_every_class_is_drawn_equally_often_in_an_epoch_and_over_all(
    classes: list[int], n_draws: int, n_epochs: int
) -> None:
    present = set(classes)
    total: Counter[int] = Counter(dict.fromkeys(present, 0))
    for order in orders(classes, n_draws, n_epochs):
        assert len(order) == n_draws
        drawn = Counter(dict.fromkeys(present, 0))
        drawn.update(classes[i] for i in order.tolist())
        assert max(drawn.values()) - min(drawn.values()) <= 1
        total += drawn
    total.update(dict.fromkeys(present, 0))
    assert max(total.values()) - min(total.values()) <= 1


@settings(deadline=None, max_examples=80)
@given(CLASSES, st.integers(1, 60), st.integers(1, 6))
def test_no_clip_is_drawn_twice_before_all_of_its_class_were_drawn_once(
    classes: list[int], n_draws: int, n_epochs: int
) -> None:
    """Over the epochs too: after each, the clips of a class differ by one draw at most."""
    drawn = np.zeros(len(classes), int)
    for order in orders(classes, n_draws, n_epochs):
        drawn += np.bincount(order, minlength=len(classes))
        for number in set(classes):
            of_class = drawn[np.asarray(classes) == number]
            assert of_class.max() - of_class.min() <= 1


def test_orders_are_shuffled_and_differ_from_epoch_to_epoch() -> None:
    found = orders([0] * 20 + [1] * 5, 40, 6)
    assert len({tuple(order) for order in found}) == 6
    classes = [np.asarray([0] * 20 + [1] * 5)[order] for order in found]
    assert len({tuple(row) for row in classes}) == 6
    assert np.array_equal(found[3], orders([0] * 20 + [1] * 5, 40, 4)[3])


@given(CLASSES)
def test_weights_are_inverse_to_counts_and_have_the_mean_1_over_the_clips(
    classes: list[int],
) -> None:
    counts = count_classes(classes, 8)
    weights = class_weights(counts)
    assert weights[classes].mean() == pytest.approx(1, rel=1e-5)
    products = (weights * counts)[counts > 0]
    assert products == pytest.approx(np.full(len(products), products[0]), rel=1e-5)
    assert not weights[counts == 0].any()


def test_lines_say_counts_and_effect() -> None:
    counts = np.array([30, 5, 10])
    assert describe_balance("none", counts, 45) == (
        "balance: 5 to 30 training clips a class; drawn as often as they come (none)"
    )
    assert describe_balance("sampling", counts, 100) == (
        "balance: 5 to 30 training clips a class; each class is drawn 33 to 34 times an epoch "
        "(sampling)"
    )
    assert describe_balance("weights", counts, 45) == (
        "balance: 5 to 30 training clips a class; their losses weigh 3 to 0.5 (weights)"
    )
    assert "balance: 2 training clips" in describe_balance("none", np.array([2, 2]), 4)


def test_classes_with_too_few_clips_are_named_with_their_counts() -> None:
    labels = ["a", "b", "c\n", "d", "e", "f", "g", "h"]
    assert warn_few_clips(labels[:2], np.array([2, 9])) == []
    (line,) = warn_few_clips(labels[:3], np.array([2, 1, 1]))
    assert line.startswith("class 'b' has 1 clip to train on, class 'c\\n' 1: too few")
    (line,) = warn_few_clips(labels, np.array([2] + [0] * 7))
    assert line.startswith("class 'b' has 0 clips to train on")
    assert "and 2 more classes" in line
    assert "\n" not in line

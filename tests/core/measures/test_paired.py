from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.measures.paired import bootstrap_difference, compare, mcnemar


def rights(*rows: str) -> np.ndarray:
    """1 for right, 0 for wrong; a row for each seed."""
    return np.array([[sign == "1" for sign in row] for row in rows])


@pytest.mark.parametrize(
    ("n_first", "n_second", "expected"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 32),
        (5, 0, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (4, 4, 1.0),
        (10, 2, 2 * (1 + 12 + 66) / 4096),
    ],
)
def test_mcnemar_by_hand(n_first: int, n_second: int, expected: float):
    assert mcnemar(n_first, n_second) == expected


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(n_first: int, n_second: int):
    n = n_first + n_second
    expected = binomtest(n_first, n, 0.5).pvalue if n else 1.0
    assert mcnemar(n_first, n_second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(n_first, n_second) == mcnemar(n_second, n_first)


def test_many_clips_are_no_trouble():
    assert mcnemar(5_000, 5_000) == 1.0
    assert 0 < mcnemar(4_800, 5_200) < 1e-3
    with pytest.raises(ParameterError, match="counts -1 and 3"):
        mcnemar(-1, 3)


def test_two_single_runs_by_hand():
    found = compare(rights("1110101"), rights("1100011"))
    assert found.accuracies == (5 / 7, 4 / 7)
    assert found.difference == pytest.approx(1 / 7)
    assert found.first_better.tolist() == [2, 4]
    assert found.second_better.tolist() == [5]
    assert found.p_value == mcnemar(2, 1) == 1.0
    low, high = found.interval
    assert -1 <= low < found.difference < high <= 1


def test_several_seeds_by_hand():
    found = compare(rights("110", "100"), rights("010", "010", "011"))
    assert found.accuracies == (0.5, 4 / 9)
    assert found.p_value is None
    np.testing.assert_allclose(found.shares, [[1, 0.5, 0], [0, 1, 1 / 3]])
    assert found.first_better.tolist() == [0]
    assert found.second_better.tolist() == [1, 2]


def test_the_interval_is_that_of_resampled_clips():
    rng = np.random.default_rng(3)
    differences = rng.choice([-1, -0.5, 0, 0.5, 1], size=200, p=[0.05, 0.1, 0.6, 0.15, 0.1])
    reference = bootstrap(
        (differences,), np.mean, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    # One clip is 0.0025; the ends differ by chance, with a deviation of about 0.001.
    np.testing.assert_allclose(bootstrap_difference(differences), reference, atol=0.005)


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=60))
def test_the_interval_of_any_differences(values: list[float]):
    differences = np.array(values)
    low, high = bootstrap_difference(differences)
    assert differences.min() <= low <= high <= differences.max()
    assert bootstrap_difference(differences[::-1]) == (low, high)
    assert bootstrap_difference(-differences) == (-high, -low)


def test_a_difference_that_every_clip_has_is_certain():
    assert bootstrap_difference(np.full(9, 0.5)) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rights("11"), rights("111")),
        (rights("11")[0], rights("11")),
        (rights("", ""), rights("", "")),
        (np.zeros((0, 3), bool), rights("111")),
    ],
)
def test_what_cannot_be_compared_is_refused(first: np.ndarray, second: np.ndarray):
    with pytest.raises(ParameterError, match="expected"):
        compare(first, second)


def test_clips_of_a_recording_stay_together():
    """Five copies of each clip say no more than the clip; taken for single clips they seem to."""
    rng = np.random.default_rng(4)
    differences = rng.choice([-1.0, 0.0, 1.0], size=40, p=[0.1, 0.6, 0.3])
    copies = np.repeat(differences, 5)
    alone = bootstrap_difference(differences)
    together = bootstrap_difference(copies, np.repeat(np.arange(40), 5))
    assert together == pytest.approx(alone)
    low, high = bootstrap_difference(copies)
    assert high - low < 0.6 * (alone[1] - alone[0])


def test_recordings_of_different_size_by_plain_resampling():
    rng = np.random.default_rng(6)
    recordings = np.sort(np.concatenate([np.arange(30), rng.integers(0, 30, 50)]))
    differences = rng.choice([-1.0, 0.0, 1.0], size=80)
    members = [np.flatnonzero(recordings == r) for r in range(30)]
    means = [
        differences[np.concatenate([members[r] for r in rng.integers(0, 30, 30)])].mean()
        for _ in range(10_000)
    ]
    expected = np.quantile(means, (0.025, 0.975))
    np.testing.assert_allclose(bootstrap_difference(differences, recordings), expected, atol=0.01)
    found = compare(rights("1" * 80), rights("1" * 40 + "0" * 40), recordings)
    assert found.difference == 0.5
    assert found.interval[0] < 0.5 < found.interval[1]

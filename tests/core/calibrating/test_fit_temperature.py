from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.calibrating.fit_temperature import fit_temperature
from wsnet_cli.core.calibrating.scores import scores_of
from wsnet_cli.core.errors import ParameterError


def one_hot(classes: npt.ArrayLike, n: int) -> npt.NDArray[np.bool_]:
    return np.eye(n, dtype=np.bool_)[np.asarray(classes)]


def drawn(
    seed: int, n_clips: int = 200, n_labels: int = 4, scale: float = 1.0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Clips of one window whose labels are drawn from the softmax of their logits over `scale`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n_clips, n_labels))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = [rng.choice(n_labels, p=row) for row in shares]
    counts = np.ones(n_clips, np.int64)
    return (scale * logits).astype(np.float32), counts, one_hot(classes, n_labels)


def test_by_hand() -> None:
    """Nine of ten right, all with a logit of 1 against 0: the best score is 0.9, 1 / T = ln 9."""
    logits = np.float32([[1, 0]] * 10)
    fit = fit_temperature(logits, np.ones(10, np.int64), one_hot([0] * 9 + [1], 2))
    assert fit.has_minimum
    assert fit.temperature == pytest.approx(1 / math.log(9), rel=1e-4)
    assert fit.nll_after == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))
    sure = 1 / (1 + math.exp(-1))
    assert fit.nll_before == pytest.approx(-0.9 * math.log(sure) - 0.1 * math.log(1 - sure))


def test_by_hand_of_several_labels() -> None:
    """Three of four have the label, all with a logit of 1: the best sigmoid is 3/4."""
    truth = np.array([[True], [True], [True], [False]])
    fit = fit_temperature(np.float32([[1]] * 4), np.ones(4, np.int64), truth, multi_label=True)
    assert fit.temperature == pytest.approx(1 / math.log(3), rel=1e-4)


def test_the_likelihood_is_that_of_the_mean_over_windows() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (9, 3)).astype(np.float32)
    counts, truth = np.array([2, 3, 4]), one_hot([0, 1, 2], 3)
    for multi_label in (False, True):
        fit = fit_temperature(logits, counts, truth, multi_label=multi_label)
        for temperature, nll in ((1.0, fit.nll_before), (fit.temperature, fit.nll_after)):
            scores = scores_of(logits, multi_label=multi_label, temperature=temperature)
            means = np.array([part.mean(axis=0) for part in np.split(scores, [2, 5])])
            likely = np.where(truth, means, 1 - means) if multi_label else means[truth]
            assert nll == pytest.approx(float(-np.log(likely).mean()), rel=1e-5)


def test_it_agrees_with_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    logits, counts, truth = drawn(3, scale=2.5)

    def nll(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / math.exp(log_temperature)
        log_scores = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-log_scores[truth].mean())

    best = optimize.minimize_scalar(nll, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, counts, truth).temperature == pytest.approx(
        math.exp(best.x), rel=6e-4
    )


def test_it_finds_the_temperature_that_labels_were_drawn_with() -> None:
    logits, counts, truth = drawn(0, n_clips=4_000, scale=3.0)
    assert fit_temperature(logits, counts, truth).temperature == pytest.approx(3, rel=0.1)


@given(seed=st.integers(0, 10**6), factor=st.floats(0.2, 5), multi_label=st.booleans())
@settings(max_examples=30, deadline=None)
def test_logits_times_a_factor_give_the_temperature_times_it(
    seed: int, factor: float, multi_label: bool
) -> None:
    logits, _, all_truth = drawn(seed, n_clips=60)
    counts = np.array([1, 2, 3] * 10)
    truth = all_truth[np.cumsum(counts) - 1]  # that of a clip's last window
    if multi_label:
        truth = truth | np.roll(truth, 1, axis=1)
    plain = fit_temperature(logits, counts, truth, multi_label=multi_label)
    scaled = fit_temperature((logits * np.float32(factor)), counts, truth, multi_label=multi_label)
    assert plain.nll_after <= plain.nll_before
    assert scaled.has_minimum == plain.has_minimum
    if plain.has_minimum and plain.nll_after < plain.nll_before:
        assert scaled.temperature == pytest.approx(factor * plain.temperature, rel=2e-3)
        assert scaled.nll_after == pytest.approx(plain.nll_after, abs=1e-6)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_the_best_label_of_a_window_stays(seed: int) -> None:
    logits, counts, truth = drawn(seed, n_clips=40)
    fit = fit_temperature(logits, counts, truth)
    warm = scores_of(logits, multi_label=False, temperature=fit.temperature)
    assert np.array_equal(warm.argmax(axis=1), logits.argmax(axis=1))
    again = fit_temperature(logits, counts, truth)
    assert again == fit


@pytest.mark.parametrize(
    ("logits", "classes"),
    [
        (np.float32([[5, 0], [0, 3]]), [0, 1]),  # all right: the colder, the better
        (np.float32([[5, 0], [0, 3]]), [1, 0]),  # all wrong: the warmer, the better
        (np.float32([[2, 2], [7, 7]]), [0, 1]),  # says nothing
    ],
)
def test_without_a_minimum_the_temperature_stays_one(
    logits: npt.NDArray[np.float32], classes: list[int]
) -> None:
    fit = fit_temperature(logits, np.ones(2, np.int64), one_hot(classes, 2))
    assert (fit.temperature, fit.has_minimum) == (1.0, False)
    assert fit.nll_after == fit.nll_before


def test_shapes_that_do_not_fit_are_refused() -> None:
    logits, truth = np.zeros((3, 2), np.float32), one_hot([0, 1], 2)
    for counts in ([1, 1], [3, 0], [1, 1, 1]):
        with pytest.raises(ParameterError, match="expected windows of one clip or more"):
            fit_temperature(logits, np.array(counts), truth)
    with pytest.raises(ParameterError, match=r"logits \(0, 2\), 0 counts, truth \(0, 2\)"):
        fit_temperature(logits[:0], np.zeros(0, np.int64), truth[:0])

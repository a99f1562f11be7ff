from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsnet_cli.bulk.compressing import sensitivity
from wsnet_cli.bulk.compressing.sensitivity import choose_windows, measure_sensitivity
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.sizes.layer_forms import LayerForms
from wsnet_cli.core.sound.windows import clip_windows
from wsnet_cli.engine.numpy_engine import NumpyEngine


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def logits(model: Model, windows: np.ndarray) -> np.ndarray:
    return NumpyEngine(model).logits(windows).astype(np.float64)


@pytest.fixture
def clips() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(n).astype(np.float32) for n in (800, 1_900, 400, 2_000)]


def windows_of(model: Model, clips: list[np.ndarray]) -> list[np.ndarray]:
    return list(choose_windows(len(clips), clips.__getitem__, model.audio))


def test_windows_are_the_first_of_clips_from_all_over(small_model: Model, clips):
    found = windows_of(small_model, clips)
    for windows, clip in zip(found, clips, strict=True):
        np.testing.assert_array_equal(windows, clip_windows(clip, small_model.audio)[:4])


def test_there_are_never_many(small_model: Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sensitivity, "MOST_WINDOWS", 8)
    monkeypatch.setattr(sensitivity, "FEWEST_WINDOWS", 6)
    asked: list[int] = []

    def samples(number: int) -> np.ndarray:
        asked.append(number)
        return np.ones(5_000, np.float32)

    found = list(choose_windows(101, samples, small_model.audio))
    assert (asked, sum(map(len, found))) == ([0, 14, 29, 43, 57, 71, 86, 100], 8)
    assert [len(one) for one in choose_windows(3, samples, small_model.audio)] == [2, 2, 2]
    monkeypatch.setattr(sensitivity, "MOST_SAMPLES", 1)
    assert sum(map(len, choose_windows(101, samples, small_model.audio))) == 6


def test_it_is_the_divergence_of_the_scores(small_model: Model, clips):
    windows = windows_of(small_model, clips)
    forms = LayerForms(small_model)
    found = measure_sensitivity(forms, windows)
    joined = np.concatenate(windows)
    rough = compress(small_model, 4)
    first, second, third = small_model.weights
    own = replace(
        second, phi=rough.weights[1].phi.values(), pointwise=rough.weights[1].pointwise.values()
    )
    changed = replace(small_model, weights=(first, own, third))
    p, q = (softmax(logits(m, joined)) for m in (small_model, changed))
    expected = (p * np.log(p / q)).sum(axis=1).mean()
    assert found[1][0] == pytest.approx(expected, rel=1e-3)
    assert all(loss > 0 for losses in found for loss in losses)


def test_of_several_labels_it_is_that_of_each(small_model: Model, clips):
    model = replace(small_model, multi_label=True)
    windows = windows_of(model, clips)
    found = measure_sensitivity(LayerForms(model), windows)
    rough = compress(model, 4).weights[2]
    first, second, third = model.weights
    changed = replace(model, weights=(first, second, replace(third, phi=rough.phi.values())))
    joined = np.concatenate(windows)
    p, q = (sigmoid(logits(m, joined)) for m in (model, changed))
    expected = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(axis=1).mean()
    assert found[2][0] == pytest.approx(expected, rel=1e-3)


def test_a_layer_that_stays_as_it_is_loses_nothing(small_model: Model, clips):
    model = compress(small_model, (8, 5, 4))
    told: list[tuple[int, int]] = []
    found = measure_sensitivity(
        LayerForms(model), windows_of(model, clips), lambda done, n: told.append((done, n))
    )
    assert [losses[-1] for losses in found] == [0.0, 0.0, 0.0]
    assert [len(losses) for losses in found] == [4, 2, 1]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_fewer_bits_lose_more(small_model: Model, clips):
    for losses in measure_sensitivity(LayerForms(small_model), windows_of(small_model, clips)):
        assert losses[0] > losses[2] > losses[3]


def test_a_temperature_is_part_of_the_scores(small_model: Model, clips):
    windows = windows_of(small_model, clips)
    (first, *_), *_ = measure_sensitivity(LayerForms(small_model), windows)
    warm = replace(small_model, calibration=Calibration(temperature=4.0))
    (second, *_), *_ = measure_sensitivity(LayerForms(warm), windows)
    assert second < first / 4


def test_the_same_twice(small_model: Model, clips):
    forms, windows = LayerForms(small_model), windows_of(small_model, clips)
    assert measure_sensitivity(forms, windows) == measure_sensitivity(forms, windows)

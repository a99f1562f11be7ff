from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from wsnet_cli.core.model import Model, compress, real
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.engines import make_engine
from wsnet_cli.learn.modules.affine import add_fake_quantization, affine, export_quantized
from wsnet_cli.learn.modules.network import WaveformClassifier

OF_THE_LARGEST = 1e-4
"""How far the engine may be from torch, in units of the largest logit."""
WAYS = st.sampled_from(
    [(8,), (6,), (5,), (4,), (4, 8, 5), (8, 6)]  # of the layers, again and again
)


def drawn_model(data, networks, make_model: Callable[..., Model], seed: int) -> Model:
    network, n_samples = data.draw(networks)
    seconds = n_samples / 1_000
    return make_model(network, AudioSettings(1_000, seconds, seconds), seed)


def logits_of(classifier: WaveformClassifier, windows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return classifier(torch.from_numpy(windows)).numpy()


def noise(model: Model, n: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, model.audio.window_samples)).astype(np.float32)


def assert_same_numbers(found: Model, expected: Model) -> None:
    for own, other in zip(found.weights, expected.weights, strict=True):
        for part, others in zip(own.parts, other.parts, strict=True):
            np.testing.assert_array_equal(real(part), real(others))
        np.testing.assert_array_equal(own.bias, other.bias)
        for a, b in ((own.multiplier, other.multiplier), (own.offsets, other.offsets)):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                np.testing.assert_array_equal(a, b)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), seed=st.integers(0, 9), quantized=st.booleans())
def test_an_affine_network_holds_the_numbers_of_the_model(
    data, seed: int, quantized: bool, networks, make_model
) -> None:
    model = drawn_model(data, networks, make_model, seed)
    model = compress(model, 5) if quantized else model
    classifier = affine(model)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in classifier.modules())
    assert_same_numbers(replace(model, bits=32, weights=classifier.export()), model)
    # In training too: there are no statistics.
    expected = make_engine(model, "numpy").logits(noise(model))
    assert np.abs(logits_of(classifier.train(), noise(model)) - expected).max() <= (
        OF_THE_LARGEST * np.abs(expected).max()
    )


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    seed=st.integers(0, 9),
    way=WAYS,
    scheme=st.sampled_from(["symmetric", "min-max"]),
)
def test_the_engines_compute_what_the_fake_quantized_network_does(
    data, seed: int, way: tuple[int, ...], scheme: str, networks, make_model
) -> None:
    model = drawn_model(data, networks, make_model, seed)
    bits = tuple(islice(cycle(way), len(model.weights)))
    small = compress(model, bits, scheme)
    classifier = affine(model)
    add_fake_quantization(classifier, small)
    assert_same_numbers(replace(model, weights=classifier.export()), small)
    windows = noise(model)
    found = logits_of(classifier, windows)
    for engine in ("numpy", "native"):
        expected = make_engine(small, engine).logits(windows)
        tolerance = OF_THE_LARGEST * np.abs(expected).max()
        assert np.abs(found - expected).max() <= tolerance, engine


def test_all_but_places_is_trained(networks, make_model) -> None:
    @settings(deadline=None, max_examples=20)
    @given(data=st.data())
    def check(data) -> None:
        model = drawn_model(data, networks, make_model, 0)
        classifier = affine(model).train()
        add_fake_quantization(classifier, compress(model, 4))
        classifier(torch.from_numpy(noise(model))).square().sum().backward()
        for name, parameter in classifier.named_parameters():
            assert parameter.requires_grad == ("places" not in name)
            assert (parameter.grad is not None) == parameter.requires_grad

    check()


@settings(deadline=None, max_examples=25)
@given(data=st.data(), way=WAYS, scheme=st.sampled_from(["symmetric", "min-max"]))
def test_what_is_exported_is_what_it_computes_with_wherever_training_goes(
    data, way: tuple[int, ...], scheme: str, networks, make_model
) -> None:
    model = drawn_model(data, networks, make_model, 0)
    small = compress(model, tuple(islice(cycle(way), len(model.weights))), scheme)
    classifier = affine(model)
    add_fake_quantization(classifier, small)
    assert_same_numbers(replace(small, weights=export_quantized(classifier)), small)
    with torch.no_grad():
        for parameter in classifier.parameters():
            if parameter.requires_grad:
                parameter.mul_(1 + 0.3 * torch.randn_like(parameter))
    moved = replace(small, weights=export_quantized(classifier))
    assert moved.layer_bits == small.layer_bits
    assert_same_numbers(moved, replace(model, weights=classifier.export()))
    assert_same_numbers(compress(moved, 8), moved)
    windows = noise(model)
    expected = make_engine(moved, "native").logits(windows)
    tolerance = OF_THE_LARGEST * np.abs(expected).max()
    assert np.abs(logits_of(classifier, windows) - expected).max() <= tolerance


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_is_that_of_linear_layers(dropout: float, small_model) -> None:
    classifier = affine(small_model, dropout).train()
    torch.manual_seed(0)
    first = logits_of(classifier, noise(small_model))
    second = logits_of(classifier, noise(small_model))
    assert np.array_equal(first, second) == (dropout == 0)

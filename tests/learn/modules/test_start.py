from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.numpy_engine import NumpyEngine
from wsnet_cli.learn.modules.network import ConvBlock, WaveformClassifier
from wsnet_cli.learn.modules.start import (
    MAX_SAMPLES,
    MIN_WINDOWS,
    calibration_windows,
    frozen,
    head_for,
    load_into,
    network_for,
)

SAME_LOGITS = 1e-5
"""Largest difference, relative to the largest logit: float32 sums in another order."""
HEADS = ("linear", "conv", "scaled", "scaled-linear", "fully-connected")
AUDIO = AudioSettings(1_000, window_s=0.2, hop_s=0.1)


def noise(n: int, n_samples: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, n_samples)).astype(np.float32)


def dense_head(n_classes: int, head: str = "linear") -> Network:
    conv = Conv("conv1", ConvShape(1, 5, 8, 2, 4, Sampling(2)), pool=Pool(2, 2))
    match head:
        case "linear":
            return Network((conv, Mean(), Linear("linear", LinearShape(5, n_classes))))
        case "conv":
            last = Conv("conv2", ConvShape(5, n_classes, 4, 2), scaled=False, relu=False)
            return Network((conv, last, Mean()))
        case "scaled":
            return Network((conv, Conv("conv2", ConvShape(5, n_classes, 4, 2), relu=False), Mean()))
        case "scaled-linear":
            return Network((conv, Mean(), Linear("linear", LinearShape(5, n_classes), scaled=True)))
        case _:
            shape = LinearShape(5 * conv.output_length(200), 6, 2)
            hidden = Linear("linear1", shape, relu=True)
            return Network((conv, Flatten(), hidden, Linear("linear2", LinearShape(6, n_classes))))


def started(model: Model, labels: tuple[str, ...], windows: np.ndarray, seed: int = 0):
    torch.manual_seed(seed)
    classifier = WaveformClassifier(network_for(model.network, len(labels)))
    head = load_into(classifier, model, labels, [windows[:5], windows[5:]])
    return classifier, head


def logits_of(classifier: WaveformClassifier, windows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return classifier(torch.from_numpy(windows)).numpy()


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = SAME_LOGITS) -> None:
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 9), bits=st.sampled_from([32, 8]))
def test_a_started_network_computes_what_the_model_does(
    data, seed: int, bits: int, networks, make_model
) -> None:
    network, n_samples = data.draw(networks)
    seconds = n_samples / 1_000
    model = make_model(network, AudioSettings(1_000, seconds, seconds), seed)
    model = compress(model) if bits == 8 else model
    windows = noise(9, n_samples, seed)
    expected = NumpyEngine(model).logits(windows)
    classifier, head = started(model, model.labels, windows)
    assert head.same
    assert not classifier.training
    assert_close(logits_of(classifier, windows), expected, 1e-4)
    assert_close(logits_of(frozen(model), windows), expected, 1e-4)


@settings(deadline=None, max_examples=30)
@given(data=st.data(), seed=st.integers(0, 9))
def test_windows_at_odd_places_are_kept(data, seed: int, irregular_shapes, make_model) -> None:
    shape = data.draw(irregular_shapes)
    first = Conv("conv1", ConvShape(1, shape.n_in, 4))
    network = Network((first, Conv("conv2", shape, relu=False), Mean()))
    n_samples = network.min_samples + 9
    audio = AudioSettings(1_000, n_samples / 1_000, n_samples / 1_000)
    model = make_model(network, audio, seed)
    windows = noise(9, n_samples, seed)
    classifier, _ = started(model, model.labels, windows)
    assert_close(logits_of(classifier, windows), NumpyEngine(model).logits(windows), 1e-4)
    if shape.n_offsets:
        np.testing.assert_array_equal(classifier.export()[1].offsets, model.weights[1].offsets)


@pytest.mark.parametrize("head", HEADS)
def test_before_and_after_the_statistics_are_taken_the_logits_are_equal(
    head: str, make_model
) -> None:
    model = make_model(dense_head(3, head), AUDIO)
    windows = noise(16)
    before = logits_of(frozen(model), windows)
    classifier, _ = started(model, model.labels, windows)
    assert_close(logits_of(classifier, windows), before)


def test_statistics_of_the_batch_give_nearly_the_same_function(make_model) -> None:
    """On the very windows that were measured they are the same up to rounding."""
    model = make_model(dense_head(3), AUDIO)
    windows = noise(64)
    classifier, _ = started(model, model.labels, windows)
    expected = logits_of(classifier, windows)
    classifier.train()
    assert_close(logits_of(classifier, windows), expected, 1e-4)
    others = noise(64, seed=1)
    with_batch = logits_of(classifier, others)
    assert_close(with_batch, logits_of(classifier.eval(), others), 0.05)
    naive = frozen(model).train()  # a mean of 0 and a variance of 1 are not those of the batch
    assert np.abs(logits_of(naive, others) - with_batch).max() > 0.2


def test_statistics_are_the_mean_and_variance_of_the_convolution(make_model) -> None:
    model = make_model(dense_head(3), AUDIO)
    windows = noise(12)
    classifier, _ = started(model, model.labels, windows)
    block = classifier.blocks[0]
    assert isinstance(block, ConvBlock)
    with torch.no_grad():
        out = block.conv(torch.from_numpy(windows).unsqueeze(1)).numpy().astype(np.float64)
    mean, variance = out.mean(axis=(0, 2)), out.var(axis=(0, 2))
    own = model.weights[0]
    np.testing.assert_allclose(block.norm.running_mean.numpy(), mean, atol=1e-6)
    np.testing.assert_allclose(block.norm.running_var.numpy(), variance, rtol=1e-5)
    gain = own.multiplier * np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(block.norm.weight.detach().numpy(), gain, rtol=1e-5)
    shift = own.bias + own.multiplier * mean
    np.testing.assert_allclose(block.norm.bias.detach().numpy(), shift, rtol=1e-4, atol=1e-6)


def test_dead_channels_and_silence_stay_finite(make_model) -> None:
    model = make_model(dense_head(3), AUDIO)
    first, *others = model.weights
    dead = replace(model, weights=(replace(first, phi=np.zeros_like(first.phi)), *others))
    for each, windows in ((dead, noise(8)), (model, np.zeros((8, 200), np.float32))):
        classifier, _ = started(each, each.labels, windows)
        assert_close(logits_of(classifier, noise(8)), NumpyEngine(each).logits(noise(8)), 1e-4)
        loss = classifier.train()(torch.from_numpy(windows)).square().sum()
        loss.backward()
        values = [*classifier.state_dict().values(), *(p.grad for p in classifier.parameters())]
        assert all(bool(torch.isfinite(value).all()) for value in values)


@pytest.mark.parametrize("head", HEADS)
def test_rows_follow_the_order_of_the_labels(head: str, make_model) -> None:
    model = make_model(dense_head(3, head), AUDIO)
    windows = noise(16)
    labels = ("class-2", "class-0", "class-1")
    classifier, found = started(model, labels, windows)
    assert found.rows == (2, 0, 1)
    assert found.say() == "the head is kept, its classes in the order of the data"
    assert_close(logits_of(classifier, windows), NumpyEngine(model).logits(windows)[:, [2, 0, 1]])


@pytest.mark.parametrize("head", HEADS)
def test_classes_that_are_known_are_kept_and_others_start_anew(head: str, make_model) -> None:
    model = make_model(dense_head(3, head), AUDIO)
    windows = noise(16)
    labels = ("a", "class-1", "b", "class-0")
    classifier, found = started(model, labels, windows)
    assert found.say() == "the head is replaced: 2 of 4 classes are known"
    known = logits_of(classifier, windows)[:, [1, 3]]
    assert_close(known, NumpyEngine(model).logits(windows)[:, [1, 0]])
    assert len({tuple(row) for row in logits_of(classifier, windows).T}) == 4
    again, _ = started(model, labels, windows, seed=1)
    assert np.abs(logits_of(again, windows)[:, 0] - logits_of(classifier, windows)[:, 0]).max() > 0


def test_fewer_classes_are_a_part_of_the_head(make_model) -> None:
    model = make_model(dense_head(3), AUDIO)
    classifier, found = started(model, ("class-0", "class-1"), noise(16))
    assert found.say() == "the head is replaced: 2 of 2 classes are known"
    assert_close(logits_of(classifier, noise(16)), NumpyEngine(model).logits(noise(16))[:, :2])


@pytest.mark.parametrize("labels", [("class-1", "class-0", "class-2"), ("class-0", "x")])
def test_a_sampled_head_that_must_change_starts_anew(labels, small_model: Model) -> None:
    windows = noise(8, small_model.audio.window_samples)
    classifier, found = started(small_model, labels, windows)
    n = len(labels)
    assert found.rows == (None,) * n
    assert found.say() == f"the head is replaced: its classes share weights, so all {n} start anew"
    torch.manual_seed(0)
    fresh = WaveformClassifier(classifier.network).state_dict()
    assert torch.equal(classifier.state_dict()["blocks.3.linear.phi"], fresh["blocks.3.linear.phi"])
    assert not torch.equal(classifier.state_dict()["blocks.0.conv.phi"], fresh["blocks.0.conv.phi"])


def test_sampled_head_of_the_same_classes_is_kept(small_model: Model) -> None:
    head = head_for(small_model, small_model.labels)
    assert head.same
    assert head.say() == "the head is kept: the classes are the same"


def test_a_network_without_a_row_for_each_class_is_refused() -> None:
    network = Network((Conv("conv1", ConvShape(1, 3, 4)), ToMap(), Mean()))
    assert network_for(network, 1) is network
    with pytest.raises(ParameterError, match="conv1: its outputs are no logits; expected"):
        network_for(network, 4)


def test_teachers_take_no_gradient(small_model: Model) -> None:
    assert not any(p.requires_grad for p in frozen(small_model).parameters())


def test_export_gives_the_model_back(make_model) -> None:
    model = make_model(dense_head(3), AUDIO)
    classifier, _ = started(model, model.labels, noise(16))
    for own, again in zip(model.weights, classifier.export(), strict=True):
        for name in ("phi", "multiplier", "bias"):
            before, after = getattr(own, name), getattr(again, name)
            assert (before is None) == (after is None)
            if before is not None:
                np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_windows_come_from_all_over_the_list_and_are_bounded(fake_packed_set) -> None:
    clips = fake_packed_set([np.full(1_000 + i, 1.0 + i, np.float32) for i in range(300)])
    audio = AudioSettings(1_000, 0.2, 0.1, normalise="none")
    batches = list(calibration_windows(clips, range(300), audio))
    assert all(batch.shape == (4, 200) for batch in batches)
    heard = [batch[0, 0] - 1 for batch in batches]
    assert len(heard) == 128
    assert heard[0] == 0
    assert heard[-1] == 299
    assert next(calibration_windows(clips, [7], audio)).shape == (4, 200)
    long = AudioSettings(1_000, 800.0, 800.0, normalise="none")
    short_clips = fake_packed_set([np.ones(3, np.float32)] * 40)
    assert MAX_SAMPLES // long.window_samples < MIN_WINDOWS
    assert len(list(calibration_windows(short_clips, range(40), long))) == MIN_WINDOWS // 4

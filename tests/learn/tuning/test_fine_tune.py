from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.errors import Interrupted, TrainingError, UsageError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.networks.sampling import LinearShape
from wsnet_cli.core.quant import QuantizedTensor
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.core.sound.windows import clip_windows
from wsnet_cli.engine.numpy_engine import NumpyEngine
from wsnet_cli.learn.modules.affine import affine
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.prepared import PreparedData, find_data, prepare_data
from wsnet_cli.learn.tuning import fine_tune as module
from wsnet_cli.learn.tuning.fine_tune import FineTuning, check_labels, fine_tune, recipe
from wsnet_cli.learn.tuning.tune_loop import make_optimizer, set_rates

CPU = torch.device("cpu")
FEW = FineTuning(epochs=3)


def prepared(source: Path, model: Model) -> PreparedData:
    config = recipe(model, None, FEW)
    return prepare_data(find_data(source), config, None)


@pytest.fixture
def data(tones: Path, tone_model: Model) -> PreparedData:
    return prepared(tones, tone_model)


def tuned(
    model: Model,
    data: PreparedData,
    bits: object = 4,
    scheme: str = "symmetric",
    settings: FineTuning = FEW,
    listener: SilentListener | None = None,
) -> Model:
    config = recipe(model, None, settings)
    listener = listener or SilentListener()
    return fine_tune(model, bits, scheme, data, config, settings, listener, CPU)  # type: ignore[arg-type]


def codes_of(model: Model) -> list[np.ndarray]:
    parts = [part for own in model.weights for part in own.parts]
    assert all(isinstance(part, QuantizedTensor) for part in parts)
    return [part.codes for part in parts if isinstance(part, QuantizedTensor)]


def divergence(model: Model, teacher: Model, data: PreparedData) -> float:
    """The mean divergence of a model's scores from a teacher's, on the training clips."""
    windows = np.concatenate(
        [clip_windows(data.packed.samples(i), model.audio) for i in data.train]
    )
    own, said = (
        torch.log_softmax(torch.from_numpy(NumpyEngine(m).logits(windows)), dim=1)
        for m in (model, teacher)
    )
    return float((said.exp() * (said - own)).sum(dim=1).mean())


# --------------------------------------------------------------------------------- the result


def test_what_comes_out_is_quantized_and_otherwise_the_same(tone_model: Model, data) -> None:
    calibrated = replace(tone_model, calibration=Calibration(temperature=1.5))
    small = tuned(calibrated, data)
    assert small.layer_bits == (4, 4, 4)
    assert small.calibration == calibrated.calibration
    assert (small.labels, small.audio, small.network) == (
        *(tone_model.labels, tone_model.audio, tone_model.network),
    )
    assert dict(small.provenance) == {
        "seed": 0,
        "tuned_data": data.fingerprint,
        "tuned_epochs": 3,
        "tuned_seed": 0,
    }
    again = compress(small, 4)
    for codes, others in zip(codes_of(small), codes_of(again), strict=True):
        np.testing.assert_array_equal(codes, others)


def test_it_comes_nearer_to_the_model_than_rounding_alone(tone_model: Model, data) -> None:
    settings = FineTuning(epochs=40, rate=0.005, teacher_share=1.0)
    before = divergence(compress(tone_model, 4), tone_model, data)
    after = divergence(tuned(tone_model, data, settings=settings), tone_model, data)
    assert after < before / 2


@pytest.mark.parametrize(
    ("bits", "scheme"), [(4, "symmetric"), ((6, 4, 8), "symmetric"), (5, "min-max")]
)
def test_the_file_holds_the_numbers_that_were_trained_with(
    bits: object, scheme: str, tone_model: Model, data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine on the result against the fake-quantized torch network as training left it."""
    networks = []
    monkeypatch.setattr(
        module,
        "add_fake_quantization",
        lambda network, *how: (networks.append(network), original(network, *how)),
    )
    small = tuned(tone_model, data, bits, scheme)
    windows = np.concatenate([clip_windows(data.packed.samples(i), small.audio) for i in data.test])
    (network,) = networks
    with torch.no_grad():
        found = network.eval()(torch.from_numpy(windows)).numpy()
    expected = NumpyEngine(small).logits(windows)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    for own, trained in zip(small.weights, network.export(), strict=True):
        assert isinstance(own.phi, QuantizedTensor)
        np.testing.assert_array_equal(own.phi.values(), trained.phi)
        np.testing.assert_array_equal(own.bias, trained.bias)


original = module.add_fake_quantization


def test_it_is_the_same_twice_and_another_for_another_seed(tone_model: Model, data) -> None:
    first, second = (codes_of(tuned(tone_model, data)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    other = codes_of(tuned(tone_model, data, settings=FineTuning(epochs=3, seed=1)))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_layer_of_fewer_bits_keeps_them(tone_model: Model, data) -> None:
    model = compress(tone_model, (4, 8, 6))
    assert tuned(model, data, 5).layer_bits == (4, 5, 5)


def test_labels_in_another_order_are_another_order_of_logits(tone_model: Model, data) -> None:
    """Random weights know no class: trained by labels alone, they learn the right ones."""
    turned = replace(tone_model, labels=("middle", "high", "low"))
    rows = make_rows(turned, data, FineTuning(epochs=60, rate=0.03, teacher_share=0.0))
    assert rows[-1].accuracy > 0.8


def make_rows(model: Model, data: PreparedData, settings: FineTuning) -> list:
    class Rows(SilentListener):
        def __init__(self) -> None:
            self.rows: list = []

        def epoch(self, row) -> None:
            self.rows.append(row)

    listener = Rows()
    small = tuned(model, data, settings=settings, listener=listener)
    right = [
        small.labels[int(logits.mean(axis=0).argmax())] == data.dataset.clips[i].label
        for i in data.train
        for logits in [NumpyEngine(small).logits(clip_windows(data.packed.samples(i), small.audio))]
    ]
    assert np.mean(right) > 0.8
    return listener.rows


def test_progress_is_told(tone_model: Model, data, make_listener) -> None:
    listener = make_listener()
    tuned(tone_model, data, listener=listener)
    assert [row.epoch for row in listener.rows] == [1, 2, 3]
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == 1
    assert listener.rows[-1].lr < listener.rows[0].lr


def test_of_several_labels_each_is_learned(
    tone_model: Model, make_model, several_labels: Path
) -> None:
    *body, head = tone_model.network.layers
    network = Network((*body, replace(head, shape=LinearShape(6, 4))))
    labels = ("high", "loud", "low", "middle")
    model = replace(
        make_model(network, tone_model.audio), labels=labels, multi_label=True, provenance={}
    )
    data = prepared(several_labels, model)
    settings = FineTuning(epochs=40, rate=0.003, teacher_share=1.0)
    before, after = (
        sigmoid_distance(small, model, data)
        for small in (compress(model, 4), tuned(model, data, settings=settings))
    )
    assert after < before


def sigmoid_distance(model: Model, teacher: Model, data: PreparedData) -> float:
    windows = np.concatenate(
        [clip_windows(data.packed.samples(i), model.audio) for i in data.train]
    )
    own, said = (1 / (1 + np.exp(-NumpyEngine(m).logits(windows))) for m in (model, teacher))
    return float(np.square(own - said).mean())


# --------------------------------------------------------------------------- what is refused


def test_other_labels_are_refused(tone_model: Model, data) -> None:
    other = replace(tone_model, labels=("high", "low", "dog"))
    with pytest.raises(UsageError, match="the model has a class 'dog', which the data has not"):
        check_labels(other, data)
    with pytest.raises(UsageError, match="one label for each clip; expected any number"):
        tuned(replace(tone_model, multi_label=True), data)


def test_a_loss_that_is_not_finite_is_an_error(tone_model: Model, data) -> None:
    first, *others = tone_model.weights
    assert first.multiplier is not None
    huge = replace(first, multiplier=first.multiplier * np.float32(1e38))
    model = replace(tone_model, weights=(huge, *others))
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1, step 1 of fine-tuning"):
        tuned(model, data)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it(
    number: int, code: int, tone_model: Model, data, make_listener: Callable
) -> None:
    listener = make_listener(on_step=lambda k: k == 2 and os.kill(os.getpid(), number))
    with pytest.raises(Interrupted, match="stopped in epoch 2 of fine-tuning; nothing") as caught:
        tuned(tone_model, data, listener=listener, settings=FineTuning(epochs=50))
    assert caught.value.exit_code == code
    assert len(listener.fractions) == 2


# --------------------------------------------------------------------------------- the recipe


def test_the_recipe_is_that_of_the_run_with_the_audio_of_the_model(
    small_model: Model, make_config: Callable[..., Config]
) -> None:
    run = make_config("augment.mixing=none", "train.batch_size=7", "train.validation=0.2")
    config = recipe(small_model, run, FineTuning(epochs=5, rate=0.02, seed=3))
    assert config.augment == run.augment
    assert config.network.dropout == 0
    assert (config.train.batch_size, config.train.validation) == (7, 0.2)
    assert (config.train.epochs, config.train.lr, config.train.seed) == (5, 0.02, 3)
    assert config.train.keep == "last"
    assert config.audio.window_s == small_model.audio.window_s
    assert config.from_data == ()


@pytest.mark.parametrize(("seconds", "rescale"), [(0.1, 1.1), (1.51125, 1.25)])
def test_without_a_run_it_is_the_default_preset(
    seconds: float, rescale: float, small_network, make_model
) -> None:
    model = make_model(small_network, AudioSettings(8_000, seconds, seconds / 2))
    assert recipe(model, None, FEW).augment.rescale == rescale


def test_steps_are_in_proportion_to_what_is_trained(small_model: Model) -> None:
    """AdamW's first step moves every number by its learning rate."""
    classifier = affine(small_model)
    before = {name: p.detach().numpy().copy() for name, p in classifier.named_parameters()}
    optimizer = make_optimizer(classifier)
    set_rates(optimizer, 0.01)
    sum(p.sum() for p in classifier.parameters()).backward()
    optimizer.step()
    for name, parameter in classifier.named_parameters():
        size = np.sqrt(np.mean(np.square(before[name], dtype=np.float64)))
        moved = before[name] - parameter.detach().numpy()
        np.testing.assert_allclose(moved, 0.01 * size, rtol=1e-3)

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from wsnet_cli.core.configuration.config import DistillConfig
from wsnet_cli.core.errors import UsageError
from wsnet_cli.core.model import Model
from wsnet_cli.engine.numpy_engine import NumpyEngine
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.teachers.model_source import ModelSource
from wsnet_cli.learn.teachers.teachers import Teachers, check_teacher
from wsnet_cli.learn.training.objective import Objective

CPU = torch.device("cpu")


def teachers_of(*models: Model, labels=None, temperature: float = 2.0, share: float = 0.9):
    config = DistillConfig(teachers=("t",), temperature=temperature, share=share)
    return Teachers(models, labels or models[0].labels, config, CPU)


def windows_for(model: Model, n: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, model.audio.window_samples)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 7.5])
def test_targets_are_the_mean_of_softened_probabilities(
    temperature: float, small_model: Model, make_model
) -> None:
    other = make_model(small_model.network, small_model.audio, 1)
    windows = windows_for(small_model)
    expected = np.mean(
        [softmax(NumpyEngine(m).logits(windows) / temperature) for m in (small_model, other)],
        axis=0,
    )
    teachers = teachers_of(small_model, other, temperature=temperature)
    np.testing.assert_allclose(teachers(torch.from_numpy(windows)).numpy(), expected, atol=1e-5)


def test_targets_stand_in_the_order_of_the_students_labels(small_model: Model) -> None:
    windows = torch.from_numpy(windows_for(small_model))
    straight = teachers_of(small_model)(windows)
    turned = teachers_of(small_model, labels=("class-2", "class-0", "class-1"))(windows)
    torch.testing.assert_close(turned, straight[:, [2, 0, 1]])


def test_loss_by_hand(small_model: Model) -> None:
    """T = 2; teacher (3/4, 1/4); student logits (2 ln 3, 0): softened (3/4, 1/4), then (0, 0)."""
    teachers = teachers_of(small_model)
    taught = torch.tensor([[0.75, 0.25], [0.75, 0.25]])
    logits = torch.tensor([[2 * math.log(3), 0.0], [0.0, 0.0]])
    apart = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    found = teachers.losses(logits, taught)
    assert found.tolist() == pytest.approx([0.0, 4 * apart], abs=1e-6)


def test_share_is_that_of_the_teachers(small_model: Model) -> None:
    taught, logits = torch.tensor([[0.75, 0.25]]), torch.tensor([[1.0, -1.0]])
    by_labels = torch.tensor([2.0])
    alone = teachers_of(small_model).losses(logits, taught)
    for share in (0.0, 0.25, 1.0):
        found = teachers_of(small_model, share=share).mix(by_labels, logits, taught)
        torch.testing.assert_close(found, (1 - share) * by_labels + share * alone)


def test_loss_has_its_least_where_the_student_says_the_same(small_model: Model) -> None:
    windows = torch.from_numpy(windows_for(small_model))
    teachers = teachers_of(small_model, temperature=3.0)
    taught = teachers(windows)
    logits = (3.0 * taught.log() + 5.0).requires_grad_()
    losses = teachers.losses(logits, taught)
    losses.sum().backward()
    assert losses.detach().abs().max() < 1e-5
    assert logits.grad.abs().max() < 1e-5


def test_of_several_labels_each_class_has_its_own_sigmoid(small_model: Model, make_model) -> None:
    models = [
        replace(model, multi_label=True)
        for model in (small_model, make_model(small_model.network, small_model.audio, 1))
    ]
    windows = windows_for(small_model)
    logits = [NumpyEngine(model).logits(windows).astype(np.float64) for model in models]
    expected = np.mean([1 / (1 + np.exp(-each / 3.0)) for each in logits], axis=0)
    teachers = teachers_of(*models, temperature=3.0)
    taught = teachers(torch.from_numpy(windows))
    np.testing.assert_allclose(taught.numpy(), expected, atol=1e-5)
    same = torch.from_numpy(3.0 * np.log(expected / (1 - expected)))
    assert teachers.losses(same, taught).abs().max() < 1e-5


def test_loss_of_several_labels_by_hand(small_model: Model) -> None:
    """T = 2; teacher 3/4 and 0; student sigmoids 1/2 and 1/2: the mean of two divergences."""
    teachers = teachers_of(replace(small_model, multi_label=True))
    first = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    found = teachers.losses(torch.zeros(1, 2), torch.tensor([[0.75, 0.0]]))
    assert found.tolist() == pytest.approx([4 * (first + math.log(2)) / 2])


def test_gradient_is_that_of_the_paper(small_model: Model) -> None:
    """dC/dz = T (q - p) for one window: 1/T of the softened difference, times T^2."""
    teachers = teachers_of(small_model, temperature=4.0)
    taught = torch.tensor([[0.2, 0.5, 0.3]])
    logits = torch.tensor([[1.0, -2.0, 0.5]], requires_grad=True)
    teachers.losses(logits, taught).sum().backward()
    q = torch.softmax(logits.detach() / 4.0, dim=-1)
    torch.testing.assert_close(logits.grad, 4.0 * (q - taught))


def test_a_student_comes_to_say_what_its_teacher_says(small_model: Model) -> None:
    """And not what the labels say, which are drawn."""
    rng = np.random.default_rng(0)
    size = (48, small_model.audio.window_samples)
    windows = torch.from_numpy(rng.standard_normal(size).astype(np.float32))
    targets = torch.eye(3)[rng.integers(0, 3, 48)]
    *body, last = small_model.weights
    logits_now = NumpyEngine(small_model).logits(windows.numpy())
    own_opinion = replace(last, phi=40 * last.phi, bias=40 * (last.bias - logits_now.mean(axis=0)))
    teacher = replace(small_model, weights=(*body, own_opinion))
    objective = Objective(teachers=teachers_of(teacher, share=1.0))
    torch.manual_seed(1)
    student = WaveformClassifier(small_model.network)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    divergences = []
    for _ in range(150):
        logits, taught = student(windows), objective.taught(windows)
        loss = objective.mix(objective.losses(logits, targets), logits, taught).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        divergences.append(float(loss.detach()))
    assert divergences[-1] < 0.1 * divergences[0]
    same = logits.argmax(dim=1) == taught.argmax(dim=1)
    assert len(set(taught.argmax(dim=1).tolist())) > 1
    assert same.float().mean() >= 0.8


def test_teachers_do_not_change_while_they_are_asked(small_model: Model) -> None:
    teachers = teachers_of(small_model)
    before = {name: value.clone() for name, value in teachers.state_dict().items()}
    taught = teachers(torch.from_numpy(windows_for(small_model)))
    assert not taught.requires_grad
    assert all(torch.equal(before[name], value) for name, value in teachers.state_dict().items())


def test_labels_in_another_order_are_fine(small_model: Model) -> None:
    check_teacher(
        ModelSource("t", Path(), b"", small_model), small_model.labels[::-1], small_model.audio
    )


@pytest.mark.parametrize(
    ("changes", "labels", "said"),
    [
        (
            {"sample_rate": 16_000, "window_s": 0.05, "hop_s": 0.05},
            None,
            "sample rate is 8,000 Hz; expected 16,000 Hz",
        ),
        ({"window_s": 0.2}, None, "window is 800 samples; expected 1,600 samples"),
        ({"normalise": "none"}, None, "normalisation is rms; expected none"),
        (
            {},
            ("class-0", "class-1", "x"),
            "does not know the class 'x'; expected a model of the same",
        ),
        ({}, ("class-0", "class-1"), "knows a class 'class-2', which the data has not"),
    ],
)
def test_teacher_that_does_not_fit_is_refused(changes, labels, said: str, small_model) -> None:
    audio = replace(small_model.audio, **changes)
    with pytest.raises(UsageError, match=f"^teacher runs/big: (its )?{said}"):
        check_teacher(
            ModelSource("runs/big", Path(), b"", small_model),
            labels or small_model.labels,
            audio,
        )


def test_teacher_of_another_kind_is_refused(small_model: Model) -> None:
    several = ModelSource("t", Path(), b"", replace(small_model, multi_label=True))
    labels, audio = small_model.labels, small_model.audio
    check_teacher(several, labels, audio, multi_label=True)
    with pytest.raises(
        UsageError, match="teacher t: gives any number of labels for a clip; expected one label"
    ):
        check_teacher(several, labels, audio)
    with pytest.raises(UsageError, match="gives one label for each clip; expected any number"):
        check_teacher(ModelSource("t", Path(), b"", small_model), labels, audio, multi_label=True)


def test_trim_and_hop_may_differ(small_model: Model) -> None:
    audio = replace(small_model.audio, trim_below=0.0, hop_s=0.1)
    check_teacher(ModelSource("t", Path(), b"", small_model), small_model.labels, audio)

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsnet_cli.core.model import Model
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.core.sound.windows import clip_windows
from wsnet_cli.engine.session import WINDOWS_AT_ONCE, Classifier
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.training.held_out import look_at


def test_accuracy_is_that_of_the_engine_that_predicts(
    small_network: Network, fake_packed_set, make_classifier
) -> None:
    """Clips of three tones each, on whose windows the network disagrees with itself."""
    audio = AudioSettings(8_000, window_s=0.1, hop_s=0.04)
    rng = np.random.default_rng(0)
    clips = []
    for i in range(60):
        pieces = [np.sin(np.pi * rng.uniform() * np.arange(100 + 10 * i)) for _ in range(3)]
        clips.append(np.concatenate(pieces).astype(np.float32))
    torch_model = make_classifier(small_network, seed=5)
    classifier = Classifier(Model(small_network, torch_model.export(), ("a", "b", "c"), audio))
    predicted = [int(classifier.classify(clip, 8_000).argmax()) for clip in clips]
    logits = [classifier.engine.logits(clip_windows(clip, audio)) for clip in clips]
    # Neither the first window nor the mean of logits would do.
    assert [int(rows[0].argmax()) for rows in logits] != predicted
    assert [int(rows.mean(axis=0).argmax()) for rows in logits] != predicted

    def accuracy(chosen: list[int], truth: list[int]) -> float:
        packed, cpu = fake_packed_set(clips), torch.device("cpu")
        return look_at(torch_model, packed, chosen, truth, audio, cpu).accuracy

    assert accuracy(list(range(60)), predicted) == 1.0
    others = [(label + 1) % 3 for label in predicted]
    assert accuracy([7, 8, 50, 51], [predicted[7], others[8], predicted[50], predicted[51]]) == 0.75


def test_long_clips_go_through_in_groups(
    small_network: Network, fake_packed_set, make_classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = AudioSettings(8_000, window_s=0.1, hop_s=0.05)
    clip = np.random.default_rng(0).standard_normal(800 + 400 * 39).astype(np.float32)
    model = make_classifier(small_network, seed=5)
    classifier = Classifier(Model(small_network, model.export(), ("a", "b", "c"), audio))
    label = int(classifier.classify(clip, 8_000).argmax())
    sizes = []
    forward = WaveformClassifier.forward

    def note(self: WaveformClassifier, windows: torch.Tensor) -> torch.Tensor:
        sizes.append(len(windows))
        return forward(self, windows)

    monkeypatch.setattr(WaveformClassifier, "forward", note)
    cpu = torch.device("cpu")
    seen = look_at(model, fake_packed_set([clip]), [0], [label], audio, cpu)
    assert seen.accuracy == 1.0
    scores = classifier.classify(clip, 8_000)
    assert seen.loss == pytest.approx(-np.log(scores[label]), rel=1e-4)
    assert sizes == [WINDOWS_AT_ONCE, WINDOWS_AT_ONCE, 40 - 2 * WINDOWS_AT_ONCE]


def test_of_several_labels_every_class_is_looked_at(
    small_network: Network, fake_packed_set, make_classifier
) -> None:
    audio = AudioSettings(8_000, window_s=0.1, hop_s=0.04)
    rng = np.random.default_rng(1)
    clips = [rng.standard_normal(800 + 100 * i).astype(np.float32) for i in range(20)]
    torch_model = make_classifier(small_network, seed=5)
    bias = [value for name, value in torch_model.named_parameters() if name.endswith("bias")][-1]
    with torch.no_grad():  # every class is there in some windows
        windows = np.concatenate([clip_windows(clip, audio) for clip in clips])
        bias -= torch_model(torch.from_numpy(windows)).median(dim=0).values
    model = Model(small_network, torch_model.export(), ("a", "b", "c"), audio, multi_label=True)
    scores = Classifier(model).classify_batch(clips, 8_000).astype(np.float64)
    members = np.array([[i >> c & 1 for c in range(3)] for i in range(8)], bool)
    exact = [int(row @ [1, 2, 4]) for row in scores >= 0.5]
    assert len(set(exact)) > 1, "the network must tell some clips apart"
    truth = [*exact[:15], *(7 - row for row in exact[15:])]
    cpu = torch.device("cpu")
    seen = look_at(
        torch_model, fake_packed_set(clips), range(20), truth, audio, cpu, members=members
    )
    assert seen.accuracy == 15 / 20
    said = np.where(members[truth], scores, 1 - scores)
    assert seen.loss == pytest.approx(-np.log(said).mean(), rel=1e-4)

"""Other windows than a model's own, and those that its network cannot take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsnet_cli.core.errors import UsageError
from wsnet_cli.core.model import Model
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Network
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine import session
from wsnet_cli.engine.session import Classifier
from wsnet_cli.engine.windows import find_misfit, recut_audio

RATE = 8_000


@pytest.fixture
def rigid(make_model) -> Model:
    """Takes windows of 0.1 s only: 4 channels of 200 steps, flattened."""
    conv = Conv("conv1", ConvShape(1, 4, 16, 4, 8))
    layers = (conv, Flatten(), Linear("linear1", LinearShape(4 * 201, 3)))
    return make_model(Network(layers), AudioSettings(RATE, window_s=0.1, hop_s=0.05))


@pytest.mark.parametrize(
    ("window_s", "hop_s", "expected"),
    [
        (None, None, (800, 400)),
        (0.2, None, (1_600, 800)),
        (None, 0.1, (800, 800)),
        (None, 0.001, (800, 8)),
        (0.3, 0.07, (2_400, 560)),
        (0.05, None, (400, 200)),
    ],
)
def test_windows_and_hops_that_can_be(
    window_s: float | None, hop_s: float | None, expected: tuple[int, int], small_model: Model
) -> None:
    audio = recut_audio(small_model, window_s, hop_s)
    assert (audio.window_samples, audio.hop_samples) == expected
    assert (audio.normalise, audio.trim_below) == ("rms", 1e-4)


def test_a_hop_of_a_whole_window_stays_one(small_model: Model) -> None:
    """2.2 * 3.995 / 2.2 is more than 3.995, in floating point."""
    whole = replace(small_model, audio=AudioSettings(8_000, window_s=2.2, hop_s=2.2))
    audio = recut_audio(whole, 3.995)
    assert (audio.window_s, audio.hop_s) == (3.995, 3.995)


@pytest.mark.parametrize(
    ("window_s", "hop_s", "said"),
    [
        (
            None,
            0.2,
            r"hop of 0\.2 s with windows of 0\.1 s: .* unheard; expected a hop of at most 0",
        ),
        (0.05, 0.06, r"hop of 0\.06 s with windows of 0\.05 s"),
        (
            2e-4,
            None,
            r"window of 0\.0002 s: 2 samples are too few .* at least 4 \(0\.0005 s",
        ),
        (0.0, None, r"window_s = 0\.0; expected seconds > 0 and <= 3600"),
        (-1.0, None, r"window_s = -1\.0; expected seconds > 0"),
        (float("nan"), None, r"window_s = nan; expected seconds > 0"),
        (4_000.0, None, r"window_s = 4000\.0; expected seconds > 0 and <= 3600"),
        (None, 0.0, r"hop_s = 0\.0; expected seconds > 0"),
        (None, 1e-9, r"hop of 1e-09 s: 1e\+09 windows for each second .* at least 0\.001 s"),
        (None, -0.1, r"hop_s = -0\.1; expected seconds > 0"),
        (None, float("nan"), r"hop_s = nan; expected seconds > 0"),
    ],
)
def test_windows_and_hops_that_cannot_be(
    window_s: float | None, hop_s: float | None, said: str, small_model: Model
) -> None:
    with pytest.raises(UsageError, match=said):
        recut_audio(small_model, window_s, hop_s)


def test_a_network_of_one_length_takes_other_hops_only(rigid: Model) -> None:
    assert recut_audio(rigid, None, 0.02).hop_samples == 160
    assert recut_audio(rigid, 0.1).window_samples == 800
    said = (
        r"window of 0\.2 s: this model's network takes windows of one length only; expected 0\.1 s"
    )
    with pytest.raises(UsageError, match=said):
        recut_audio(rigid, 0.2)
    misfit = find_misfit(rigid.network, 1_600)
    assert misfit is not None
    assert (misfit[0].name, misfit[1]) == ("linear1", 4 * 401)


def test_a_recut_classifier_is_one_of_a_model_with_those_windows(
    small_model: Model, small_network: Network, make_model
) -> None:
    clip = (0.1 * np.random.default_rng(0).standard_normal(9_000)).astype(np.float32)
    other = make_model(small_network, AudioSettings(RATE, window_s=0.25, hop_s=0.03))
    classifier = Classifier(small_model)
    before = classifier.classify(clip, RATE)
    recut = classifier.recut(0.25, 0.03)
    assert recut.engine is classifier.engine
    assert np.array_equal(recut.classify(clip, RATE), Classifier(other).classify(clip, RATE))
    assert np.array_equal(classifier.classify(clip, RATE), before)
    assert np.array_equal(recut.recut(0.1, 0.05).classify(clip, RATE), before)


def test_long_windows_run_together_in_smaller_numbers(
    small_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST_SAMPLES", 5_000)
    classifier = Classifier(small_model, "numpy").recut(0.2, 0.1)
    parts = classifier.hear_windows(lambda: iter([np.ones(16_000, np.float32)]))
    assert [len(part.scores) for part in parts] == [3, 3, 3, 3, 3, 3, 1]

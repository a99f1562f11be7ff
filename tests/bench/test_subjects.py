from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bench.subjects import DEFAULT_SUBJECTS, Sound, make_subjects
from wsnet_cli.core.errors import ConfigError, UsageError
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Network
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape
from wsnet_cli.core.sound.audio import AudioSettings, read_audio
from wsnet_cli.core.sound.windows import clip_windows

SHORT = r"^--seconds {}: {} samples are too few for {}; expected at least .* s \("


def test_the_default_ones_hear_five_seconds_of_noise():
    subjects = make_subjects([], Sound())
    assert [subject.name for subject in subjects] == list(DEFAULT_SUBJECTS)
    for subject in subjects:
        assert subject.windows.shape == (1, 110_250)
        assert subject.windows.std() == pytest.approx(1, abs=1e-3)
        assert subject.model.audio.window_samples == 110_250
        multipliers = subject.model.weights[0].multiplier
        assert multipliers is not None
        assert (multipliers < 0).any()
        assert (multipliers > 0).any()
    by_name = {subject.name: subject.model.network for subject in subjects}
    assert by_name["dense"].n_parameters == 2_882_538
    assert by_name["narrow"].n_parameters == 183_042
    assert by_name["sampled"].convolutions[0].shape.sampling is not None
    assert by_name["esc10-wsnet"].convolutions[0].shape.sampling is None


def test_the_seed_makes_weights_and_noise():
    one, again, other = (
        make_subjects(["demo"], Sound(seconds=1.0, seed=seed))[0] for seed in (5, 5, 6)
    )
    assert np.array_equal(one.windows, again.windows)
    assert np.array_equal(one.model.weights[0].phi, again.model.weights[0].phi)
    assert not np.array_equal(one.windows, other.windows)
    assert not np.array_equal(one.model.weights[0].phi, other.model.weights[0].phi)


def test_a_model_has_its_own_window_or_one_that_is_asked_for(model_file: str, small_model: Model):
    (subject,) = make_subjects([model_file, model_file], Sound())
    assert (subject.name, subject.windows.shape) == (model_file, (1, 800))
    assert np.array_equal(subject.model.weights[0].phi, small_model.weights[0].phi)
    (longer,) = make_subjects([model_file], Sound(seconds=0.5, n_windows=3))
    assert longer.windows.shape == (3, 4_000)
    assert not np.array_equal(longer.windows[0], longer.windows[1])


def test_a_clip_is_heard_as_predict_hears_it(model_file: str, small_model: Model, tones: Path):
    clip = tones / "low" / "0.wav"
    (subject,) = make_subjects([model_file], Sound(clip=str(clip), n_windows=9))
    expected = clip_windows(read_audio(clip)[0], small_model.audio)
    assert len(expected) < 9
    assert np.array_equal(subject.windows, np.resize(expected, (9, 800)))


def test_a_configuration_file_is_a_preset(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text("description: x\nnetwork: {architecture: soundnet8, width: 0.1}\n")
    (subject,) = make_subjects([str(path)], Sound())
    assert subject.model.network.convolutions[0].shape.n_out == 2


@pytest.mark.parametrize(
    ("name", "seconds", "error", "message"),
    [
        ("nothing", None, UsageError, "nothing: no such preset or file"),
        ("small.wsnet", 2 / 8000, UsageError, SHORT.format("0.00025", 2, "small.wsnet")),
        ("small.wsnet", 1e6, UsageError, r"--seconds 1e\+06: window_s = 1000000.0; expected"),
        ("esc10-dense", 0.01, UsageError, SHORT.format("0.01", 200, "esc10-dense")),
        ("short.yaml", None, ConfigError, "a window of 200 samples is too short"),
    ],
)
def test_what_cannot_run_is_refused(
    name: str, seconds: float | None, error: type[Exception], message: str, model_file: str
):
    Path("short.yaml").write_text("base: esc10-dense\naudio: {window_s: 0.01, hop_s: 0.01}\n")
    with pytest.raises(error, match=message):
        make_subjects([name], Sound(seconds=seconds))


def test_the_least_seconds_that_are_told_are_enough():
    for names in ([], ["esc10"], ["esc10-wsnet"]):
        with pytest.raises(UsageError, match=r"^--seconds 0\.001: ") as refused:
            make_subjects(names, Sound(seconds=0.001))
        least = float(str(refused.value).split("at least ")[1].split(" s ")[0])
        make_subjects(names[-1:], Sound(seconds=least))
        with pytest.raises(UsageError, match="at least"):
            make_subjects(names, Sound(seconds=0.999 * least))


def test_a_clip_that_cannot_be_read_is_a_wrong_argument(model_file: str, tmp_path: Path):
    Path("no.wav").write_bytes(b"no sound")
    for clip in ("none.wav", "no.wav", "."):
        with pytest.raises(UsageError, match=rf"^--clip {re.escape(clip)}: "):
            make_subjects([model_file], Sound(clip=clip))


def test_a_batch_that_no_memory_holds_is_refused(model_file: str, tones: Path):
    for clip in (None, str(tones / "low" / "0.wav")):
        message = r"^--batch 100000000: .* at most 335544 windows of 800 samples$"
        with pytest.raises(UsageError, match=message):
            make_subjects([model_file], Sound(clip=clip, n_windows=100_000_000))


def test_a_flat_head_wants_its_own_length(tmp_path: Path, make_model):
    layers = (Conv("conv1", ConvShape(1, 2, 3)), Flatten(), Linear("linear", LinearShape(16, 3)))
    model = make_model(Network(layers), AudioSettings(1_000, 0.01, 0.01))
    save_model(tmp_path / "flat.wsnet", model)
    path = str(tmp_path / "flat.wsnet")
    assert make_subjects([path], Sound())[0].windows.shape == (1, 10)
    with pytest.raises(UsageError, match=r"flat.wsnet: linear: 36 inputs, .*expected 16"):
        make_subjects([path], Sound(seconds=0.02))

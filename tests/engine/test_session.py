from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.calibrating.scores import softmax
from wsnet_cli.core.errors import ArtifactError, AudioError, ParameterError, UsageError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, save_model
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.core.sound.resampling import resample
from wsnet_cli.core.sound.windows import clip_windows
from wsnet_cli.engine import session
from wsnet_cli.engine.engines import missing_reason
from wsnet_cli.engine.numpy_engine import NumpyEngine
from wsnet_cli.engine.session import Classifier

RATE = 8_000
ENGINES = ["numpy"] if missing_reason() else ["numpy", "native"]
SCORES = 2e-6
"""Absolute rounding of float32 scores."""


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(n_samples)).astype(np.float32)


def scores_by_hand(model: Model, windows: list[np.ndarray]) -> np.ndarray:
    """Mean over windows, each scaled to a root mean square of 1, of the softmax of the logits."""
    total = np.zeros(len(model.labels))
    for window in windows:
        scaled = window / np.sqrt(np.mean(window.astype(np.float64) ** 2))
        logits = NumpyEngine(model).logits(scaled[np.newaxis])[0].astype(np.float64)
        total += np.exp(logits) / np.exp(logits).sum()
    return total / len(windows)


def test_score_is_the_mean_softmax_of_the_windows(small_model: Model) -> None:
    """2,100 samples, windows of 800 every 400: four regular ones and one that ends the clip."""
    clip = noise(2_100)
    starts = (0, 400, 800, 1_200, 1_300)
    expected = scores_by_hand(small_model, [clip[start : start + 800] for start in starts])
    found = Classifier(small_model).classify(clip, RATE)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=SCORES)
    assert float(found.sum()) == pytest.approx(1, abs=SCORES)
    assert np.ptp([scores_by_hand(small_model, [clip[s : s + 800]])[0] for s in starts]) > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(small_model: Model, engine: str, bad: float):
    clip = noise(2_100)
    clip[1_000] = bad
    classifier = Classifier(small_model, engine)
    with pytest.raises(ParameterError, match="samples hold a value that is not finite"):
        classifier.classify(clip, RATE)
    with pytest.raises(ParameterError, match="samples hold a value that is not finite"):
        classifier.classify_batch([noise(900), clip], 2 * RATE)


def test_scores_of_a_multi_label_model_are_sigmoids_whichever_way_they_are_asked_for(
    small_model: Model, tmp_path: Path
) -> None:
    classifier = Classifier(replace(small_model, multi_label=True))
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, 2_500).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")
    windows = clip_windows(samples, small_model.audio)
    of_windows = 1 / (1 + np.exp(-NumpyEngine(small_model).logits(windows).astype(np.float64)))
    expected = of_windows.mean(axis=0)
    assert classifier.multi_label
    assert abs(expected.sum() - 1) > 0.01
    assert classifier.classify(samples, 8_000) == pytest.approx(expected, abs=1e-5)
    assert classifier.classify_batch([samples], 8_000)[0] == pytest.approx(expected, abs=1e-5)
    assert classifier.classify_file(tmp_path / "a.wav") == pytest.approx(expected, abs=1e-5)
    largest = classifier.classify_file(tmp_path / "a.wav", aggregate="max")
    assert largest == pytest.approx(of_windows.max(axis=0), abs=1e-5)
    timeline = classifier.hear_windows(classifier.open_file(tmp_path / "a.wav"))
    scores = np.concatenate([part.scores for part in timeline])
    assert scores == pytest.approx(of_windows, abs=1e-5)
    assert classifier.recut(hop_s=0.1).multi_label


def test_mean_of_softmax_is_not_the_softmax_of_the_mean(small_model: Model) -> None:
    clip = noise(1_600)
    windows = np.stack([clip[:800], clip[400:1_200], clip[800:]])
    windows /= np.sqrt(np.mean(windows**2, axis=1, keepdims=True))
    of_mean = softmax(NumpyEngine(small_model).logits(windows).mean(axis=0))
    assert np.abs(Classifier(small_model).classify(clip, RATE) - of_mean).max() > 100 * SCORES


@pytest.mark.parametrize("n_windows", [15, 16, 17, 40])
def test_long_clips_are_run_in_groups_without_a_trace(
    n_windows: int, small_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.WINDOWS_AT_ONCE == 16
    clip = noise(800 + 400 * (n_windows - 1))
    found = Classifier(small_model).classify(clip, RATE)
    monkeypatch.setattr(session, "WINDOWS_AT_ONCE", 1_000)
    assert found == pytest.approx(Classifier(small_model).classify(clip, RATE), abs=SCORES)
    windows = [clip[400 * i : 400 * i + 800] for i in range(n_windows)]
    assert found == pytest.approx(scores_by_hand(small_model, windows), abs=SCORES)


def test_memory_does_not_grow_with_the_clip(small_model: Model) -> None:
    """Windows of 800 every 400 and a tail: all of them would be twice the clip, or more."""
    classifier = Classifier(small_model)
    extra = []
    for n_samples in (80_001, 1_600_001):
        clip = noise(n_samples)
        tracemalloc.start()
        try:
            classifier.classify(clip, RATE)
            extra.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert extra[1] < extra[0] + clip.nbytes / 20


def test_silence_at_the_ends_is_cut_and_short_clips_are_centred(small_model: Model) -> None:
    clip = noise(500)
    clip[[0, -1]] = 0.05
    framed = np.concatenate([np.zeros(333, np.float32), clip, np.zeros(77, np.float32)])
    expected = scores_by_hand(small_model, [np.pad(clip, 150)])
    assert Classifier(small_model).classify(framed, RATE) == pytest.approx(expected, abs=SCORES)


@pytest.mark.parametrize("clip", [np.zeros(3_000), np.zeros(1), np.full(2_000, 0.3), noise(1)])
def test_silence_constants_and_single_samples_get_finite_scores(
    clip: np.ndarray, small_model: Model
) -> None:
    found = Classifier(small_model).classify(clip.astype(np.float32), RATE)
    assert np.isfinite(found).all()
    assert float(found.sum()) == pytest.approx(1, abs=SCORES)


def test_other_rates_are_resampled(small_model: Model) -> None:
    clip = noise(4_100)
    classifier = Classifier(small_model)
    found = classifier.classify(clip, 22_050)
    assert np.array_equal(found, classifier.classify(resample(clip, 22_050, RATE), RATE))
    assert np.abs(found - classifier.classify(clip, RATE)).max() > 100 * SCORES


def test_empty_clip_is_refused(small_model: Model) -> None:
    with pytest.raises(ParameterError, match=r"expected one row of at least one sample"):
        Classifier(small_model).classify(np.zeros(0, np.float32), RATE)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([0.25] * 900, r"samples = \[0\.25, .*; expected a numpy array"),
        ([], r"samples = \[\]; expected a numpy array"),
        (None, "samples = None; expected a numpy array"),
        (np.zeros(900, np.complex64), "samples.dtype = 'complex64'; expected float32"),
        (np.zeros(900, object), "samples.dtype = 'object'; expected float32"),
        (np.zeros(900, np.int16), r"= 'int16'; expected float32 in -1\.\.1: divide int16 by 32768"),
        (np.zeros(900, np.uint8), r"'uint8'; .* or read with soundfile's dtype='float32'$"),
        (np.zeros(900, bool), "samples.dtype = 'bool'; expected float32 in"),
    ],
)
def test_what_is_no_array_of_floats_is_refused(
    small_model: Model, samples: Any, words: str
) -> None:
    classifier = Classifier(small_model)
    for rate in (RATE, 2 * RATE):
        with pytest.raises(ParameterError, match=words):
            classifier.classify(samples, rate)
        with pytest.raises(ParameterError, match=words):
            classifier.classify_batch([noise(900), samples], rate)


def test_file_is_mixed_down_and_resampled(small_model: Model, tmp_path: Path) -> None:
    left, right = noise(16_000, 1), noise(16_000, 2)
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    classifier = Classifier(small_model)
    expected = classifier.classify((left + right) / 2, 16_000)
    assert classifier.classify_file(path) == pytest.approx(expected, abs=SCORES)
    part = classifier.classify((left + right)[4_000:9_600] / 2, 16_000)
    found = classifier.classify_file(path, start_s=0.25, end_s=0.6)
    assert found == pytest.approx(part, abs=SCORES)
    assert np.abs(part - expected).max() > 100 * SCORES


def test_a_channel_of_a_file_is_heard_by_itself(small_model: Model, tmp_path: Path) -> None:
    left, right = noise(3_000, 1), noise(3_000, 2)
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    classifier = Classifier(small_model)
    for number, sound in ((1, left), (2, right)):
        expected = classifier.classify(sound, RATE)
        assert np.array_equal(classifier.classify_file(path, channel=number), expected)
    with pytest.raises(AudioError, match=r"clip\.wav: has 2 channels, and channel 3 was asked for"):
        classifier.classify_file(path, channel=3)


def test_the_largest_of_any_window_on_request(small_model: Model, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1_200), RATE, subtype="FLOAT")
    classifier = Classifier(small_model)
    windows = [noise(1_200)[:800], noise(1_200)[400:]]
    expected = np.max([scores_by_hand(small_model, [window]) for window in windows], axis=0)
    found = classifier.classify_file(tmp_path / "a.wav", aggregate="max")
    assert found == pytest.approx(expected, abs=SCORES)
    assert found.sum() > 1


def test_file_that_is_no_audio_is_refused(small_model: Model, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"clip\.wav: "):
        Classifier(small_model).classify_file(path)


def test_model_file_gives_the_scores_of_the_model(small_model: Model, tmp_path: Path) -> None:
    clip = noise(3_000)
    for name, model in (("real", small_model), ("small", compress(small_model))):
        path = tmp_path / f"{name}.wsnet"
        save_model(path, model)
        classifier = Classifier.load(path)
        assert classifier.labels == ("class-0", "class-1", "class-2")
        assert np.array_equal(
            classifier.classify(clip, RATE), Classifier(model).classify(clip, RATE)
        )
    assert load_model(path).bits == 8


def test_8_bits_change_scores_a_little(small_network: Network, make_model) -> None:
    audio = AudioSettings(RATE, window_s=0.1, hop_s=0.1)
    for seed in range(5):
        model = make_model(small_network, audio, seed)
        real = Classifier(model).classify(noise(4_000), RATE)
        rounded = Classifier(compress(model)).classify(noise(4_000), RATE)
        assert 0 < np.abs(real - rounded).max() < 0.05, seed


def test_missing_model_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"none\.wsnet: no such file"):
        Classifier.load(tmp_path / "none.wsnet")


@pytest.mark.parametrize("as_text", [True, False])
def test_a_model_is_found_as_the_commands_find_it(
    as_text: bool, small_model: Model, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    save_model(run / "model.wsnet", small_model)
    for path in (run, run / "model.wsnet"):
        found = Classifier.load(str(path) if as_text else path)
        assert found.labels == small_model.labels


def test_a_name_is_a_model_that_ships_and_a_path_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(Classifier.load("esc10").labels) == 10
    with pytest.raises(ArtifactError, match="esc10: no such file"):
        Classifier.load(Path("esc10"))
    with pytest.raises(UsageError, match="esc11: no such model; expected a "):
        Classifier.load("esc11")


# -------------------------------------------------------------------------- files and batches


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n_windows", [1, 15, 16, 17, 40])
def test_a_file_has_the_very_scores_of_its_samples(
    engine: str, n_windows: int, small_model: Model, tmp_path: Path
) -> None:
    clip = noise(800 + 400 * (n_windows - 1) + 300)
    clip[:100] = clip[-100:] = 0
    soundfile.write(tmp_path / "a.wav", clip, RATE, subtype="FLOAT")
    classifier = Classifier(small_model, engine)
    assert np.array_equal(
        classifier.classify_file(tmp_path / "a.wav"), classifier.classify(clip, RATE)
    )
    heard = classifier.hear(classifier.open_file(str(tmp_path / "a.wav")))
    assert heard.duration_s == len(clip) / RATE


def test_memory_does_not_grow_with_the_file(small_model: Model, tmp_path: Path) -> None:
    classifier = Classifier(small_model)
    peaks = []
    for n_samples in (80_001, 3_200_001):
        soundfile.write(tmp_path / "a.flac", noise(n_samples), RATE)
        tracemalloc.start()
        try:
            classifier.classify_file(tmp_path / "a.flac")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000  # of 12.8 MB of samples: room that the short one spares


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n_clips", [0, 1, 2, 60])
def test_a_batch_has_the_scores_of_its_clips(
    engine: str, threads: int, n_clips: int, small_model: Model
) -> None:
    rng = np.random.default_rng(0)
    clips = [noise(int(n), seed) for seed, n in enumerate(rng.integers(1, 9_000, n_clips))]
    classifier = Classifier(small_model, engine, threads)
    found = classifier.classify_batch(iter(clips), 16_000)
    assert found.dtype == np.float32
    assert found.shape == (n_clips, 3)
    for scores, clip in zip(found, clips, strict=True):
        assert scores == pytest.approx(classifier.classify(clip, 16_000), abs=SCORES)


def test_a_batch_is_run_in_bounded_groups(small_model: Model) -> None:
    """A long clip between short ones: at most a group of its windows and those that waited."""
    classifier = Classifier(small_model, "numpy", threads=2)
    sizes: list[int] = []
    logits = classifier.engine.logits
    classifier.engine.logits = lambda windows: sizes.append(len(windows)) or logits(windows)
    classifier.classify_batch([noise(800)] * 5 + [noise(800 + 400 * 99)] + [noise(800)] * 5, RATE)
    assert sum(sizes) == 110
    assert max(sizes) < 2 * 16 + 16
    assert len(sizes) <= 110 // 32 + 1


def test_a_bad_clip_of_a_batch_is_refused(small_model: Model) -> None:
    with pytest.raises(ParameterError, match=r"samples.shape = \(0,\); expected one row"):
        Classifier(small_model).classify_batch([noise(5), noise(0)], RATE)


def test_the_best_labels_come_first_and_equal_ones_in_order(small_model: Model) -> None:
    classifier = Classifier(small_model)
    assert classifier.top(np.float32([0.25, 0.5, 0.25]), 9) == [
        ("class-1", 0.5),
        ("class-0", 0.25),
        ("class-2", 0.25),
    ]
    assert classifier.top(np.float32([0.5, 0, 0.5])) == [("class-0", 0.5)]


@pytest.mark.parametrize("calibration", [Calibration(), Calibration(1.0, None, 0.9)])
def test_what_asks_for_no_labels_is_refused(small_model: Model, calibration: Calibration) -> None:
    classifier = Classifier(replace(small_model, calibration=calibration))
    scores = np.float32([0.25, 0.5, 0.25])
    for k in (0, -1, 1.0, True):
        with pytest.raises(ParameterError, match=f"^k = {k}; expected a whole number >= 1$"):
            classifier.top(scores, k)
    for wrong in (scores[:2], np.float32([0.25] * 4), scores[np.newaxis], np.float32(0.5)):
        expected = r"^scores\.shape = \(.*\); expected \(3,\), of one clip"
        with pytest.raises(ParameterError, match=expected):
            classifier.top(wrong)
        with pytest.raises(ParameterError, match=expected):
            classifier.told(wrong)


# ------------------------------------------------------------------------------- the package


def test_the_package_gives_the_classifier_and_imports_nothing_before() -> None:
    program = (
        "import sys, wsnet_cli; assert wsnet_cli.__version__; "
        "assert not {'numpy', 'soundfile', 'wsnet_cli.engine'} & set(sys.modules); "
        "from wsnet_cli import Classifier; "
        "from wsnet_cli.engine.session import Classifier as own; assert Classifier is own; "
        "assert wsnet_cli.Classifier is own; wsnet_cli.classifier"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stderr.splitlines()[-1] == (
        "AttributeError: module 'wsnet_cli' has no attribute 'classifier'"
    )


# ------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("multi_label", [False, True])
def test_every_way_divides_logits_by_the_temperature(
    small_model: Model, tmp_path: Path, multi_label: bool
):
    """Samples, batches, files and windows, against the scores of the logits themselves."""
    plain = Classifier(replace(small_model, multi_label=multi_label))
    warm = Classifier(replace(plain.model, calibration=Calibration(temperature=2.5)))
    clips = [noise(n, seed=n) for n in (900, 2_000, 5_000)]
    expected = []
    for clip in clips:
        logits = warm.engine.logits(clip_windows(clip, small_model.audio)) / np.float32(2.5)
        scores = 1 / (1 + np.exp(-logits)) if multi_label else softmax(logits)
        expected.append(scores.mean(axis=0))
    for clip, scores in zip(clips, expected, strict=True):
        assert warm.classify(clip, RATE) == pytest.approx(scores, abs=1e-6)
        assert not np.allclose(plain.classify(clip, RATE), scores, atol=1e-3)
    assert warm.classify_batch(iter(clips), RATE) == pytest.approx(np.array(expected), abs=1e-6)
    soundfile.write(tmp_path / "a.wav", clips[2], RATE, subtype="FLOAT")
    heard = warm.classify_file(tmp_path / "a.wav")
    assert heard == pytest.approx(expected[2], abs=1e-6)
    parts = list(warm.hear_windows(warm.open_file(tmp_path / "a.wav")))
    windows = np.concatenate([part.scores for part in parts])
    assert windows.mean(axis=0) == pytest.approx(heard, abs=1e-6)
    whole = plain.hear_windows(plain.open_file(tmp_path / "a.wav"))
    for part, own in zip(parts, whole, strict=True):
        assert part.logits is not None
        assert own.logits is not None
        assert np.array_equal(part.logits, own.logits)

"""`wsnet evaluate` of a model with thresholds, and its `--background`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """Nine files: eight as long as a usual clip of `tones`, and one four times as long."""
    import soundfile

    (tmp_path / "noises").mkdir()
    rng = np.random.default_rng(0)
    for i in range(9):
        samples = 0.1 * rng.standard_normal(11_600 if i == 8 else 2_900)
        soundfile.write(tmp_path / f"noises/{i}.wav", samples, 8_000)
    return Path("noises")


def test_thresholds_change_what_is_told_and_nothing_else(
    tone_model: Model, model: str, tones: Path, wsnet
) -> None:
    plain = wsnet("evaluate", model, tones, "--json").document
    assert not {"told", "background"} & set(plain)
    scores = sorted(wsnet_scores(wsnet, model, tones))
    own = Calibration(1.0, None, round(scores[len(scores) // 2] - 1e-5, 5))
    save_model(Path("half.wsnet"), replace(tone_model, calibration=own))
    found = wsnet("evaluate", "half.wsnet", tones, "--json").document
    told = found.pop("told")
    assert {**found, "model": model} == plain
    assert (told["n_clips"], told["n_told"]) == (21, sum(s >= own.unknown for s in scores))
    predicted = wsnet("predict", tones, "-m", "half.wsnet", "--json").document["results"]
    labels = [(Path(row["file"]).parent.name, row["predictions"][0]["label"]) for row in predicted]
    assert sum(label != "unknown" for _, label in labels) == told["n_told"]
    assert sum(true == label for true, label in labels) == told["n_right"]
    assert told["accuracy"] == told["n_right"] / told["n_told"]
    shown = wsnet("evaluate", "half.wsnet", tones).stdout
    assert f"told: {told['n_told']} of 21 clips" in shown


def wsnet_scores(wsnet, model: str, tones: Path) -> list[float]:  # type: ignore[no-untyped-def]
    results = wsnet("predict", tones, "-m", model, "--json").document["results"]
    return [row["predictions"][0]["score"] for row in results]


def test_false_alarms_are_what_predict_calls_by_a_label(
    tone_model: Model, tones: Path, noises: Path, wsnet
) -> None:
    (noises / "8.wav").unlink()
    plain = Path("plain.wsnet")
    save_model(plain, tone_model)
    scores = sorted(wsnet_scores(wsnet, "plain.wsnet", noises))
    own = Calibration(1.0, None, round(scores[4] - 1e-5, 5))
    save_model(Path("some.wsnet"), replace(tone_model, calibration=own))
    found = wsnet("evaluate", "some.wsnet", tones, "--background", noises, "--json").document
    results = wsnet("predict", noises, "-m", "some.wsnet", "--json").document["results"]
    n_named = sum(row["predictions"][0]["label"] != "unknown" for row in results)
    alarms = found["background"]
    assert alarms["threshold"] == own.unknown
    assert (alarms["n_files"], alarms["n_clips"], alarms["n_false_alarms"]) == (8, 8, n_named)
    assert 0 < n_named < 8
    assert alarms["false_alarm_rate"] == n_named / 8
    assert alarms["hours"] == pytest.approx(8 * 2_900 / 8_000 / 3600)
    assert alarms["false_alarms_per_hour"] == pytest.approx(n_named / alarms["hours"])
    at_half = next(row for row in alarms["curve"] if row["threshold"] == 0.5)
    assert at_half["false_alarm_rate"] == sum(score >= 0.5 for score in scores) / 8
    shown = wsnet("evaluate", "some.wsnet", tones, "--background", noises).stdout
    assert f"false alarms: {n_named} of 8 background clips" in shown


def test_a_long_file_counts_as_the_clips_that_it_holds(
    model: str, tones: Path, noises: Path, wsnet
) -> None:
    outcome = wsnet("evaluate", model, tones, "--background", noises, "--json")
    alarms = outcome.document["background"]
    assert (alarms["n_files"], alarms["n_clips"]) == (9, 12)
    # A model without thresholds always answers.
    assert (alarms["threshold"], alarms["false_alarm_rate"]) == (None, 1)
    assert (
        "wsnet calibrate gives it one"
        in wsnet(*("evaluate", model, tones, "--background", noises)).stderr
    )


def test_files_that_cannot_be_read_are_told(model: str, tones: Path, noises: Path, wsnet) -> None:
    (noises / "empty.wav").write_bytes(b"")
    outcome = wsnet("evaluate", model, tones, "--background", noises, "--json")
    assert outcome.code == 3
    assert [row["file"] for row in outcome.document["background"]["failed"]] == ["noises/empty.wav"]
    assert outcome.document["failed"] == outcome.document["background"]["failed"]


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_silent_files_are_warned_of(
    command: str, model: str, tones: Path, noises: Path, wsnet
) -> None:
    import soundfile

    told = "warning: background: nothing but digital silence in"
    assert told not in wsnet(command, model, tones, "--background", noises).stderr
    soundfile.write(noises / "off.wav", np.zeros(2_900), 8_000)
    (noises / "empty.wav").write_bytes(b"")
    outcome = wsnet(command, model, tones, "--background", noises, "-o", "out")
    assert f"{told} 1 of 10 files; what a model makes of it tells nothing of sounds\n" in (
        outcome.stderr
    )


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_a_link_to_a_folder_is_no_failure(
    command: str, model: str, tones: Path, noises: Path, wsnet
) -> None:
    (noises / "more").symlink_to(tones.absolute())
    outcome = wsnet(command, model, tones, "--background", noises, "-o", "out", "--json")
    assert outcome.code == 0
    assert outcome.document["failed"] == []
    assert "background: a link to a folder was not entered: noises/more\n" in outcome.stderr
    Path("only").mkdir()
    Path("only/more").symlink_to(tones.absolute())
    refused = wsnet(command, model, tones, "--background", "only", "-o", "other")
    assert refused.code == 2
    assert "no file can be read; the first: only/more: is a link to a folder" in refused.error


def test_a_background_that_makes_no_sense_is_refused(model: str, tones: Path, wsnet) -> None:
    outcome = wsnet("evaluate", model, tones, "--background", "nothing")
    assert outcome.code == 2
    assert outcome.error == "--background nothing: expected a folder of audio files"
    outcome = wsnet("evaluate", model, tones, "--against", model, "--background", tones)
    assert outcome.error.startswith("--background: is for one model alone")


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_a_background_without_audio_is_refused_before_any_clip_is_classified(
    model: str, tones: Path, wsnet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def classified(*_: object, **__: object) -> None:
        pytest.fail("clips were classified all the same")

    monkeypatch.setattr("wsnet_cli.cli.evaluate.command.measure_clips", classified)
    monkeypatch.setattr("wsnet_cli.cli.calibrate.command._hear_labelled", classified)
    Path("silence").mkdir()
    Path("silence/notes.txt").write_text("no sound")
    outcome = wsnet(command, model, tones, "--background", "silence")
    assert outcome.code == 2
    assert outcome.error.startswith(
        "--background: no file can be read; the first: silence: is a folder without audio files"
    )

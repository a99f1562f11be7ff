"""`wsnet calibrate`, and what predict makes of the model that it writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.predicting.request import Request
from wsnet_cli.cli.predict.checks import make_request
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import load_model, save_model
from wsnet_cli.core.percent import beside_threshold

MakeClip = Callable[..., Path]
OPTIONS = {
    **dict.fromkeys(("top_k", "threshold", "window", "hop", "gap", "aggregate", "channel")),
    **dict.fromkeys(("timeline", "merge", "features", "live"), False),
}


@pytest.fixture
def run(trained) -> Path:
    """A finished run that kept every third of its training clips for validation."""
    path = trained.run / "split.csv"
    lines = path.read_text("utf-8").splitlines()
    places = [i for i, line in enumerate(lines) if ",train," in line][::3]
    for i in places:
        lines[i] = lines[i].replace(",train,", ",validation,")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return Path(trained.run)


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    import soundfile

    (tmp_path / "noises").mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        soundfile.write(tmp_path / f"noises/{i}.wav", 0.1 * rng.standard_normal(6_000), 8_000)
    return Path("noises")


def parts_of(run: Path) -> dict[str, set[str]]:
    with (run / "split.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row["part"], set()).add(row["clip"])
    return parts


def test_the_validation_part_of_the_run_is_used_and_no_other(
    run: Path, noises: Path, wsnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wsnet_cli.cli.calibrate import command as calibrate

    heard: list[str] = []
    hear = calibrate._hear_labelled

    def spy(classifier, clips, audio, workers):  # type: ignore[no-untyped-def]
        heard.extend(clip.name for clip in clips)
        return hear(classifier, clips, audio, workers)

    monkeypatch.setattr(calibrate, "_hear_labelled", spy)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    outcome = wsnet("calibrate", run, "--background", noises, "--max-false-alarms", 25)
    assert outcome.code == 0, outcome.stderr
    assert set(heard) == parts_of(run)["validation"]
    assert "clips are few" in outcome.stderr
    assert "too few clips for a least score of their own: " in outcome.stderr
    assert "(25.0 %; at most 25 % were allowed)" in outcome.stdout
    model = load_model(run / "model.cal.wsnet")
    assert model.calibration.unknown is not None
    assert model.calibration.false_alarm_rate == 0.25
    own = load_model(run / "model.wsnet")
    assert replace(model, calibration=Calibration()).provenance == own.provenance
    after = {path.name: path.read_bytes() for path in run.iterdir()}
    assert after.keys() - before.keys() == {"model.cal.wsnet"}
    assert all(after[name] == content for name, content in before.items())
    again = wsnet("calibrate", run, "--background", noises, "--max-false-alarms", 25, "--force")
    assert again.code == 0
    assert (run / "model.cal.wsnet").read_bytes() == after["model.cal.wsnet"]


def test_its_document_says_what_stands_in_the_file(run: Path, noises: Path, wsnet) -> None:
    outcome = wsnet("calibrate", run, "--background", noises, "-o", "c.wsnet", "--json")
    found, own = outcome.document, load_model(Path("c.wsnet")).calibration
    assert found["out"] == "c.wsnet"
    assert found["temperature"] == own.temperature
    assert found["unknown"]["threshold"] == own.unknown
    assert found["unknown"]["n_reached"] / found["unknown"]["n_clips"] == own.false_alarm_rate
    assert found["n_clips"] == len(parts_of(run)["validation"])
    assert [row["label"] for row in found["thresholds"]] == list(load_model(Path("c.wsnet")).labels)
    assert found["failed"] == []
    # Of background there is nothing to be said where there is none.
    plain = wsnet("calibrate", run, "--no-thresholds", "--json", "--force").document
    assert (plain["unknown"], plain["thresholds"]) == (None, [])
    facts = wsnet("info", "c.wsnet", "--json").document["facts"]
    assert facts["unknown below"].startswith(f"{own.unknown:g}")


def test_a_run_without_a_validation_part_says_what_to_do(trained, wsnet) -> None:
    outcome = wsnet("calibrate", trained.run)
    assert outcome.code == 2
    assert outcome.error == (
        f"{trained.run}: the run has no validation part; give DATA that it was not trained on, "
        "or train with --set train.validation=0.15"
    )
    assert not (trained.run / "model.cal.wsnet").exists()


def test_data_that_was_trained_on_is_warned_of(trained, wsnet) -> None:
    outcome = wsnet("calibrate", trained.run, trained.data)
    assert outcome.code == 0, outcome.stderr
    n = len(parts_of(trained.run)["train"])
    assert f"warning: {n} of 18 clips were trained on, so that scores will seem" in outcome.stderr
    n = len(parts_of(trained.run)["test"])
    assert f"warning: {n} of 18 clips were held out by the run, so that what is" in outcome.stderr


def test_of_data_with_a_split_the_validation_part_is_used(model: str, tones: Path, wsnet) -> None:
    names = sorted(path.relative_to(tones).as_posix() for path in tones.rglob("*.wav"))
    parts = ["train", "validation", "test"] * 7
    rows = [f"{name},{name.split('/')[0]},{part}" for name, part in zip(names, parts, strict=True)]
    (tones / "manifest.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    found = wsnet("calibrate", model, tones, "--json").document
    assert found["n_clips"] == 7
    text = (tones / "manifest.csv").read_text().replace("validation", "train")
    (tones / "manifest.csv").write_text(text)
    outcome = wsnet("calibrate", model, tones, "--force")
    assert outcome.error.endswith(
        "its split has no validation part; expected one, or DATA of nothing but clips that were "
        "not trained on"
    )


def test_a_model_outside_any_run_needs_data(model: str, tones: Path, wsnet) -> None:
    assert "lies in no run folder, so it has no validation part" in wsnet("calibrate", model).error
    outcome = wsnet("calibrate", model, tones)
    assert outcome.code == 0, outcome.stderr
    assert Path("tone.cal.wsnet").is_file()


def test_existing_files_are_replaced_only_where_that_is_said(
    model: str, tones: Path, wsnet
) -> None:
    before = Path(model).read_bytes()
    for force in ((), ("--force",)):
        assert wsnet("calibrate", model, tones, "-o", model, *force).error == (
            "tone.wsnet: exists; it is the model itself, which is never replaced; "
            "give another name with -o"
        )
    assert wsnet("calibrate", model, tones).code == 0
    assert Path(model).read_bytes() == before
    assert wsnet("calibrate", model, tones).error.startswith("tone.cal.wsnet: exists")
    assert wsnet("calibrate", "tone.cal.wsnet", tones, "--force").error == (
        "tone.cal.wsnet: exists; it is the model itself, which is of that form already; "
        "give another name with -o"
    )
    assert Path(model).read_bytes() == before
    Path("folder").mkdir()
    assert wsnet("calibrate", model, tones, "-o", "folder").error == (
        "-o folder: is a folder; expected a file's name"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-false-alarms", 5], "--max-false-alarms: of what? expected --background DIR"),
        (["--background", "none"], "--background none: expected a folder of audio files"),
        (["--background", ".", "--max-false-alarms", 101], "101; expected percent, 0 to 100"),
        (["--fold", 1], "--fold 1: expected DATA as well"),
        (["--pattern", "{label}"], "--pattern {label}: expected DATA as well"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(
    run: Path, options: list[object], message: str, wsnet
) -> None:
    outcome = wsnet("calibrate", run, *options)
    assert outcome.code == 2
    assert message in outcome.error


def test_a_label_of_that_name_is_refused_beside_thresholds(
    tone_model: Model, tones: Path, noises: Path, wsnet
) -> None:
    save_model(Path("odd.wsnet"), replace(tone_model, labels=("high", "low", "unknown")))
    (tones / "middle").rename(tones / "unknown")
    for options in ((), ("--no-thresholds", "--background", noises)):
        outcome = wsnet("calibrate", "odd.wsnet", tones, *options)
        assert outcome.code == 2
        assert outcome.error.startswith("the model has a label 'unknown', which is what clips of")
        assert "--no-thresholds without --background finds a temperature alone" in outcome.error
    assert wsnet("calibrate", "odd.wsnet", tones, "--no-thresholds").code == 0
    calibration = load_model(Path("odd.cal.wsnet")).calibration
    assert (calibration.decides, calibration.temperature != 1) == (False, True)


def test_inputs_that_failed_are_named_and_the_rest_is_used(
    model: str, tones: Path, noises: Path, wsnet
) -> None:
    (tones / "low/0.wav").write_bytes(b"")
    (noises / "broken.wav").write_bytes(b"")
    outcome = wsnet("calibrate", model, tones, "--background", noises, "--json")
    assert outcome.code == 3
    failed = [row["file"] for row in outcome.document["failed"]]
    assert failed == ["low/0.wav", "noises/broken.wav"]
    assert outcome.document["n_clips"] == 20


def test_a_model_of_little_use_is_warned_of(model: str, tones: Path, wsnet) -> None:
    """Its own classes as background: what keeps these out keeps the clips out as well."""
    background = ("--background", tones, "--max-false-alarms")
    outcome = wsnet("calibrate", model, tones, *background, 0, "--json")
    told = outcome.document["told"]
    assert 2 * told["n_told"] < told["n_clips"] == 21
    assert (
        f"warning: only {told['n_told']} of 21 labelled clips still get a label, so that the model "
        "is of little use: allow more (--max-false-alarms), or train with such sounds as a class\n"
    ) in outcome.stderr
    assert "warning: background clips are few, 21: of other such sounds" in outcome.stderr
    outcome = wsnet("calibrate", model, tones, *background, 100, "--force")
    assert outcome.code == 0
    assert "of little use" not in outcome.stderr


# ----------------------------------------------------------------------- what predict makes of it


@pytest.fixture
def never(tone_model: Model) -> str:
    """A model to which everything is unknown."""
    own = Calibration(1.5, None, 0.99, 0.0)
    save_model(Path("never.wsnet"), replace(tone_model, calibration=own))
    return "never.wsnet"


def test_predict_says_unknown_with_the_score_of_the_best(
    never: str, make_clip: MakeClip, wsnet
) -> None:
    make_clip("a.wav")
    closed = wsnet("predict", "a.wav", "-m", never, "--no-unknown", "--top-k", 3, "--json").document
    found = wsnet("predict", "a.wav", "-m", never, "--top-k", 3, "--json").document
    (first, *rest) = found["results"][0]["predictions"]
    (best, *others) = closed["results"][0]["predictions"]
    assert first == {"label": "unknown", "score": best["score"]}
    assert best["label"] in ("high", "low", "middle")
    assert rest == others
    table = wsnet("predict", "a.wav", "-m", never).stdout
    assert "unknown" in table
    row = wsnet("predict", "a.wav", "-m", never, "--format", "csv").stdout.splitlines()[1]
    assert row.split(",")[3:7] == ["unknown", f"{best['score']:.6f}", "1", "ok"]


def test_the_table_tells_scores_near_1_from_a_threshold(
    tone_model: Model, make_clip: MakeClip, wsnet
) -> None:
    make_clip("a.wav")

    def with_own(own: Calibration, *options: str) -> object:
        save_model(Path("own.wsnet"), replace(tone_model, calibration=own))
        return wsnet("predict", "a.wav", "-m", "own.wsnet", *options)

    def score_at(temperature: float) -> float:
        found = with_own(Calibration(temperature), "--json")
        return float(found.document["results"][0]["predictions"][0]["score"])  # type: ignore[attr-defined]

    warm = next(t for t in np.geomspace(1, 0.05, 20).tolist() if score_at(t) > 0.99)
    score = score_at(warm)
    plain, decided = (
        with_own(Calibration(warm, None, least)).stdout  # type: ignore[attr-defined]
        for least in (None, 0.5)
    )
    assert f" {100 * score:.1f} % " in plain
    assert f" {beside_threshold(score)} % " in decided
    assert len(beside_threshold(score)) == len("99.99")


def test_a_threshold_of_the_user_wins(never: str, make_clip: MakeClip, wsnet) -> None:
    make_clip("a.wav")
    found = wsnet("predict", "a.wav", "-m", never, "--threshold", 0.0, "--json").document
    closed = wsnet("predict", "a.wav", "-m", never, "--no-unknown", "--json").document
    assert found["results"] == closed["results"]
    assert found["results"][0]["predictions"][0]["label"] != "unknown"
    outcome = wsnet("predict", "a.wav", "-m", never, "--threshold", 0.5, "--no-unknown")
    assert outcome.code == 2
    assert "expected no --no-unknown beside" in outcome.error


def test_unknown_windows_are_no_hits(never: str, make_clip: MakeClip, wsnet) -> None:
    make_clip("a.wav")
    asked = ("predict", "a.wav", "-m", never)
    rows = wsnet(*asked, "--timeline", "--format", "csv").stdout.splitlines()[1:]
    assert rows
    assert all(row.split(",")[3] == "unknown" for row in rows)
    assert wsnet(*asked, "--timeline", "--format", "audacity").stdout == ""
    assert wsnet(*asked, "--timeline", "--format", "raven").stdout.count("\n") == 1
    (row,) = wsnet(*asked, "--merge", "--format", "csv").stdout.splitlines()[1:]
    assert row.split(",")[3:] == ["", "", "", "ok", ""]
    assert wsnet(*asked, "--timeline", "--no-unknown", "--format", "audacity").stdout != ""


def test_unknown_files_are_sorted_into_a_folder_of_that_name(
    never: str, make_clip: MakeClip, wsnet
) -> None:
    make_clip("in/a.wav")
    assert wsnet("predict", "in", "-m", never, "--sort-into", "out").code == 0
    assert [path.as_posix() for path in Path("out").rglob("*.wav")] == ["out/unknown/a.wav"]
    assert wsnet("predict", "in", "-m", never, "--sort-into", "closed", "--no-unknown").code == 0
    assert not Path("closed/unknown").exists()


def test_a_stopped_run_is_not_gone_on_with_on_other_terms() -> None:
    """What a journal is known by differs: `None` is the model's terms, 0 is none at all."""
    own, closed, zero = (
        make_request(**{**OPTIONS, **more})  # type: ignore[arg-type]
        for more in ({}, {"no_unknown": True}, {"threshold": 0.0})
    )
    assert own.as_json()["threshold"] is None
    assert closed.as_json()["threshold"] == 0
    assert own.settled(multi_label=False) == Request()
    assert closed.settled(multi_label=False) == zero.settled(multi_label=False)
    assert json.dumps(own.as_json()) != json.dumps(closed.as_json())


def test_a_calibrated_multi_label_model_tells_all_that_reach_their_own(
    tone_model: Model, make_clip: MakeClip, wsnet
) -> None:
    make_clip("a.wav")
    several = replace(tone_model, multi_label=True)
    for name, own in (
        ("all", Calibration(1.0, (0.0, 0.0, 0.0))),
        ("none", Calibration(1.0, None, 1.0)),
    ):
        save_model(Path(f"{name}.wsnet"), replace(several, calibration=own))
    found = wsnet("predict", "a.wav", "-m", "all.wsnet", "--json").document
    assert len(found["results"][0]["predictions"]) == 3
    found = wsnet("predict", "a.wav", "-m", "none.wsnet", "--json").document
    assert found["results"][0]["predictions"] == []
    found = wsnet("predict", "a.wav", "-m", "none.wsnet", "--no-unknown", "--json").document
    assert len(found["results"][0]["predictions"]) == 1

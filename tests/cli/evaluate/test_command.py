from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics

from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.engine.session import Classifier

LABELS = ["high", "low", "middle"]


def test_numbers_are_those_of_the_predictions(wsnet, model: str, tones: Path):
    evaluated = wsnet("evaluate", model, tones, "--json")
    assert evaluated.code == 0
    document = evaluated.document
    results = wsnet("predict", tones, "-m", model, "--json", "--top-k", 3).document["results"]
    said = [{p["label"]: p["score"] for p in r["predictions"]} for r in results]
    scores = np.array([[row[label] for label in LABELS] for row in said])
    true = np.array([LABELS.index(Path(r["file"]).parent.name) for r in results])
    found = scores.argmax(axis=1)
    n_right = int((true == found).sum())
    assert 0 < n_right < 21, "the model must be right at times and wrong at others"
    assert (document["n_clips"], document["n_right"]) == (21, n_right)
    assert document["accuracy"] == pytest.approx(n_right / 21)
    confusion = sklearn.metrics.confusion_matrix(true, found).tolist()
    assert document["confusion"] == {"labels": LABELS, "matrix": confusion}
    recalls = [confusion[i][i] / 7 for i in range(3)]
    assert document["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    report = sklearn.metrics.classification_report(
        true, found, target_names=LABELS, output_dict=True, zero_division=0
    )
    assert document["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
    for i, row in enumerate(document["per_class"]):
        expected = report[LABELS[i]]
        assert (row["label"], row["support"]) == (LABELS[i], 7)
        assert row["precision"] == pytest.approx(expected["precision"])
        assert row["recall"] == pytest.approx(expected["recall"])
        assert row["f1"] == pytest.approx(expected["f1-score"])
        auroc = sklearn.metrics.roc_auc_score(true == i, scores[:, i])
        assert row["auroc"] == pytest.approx(auroc)
        precision = sklearn.metrics.average_precision_score(true == i, scores[:, i])
        assert row["average_precision"] == pytest.approx(precision)
    (top,) = document["top_k"]
    assert top["k"] == 2
    top_2 = sklearn.metrics.top_k_accuracy_score(true, scores, k=2)
    assert top["accuracy"] == pytest.approx(top_2)
    loss = -np.log(scores[np.arange(21), true]).mean()
    assert document["negative_log_likelihood"] == pytest.approx(loss, abs=1e-4)
    assert (document["n_recordings"], document["folds"], document["failed"]) == (21, [], [])


def test_what_people_see_is_the_same(wsnet, model: str, tones: Path):
    document = wsnet("evaluate", model, tones, "--json").document
    outcome = wsnet("evaluate", model, tones)
    low, high = document["accuracy_interval"]
    assert (
        f"accuracy {100 * document['accuracy']:.1f} % ({document['n_right']} of 21 clips; "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    ) in outcome.stdout
    (row,) = [line for line in outcome.stdout.splitlines() if line.startswith(" 1 high")]
    assert row.split()[2:] == [str(n) if n else "." for n in document["confusion"]["matrix"][0]]


def test_a_run_is_measured_on_its_own_held_out_part(wsnet, trained, check_measures):
    document = wsnet("evaluate", trained.run, "--json").document
    with (trained.run / "split.csv").open(newline="") as stream:
        held_out = {row["clip"] for row in csv.DictReader(stream) if row["part"] == "test"}
    results = wsnet("predict", trained.data, "-m", trained.run, "--json").document["results"]
    found = {
        Path(r["file"]).relative_to(trained.data).as_posix(): r["predictions"][0]["label"]
        for r in results
    }
    pairs = [(Path(name).parent.name, found[name]) for name in sorted(held_out)]
    assert document["n_clips"] == len(pairs) > 0
    labels = sorted({Path(name).parent.name for name in found})
    metrics = measure(
        [labels.index(true) for true, _ in pairs], [labels.index(p) for _, p in pairs], labels
    )
    assert document["confusion"] == metrics.as_json()["confusion"]
    check_measures(document, json.loads((trained.run / "metrics.json").read_text()))


def test_the_compressed_model_of_a_run_is_measured_on_the_same_part(wsnet, trained):
    assert wsnet("compress", trained.run).code == 0
    small = wsnet("evaluate", trained.run / "model.q8.wsnet", "--json")
    assert small.code == 0
    whole = wsnet("evaluate", trained.run, "--json")
    assert small.document["n_clips"] == whole.document["n_clips"] < 18


def test_windows_may_begin_more_often(wsnet, model: str, tones: Path):
    own = wsnet("evaluate", model, tones, "--json").document
    assert wsnet("evaluate", model, tones, "--hop", own["hop_s"], "--json").document == own
    denser = wsnet("evaluate", model, tones, "--hop", own["hop_s"] / 4, "--json").document
    assert denser["hop_s"] == own["hop_s"] / 4
    classifier = Classifier.load(model).recut(None, own["hop_s"] / 4)
    files = sorted(tones.glob("*/*.wav"))
    scores = np.array([classifier.classify_file(path) for path in files])
    true = np.array([LABELS.index(path.parent.name) for path in files])
    assert denser["n_right"] == int((scores.argmax(axis=1) == true).sum())
    loss = -np.log(scores[np.arange(len(files)), true]).mean()
    assert denser["negative_log_likelihood"] == pytest.approx(loss, abs=1e-4)
    assert denser["negative_log_likelihood"] != own["negative_log_likelihood"]


def test_a_hop_is_for_one_model_that_is_measured_now(wsnet, model: str, tones: Path):
    refused = wsnet("evaluate", model, tones, "--hop", 0.1, "--against", model)
    assert (refused.code, refused.error) == (
        2,
        "--hop: what runs said then is measured; expected one model, alone",
    )
    refused = wsnet("evaluate", model, tones, "--hop", 60)
    assert refused.code == 2
    assert "the sound between them would go unheard" in refused.error


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_held_out_part_that_is_not_what_it_was_is_refused(wsnet, trained, change: str):
    with (trained.run / "split.csv").open(newline="") as stream:
        name = next(row["clip"] for row in csv.DictReader(stream) if row["part"] == "test")
    clip = trained.data / name
    if change == "gone":
        clip.unlink()
    else:
        clip.write_bytes(clip.read_bytes()[:-2] + b"\1\2")
    outcome = wsnet("evaluate", trained.run, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert name in outcome.error
    assert change in outcome.error


def test_data_that_is_gone_is_an_error(wsnet, trained):
    shutil.rmtree(trained.data)
    outcome = wsnet("evaluate", trained.run)
    assert outcome.code == 2
    gone = f"the data of this run is gone, {trained.data}: no such file or folder"
    assert outcome.error == f"{trained.run}: {gone}; give the DATA to evaluate on"


def test_classes_that_the_model_lacks_are_refused(wsnet, model: str, tones: Path):
    (tones / "low").rename(tones / "lower")
    outcome = wsnet("evaluate", model, tones, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error == (
        "the data has classes that the model does not know: lower; its labels: high, low, middle"
    )


def test_fewer_classes_than_the_model_has_are_measured(wsnet, model: str, tones: Path):
    shutil.rmtree(tones / "low")
    document = wsnet("evaluate", model, tones, "--json").document
    assert document["n_clips"] == 14
    assert [row["support"] for row in document["per_class"]] == [7, 0, 7]


@pytest.mark.parametrize("flag", ["--fold", "--layout", "--pattern"])
def test_what_is_said_of_data_needs_data(wsnet, trained, flag: str):
    outcome = wsnet("evaluate", trained.run, flag, "1")
    assert (outcome.code, outcome.error) == (2, f"{flag} 1: expected DATA as well")


def test_data_is_read_by_a_pattern_where_one_is_given(wsnet, model: str, tones: Path):
    outcome = wsnet("evaluate", model, tones, "--pattern", "{label}/{n:test=0-1}", "--json")
    assert (outcome.code, outcome.document["n_clips"]) == (0, 6)
    assert "data: pattern, 21 clips, 3 classes" in outcome.stderr
    refused = wsnet("evaluate", model, tones, "--layout", "dcase")
    assert (refused.code, "no meta.csv or meta.txt in it" in refused.error) == (2, True)


def test_one_fold_of_data(wsnet, model: str, tones: Path):
    rows = [f"{p.relative_to(tones).as_posix()},{p.parent.name}" for p in tones.rglob("*.wav")]
    lines = [f"{row},{i % 3}" for i, row in enumerate(sorted(rows))]
    (tones / "manifest.csv").write_text("\n".join(["path,label,fold", *lines]) + "\n")
    assert wsnet("evaluate", model, tones, "--json").document["n_clips"] == 21
    assert wsnet("evaluate", model, tones, "--fold", "2", "--json").document["n_clips"] == 7
    outcome = wsnet("evaluate", model, tones, "--fold", "3")
    assert outcome.code == 2
    assert outcome.error.endswith("no fold 3; its folds: 0, 1, 2")


def test_clips_that_cannot_be_read_are_told_and_left_out(wsnet, model: str, tones: Path):
    (tones / "low" / "0.wav").write_text("no audio")
    outcome = wsnet("evaluate", model, tones, "--json")
    assert outcome.code == 3
    assert outcome.document["n_clips"] == 20
    (failed,) = outcome.document["failed"]
    assert failed["file"] == "low/0.wav"
    data, not_known, pace, warning = outcome.stderr.splitlines()
    assert not_known.startswith(
        "the model lies in no run, so whether it was trained on any of these clips is not known; "
        "its file does not say"
    )
    assert data == "data: class folders, 21 clips, 3 classes"
    assert re.fullmatch(
        r"20 classified, 1 failed; [\d,.]+ files a second, [\d,.]+x real time", pace
    )
    assert warning == f"warning: {failed['error']}"
    people = wsnet("evaluate", model, tones)
    assert people.code == 3
    assert "of 20 clips" in people.stdout


def test_only_unreadable_clips_are_an_error(wsnet, model: str, tones: Path):
    for clip in tones.rglob("*.wav"):
        clip.write_bytes(b"")
    outcome = wsnet("evaluate", model, tones, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith("none of 21 clips can be read; the first: ")


def test_workers_change_nothing(wsnet, model: str, tones: Path):
    (tones / "low" / "0.wav").write_text("no audio")
    one, two = (wsnet("evaluate", model, tones, "--json", "-j", n) for n in (1, 2))
    assert (one.code, one.stdout) == (two.code, two.stdout)
    assert wsnet("evaluate", model, tones, "-j", 0).code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "nothing: no such model"),
        (("tone.wsnet",), "tone.wsnet: lies in no run folder, so nothing was held out for it"),
        (("tone.wsnet", "nowhere"), "nowhere: no such file or folder; expected a data set"),
    ],
)
def test_wrong_arguments(wsnet, model: str, arguments: tuple[str, ...], message: str):
    outcome = wsnet("evaluate", *arguments)
    assert outcome.code == 2
    assert outcome.error.startswith(message)

"""The same numbers on the screen, in JSON and in files; and what stands in the way of files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.measures.metrics import Metrics, measure
from wsnet_cli.core.measures.predictions import read_predictions

LABELS = ("high", "low", "middle")
FILES = {"metrics.json", "per_class.csv", "confusion.csv", "predictions.csv"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def manifest(tones: Path) -> Path:
    """Tones of two folds, two clips to a group."""
    names = sorted(p.relative_to(tones).as_posix() for p in tones.rglob("*.wav"))
    rows = [f"{name},{name.split('/')[0]},{i % 2},g{i // 2}" for i, name in enumerate(names)]
    path = tones / "manifest.csv"
    path.write_text("\n".join(["path,label,fold,group", *rows]) + "\n", encoding="utf-8")
    return tones


def of_predictions(folder: Path) -> Metrics:
    """All measures again, from nothing but predictions.csv."""
    said = read_predictions(folder)
    truth = [LABELS.index(row.label) for row in said.rows]
    found = [LABELS.index(row.predicted) for row in said.rows]
    recordings = np.unique([row.group or row.key.clip for row in said.rows], return_inverse=True)
    return measure(truth, found, LABELS, said.scores, recordings[1])


def test_screen_json_and_files_show_the_same_numbers(wsnet, model: str, tones: Path):
    manifest(tones)
    printed = wsnet("evaluate", model, tones, "-o", "out", "--json")
    assert printed.code == 0
    assert {path.name for path in Path("out").iterdir()} == FILES
    document = json.loads(Path("out/metrics.json").read_text("utf-8"))
    assert document == printed.document
    assert wsnet("evaluate", model, tones, "--json").document == document
    # The recordings are numbered in another order here, which changes what is drawn.
    again = of_predictions(Path("out")).as_json()
    assert {key for key in again if again[key] != document[key]} <= {"bootstrap", "top_k"}
    assert document["n_recordings"] == 11

    shown = wsnet("evaluate", model, tones).stdout
    per_class, confusion = (rows_of(Path("out") / f"{n}.csv") for n in ("per_class", "confusion"))
    lines = [line.split() for line in shown.splitlines()]
    for i, (row, in_json) in enumerate(zip(per_class, document["per_class"], strict=True)):
        assert (row["label"], int(row["support"])) == (in_json["label"], in_json["support"])
        for name in ("precision", "recall", "f1", "auroc", "average_precision"):
            assert float(row[name]) == pytest.approx(in_json[name], abs=1e-6)
        for name in ("precision", "recall"):
            ends = [float(row[f"{name}_{end}"]) for end in ("low", "high")]
            assert ends == pytest.approx(in_json[f"{name}_interval"], abs=1e-6)
        percents = {key: f"{100 * float(row[key]):.1f}" for key in row if key not in ("label",)}
        columns = ("precision", "recall", "recall_low", "recall_high", "f1", "auroc")
        expected = [percents[name] for name in (*columns, "average_precision")]
        (line,) = [line for line in lines if line[:1] == [row["label"]]]
        assert [cell for cell in line[1:] if cell != "to"] == [*expected, row["support"]]
        counts = [int(confusion[i][label]) for label in LABELS]
        assert counts == document["confusion"]["matrix"][i]
        (line,) = [line for line in lines if line[:2] == [str(i + 1), row["label"]]]
        assert [0 if cell == "." else int(cell) for cell in line[2:]] == counts
    for fold in document["folds"]:
        (line,) = [line for line in lines if line[:2] == [fold["fold"], str(fold["n_clips"])]]
        assert line[2] == f"{100 * fold['accuracy']:.1f}"
        assert line[-2:] == [f"{100 * fold[k]:.1f}" for k in ("macro_f1", "calibration_error")]
    ends = [f"{100 * end:.1f}" for end in document["bootstrap"]["macro_f1"]]
    assert f"{100 * document['macro_f1']:.1f} - {ends[0]} to {ends[1]}" in " ".join(shown.split())
    assert (
        f"calibration error {100 * document['calibration_error']:.1f} %, negative log likelihood "
        f"{document['negative_log_likelihood']:.3f}, Brier score {document['brier_score']:.3f}"
    ) in shown


def test_contents_of_clips_are_those_of_a_run(wsnet, trained):
    assert wsnet("evaluate", trained.run, "-o", "out").code == 0
    said, held_out = read_predictions(Path("out")), read_predictions(trained.run)
    assert [row.key for row in said.rows] == [row.key for row in held_out.rows]
    assert said.labels == held_out.labels
    assert said.scores is not None
    assert held_out.scores is not None
    np.testing.assert_allclose(said.scores, held_out.scores, atol=1e-3)
    compared = wsnet("evaluate", trained.run, "--against", "out", "--json")
    assert (compared.code, compared.document["n_clips"]) == (0, len(said.rows))


def test_files_are_replaced_only_where_it_is_asked_for(wsnet, model: str, tones: Path):
    Path("out").mkdir()
    Path("out/confusion.csv").write_text("mine")
    Path("out/notes.txt").write_text("mine too")
    refused = wsnet("evaluate", model, tones, "-o", "out")
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.error == (
        "-o out: holds confusion.csv already; give another folder, or --force to write over it"
    )
    assert Path("out/confusion.csv").read_text() == "mine"
    assert wsnet("evaluate", model, tones, "-o", "out", "--force").code == 0
    assert Path("out/confusion.csv").read_text().startswith("true,")
    assert Path("out/notes.txt").read_text() == "mine too"


def test_a_place_that_cannot_be_written_to_is_told_before_any_work(
    wsnet, model: str, tones: Path, monkeypatch: pytest.MonkeyPatch
):
    Path("file").touch()
    outcome = wsnet("evaluate", model, tones, "-o", "file")
    assert (outcome.code, outcome.stderr.count("\n")) == (2, 1)
    assert outcome.error == "-o file: is a file; expected a folder for several files"
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    outcome = wsnet("evaluate", model, tones, "-o", "a/b")
    assert (outcome.code, outcome.stderr.count("\n")) == (2, 1)
    assert outcome.error == "-o a/b: . cannot be written to; give another folder"
    assert not Path("a").exists()


def test_no_file_of_an_earlier_evaluation_stays(wsnet, model: str, tones: Path):
    """A matrix of another model beside new measures would be believed."""
    from wsnet_cli.bulk.evaluating.evaluation_files import write_evaluation

    assert wsnet("evaluate", model, tones, "-o", "out").code == 0
    written = write_evaluation(Path("out"), {"n_clips": 1}, None)
    assert written == [Path("out/metrics.json")]
    assert {path.name for path in Path("out").iterdir()} == {"metrics.json"}

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.jobs.pooled_runs import pool_runs
from wsnet_cli.core.errors import ArtifactError, UsageError
from wsnet_cli.core.measures.bootstrap import number_recordings
from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.core.measures.multi_label_metrics import measure_labels
from wsnet_cli.core.measures.predictions import ClipKey, Prediction, Predictions, write_predictions

LABELS = ("cat", "dog", "owl")


def scores_of(seed: int, n: int = 6) -> np.ndarray:
    raw = np.random.default_rng(seed).random((n, 3))
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def write_run(
    folder: Path, truth: list[str], scores: np.ndarray, first: int, *, keep: bool, several: bool
) -> None:
    """A run that held out clips from the number `first` on, two of each group."""
    folder.mkdir(parents=True)
    rows = []
    for i, (label, row) in enumerate(zip(truth, scores, strict=True)):
        names = [LABELS[c] for c in np.flatnonzero(row >= 0.5)]
        predicted = ";".join(names) if several else LABELS[int(row.argmax())]
        key = ClipKey(f"{first + i}.wav", "", "", f"c{first + i}")
        rows.append(Prediction(key, label, predicted, float(row.max()), f"g{(first + i) // 2}"))
    kept = (LABELS, scores) if keep else ((), None)
    write_predictions(folder, Predictions(tuple(rows), *kept))
    values = {"per_class": [{"label": label} for label in LABELS]}
    (folder / "metrics.json").write_text(json.dumps({**values, "multi_label": several}))


def write_job(
    folder: Path, *, n_seeds: int = 1, keep: bool = True, several: bool = False
) -> tuple[list[str], np.ndarray]:
    """Two folds of six clips for each seed: the labels and scores of all, run by run."""
    runs, truth, scores = [], [], []
    for seed in range(n_seeds):
        for fold in (1, 2):
            name = f"fold-{fold}-seed-{seed}"
            labels = ["cat;dog", "", "owl"] * 2 if several else ["cat", "dog", "owl"] * 2
            said = scores_of(10 * seed + fold)
            first = 6 * (fold - 1)
            write_run(folder / name, labels, said, first, keep=keep, several=several)
            runs.append({"run": name, "fold": str(fold), "seed": seed, "bytes": 7, "n_clips": 6})
            truth += labels
            scores.append(said)
    (folder / "results.json").write_text(json.dumps({"runs": runs, "failed": []}))
    return truth, np.concatenate(scores)


@pytest.mark.parametrize("n_seeds", [1, 2])
def test_measures_are_those_of_all_answers(tmp_path: Path, n_seeds: int):
    truth, scores = write_job(tmp_path / "job", n_seeds=n_seeds)
    found = pool_runs(tmp_path / "job")
    assert found.evaluated is not None
    true = [LABELS.index(label) for label in truth]
    recordings = number_recordings([i // 2 for i in range(12)] * n_seeds)
    expected = measure(true, scores.argmax(axis=1), LABELS, scores, recordings, n_seeds)
    assert found.evaluated.metrics == expected
    assert (expected.n_clips, expected.n_recordings) == (12 * n_seeds, 6)
    assert found.contents == tuple(f"c{i}" for i in range(12)) * n_seeds
    document = found.as_json()
    assert document["n_clips"] == 12
    assert document["accuracy"] == pytest.approx(expected.accuracy)
    assert document["accuracy_interval"] == pytest.approx(list(expected.accuracy_interval))
    assert document["confusion"] == expected.as_json()["confusion"]
    assert [run["bytes"] for run in document["runs"]] == [7] * 2 * n_seeds
    assert {key: document["measures"][key] for key in expected.as_json()} == expected.as_json()
    folds = document["measures"]["folds"]
    assert [fold["fold"] for fold in folds] == ["1", "2"]
    assert [f["accuracy"] for f in folds] == pytest.approx(
        [fold["accuracy"] for fold in document["folds"]]
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_run_that_held_nothing_out_is_passed_over(tmp_path: Path):
    write_job(tmp_path / "job")
    expected = pool_runs(tmp_path / "job").as_json()
    path = tmp_path / "job" / "results.json"
    values = json.loads(path.read_text())
    nothing = {"run": "fold-3-seed-0", "fold": "3", "seed": 0, "bytes": 7, "n_clips": 0}
    path.write_text(json.dumps({**values, "runs": [*values["runs"], nothing]}))
    assert pool_runs(tmp_path / "job").as_json() == expected
    path.write_text(json.dumps({**values, "runs": [nothing]}))
    with pytest.raises(UsageError, match="job: none of its runs held anything out; expected some"):
        pool_runs(tmp_path / "job")


def test_runs_that_kept_no_scores_have_the_measures_of_their_answers(tmp_path: Path):
    write_job(tmp_path / "new")
    write_job(tmp_path / "old", keep=False)
    new, old = (pool_runs(tmp_path / name).as_json() for name in ("new", "old"))
    assert old["measures"]["confusion"] == new["measures"]["confusion"]
    assert old["measures"]["bootstrap"] == new["measures"]["bootstrap"]
    assert (old["measures"]["calibration_error"], old["measures"]["top_k"]) == (None, [])
    assert old["measures"]["per_class"][0]["auroc"] is None


def test_several_labels(tmp_path: Path):
    truth, scores = write_job(tmp_path / "job", several=True)
    found = pool_runs(tmp_path / "job")
    flags = np.array([[label in text.split(";") for label in LABELS] for text in truth])
    recordings = number_recordings([i // 2 for i in range(12)])
    assert found.evaluated is not None
    assert found.evaluated.metrics == measure_labels(flags, scores, LABELS, recordings)
    assert found.as_json()["confusion"] is None
    write_job(tmp_path / "old", several=True, keep=False)
    old = pool_runs(tmp_path / "old").as_json()
    assert (old["measures"], old["n_clips"]) == (None, 12)
    assert old["accuracy"] == found.as_json()["accuracy"]


def test_what_cannot_be_pooled_is_told(tmp_path: Path):
    job = tmp_path / "job"
    write_job(job, n_seeds=2)
    values = json.loads((job / "fold-1-seed-0" / "metrics.json").read_text())
    values["per_class"].reverse()
    (job / "fold-1-seed-0" / "metrics.json").write_text(json.dumps(values))
    with pytest.raises(UsageError, match="its runs are of other classes"):
        pool_runs(job)
    for run in job.glob("fold-*"):
        (run / "metrics.json").write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match="its predictions name other classes than its metrics"):
        pool_runs(job)
    (job / "fold-2-seed-1" / "metrics.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"fold-2-seed-1.metrics\.json: is damaged"):
        pool_runs(job)
    (job / "results.json").unlink()
    with pytest.raises(UsageError, match="have not ended, it holds no results"):
        pool_runs(job)


def test_a_clip_that_is_held_out_twice_is_told(tmp_path: Path):
    write_job(tmp_path / "job")
    values = json.loads((tmp_path / "job" / "results.json").read_text())
    values["runs"].append(values["runs"][0])
    (tmp_path / "job" / "results.json").write_text(json.dumps(values))
    with pytest.raises(UsageError, match="or a clip twice; expected every clip once"):
        pool_runs(tmp_path / "job")

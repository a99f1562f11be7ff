from __future__ import annotations

import json
import statistics

import numpy as np
import pytest

from wsnet_cli.core.measures.metrics import measure, wilson_interval
from wsnet_cli.core.measures.pooled import RunMeasures, pool


def made(fold: str | None, seed: int, n_right: int, n_clips: int = 4) -> RunMeasures:
    """A run on `n_clips` clips of two classes in turn, of which the first `n_right` are right."""
    truth = [i % 2 for i in range(n_clips)]
    predicted = [c if i < n_right else 1 - c for i, c in enumerate(truth)]
    measures = measure(truth, predicted, ["a", "b"]).as_json()
    return RunMeasures(f"fold-{fold}-seed-{seed}", fold, seed, 100 + seed, measures)


def test_two_folds_and_two_seeds_by_hand():
    runs = [made("1", 0, 4), made("2", 0, 2, 6), made("1", 1, 3), made("2", 1, 6, 6)]
    pooled = pool(runs)
    assert pooled.all_runs.n_clips == 10
    assert pooled.all_runs.accuracy == 15 / 20
    assert (pooled.all_runs.lowest, pooled.all_runs.highest) == (0.6, 0.9)
    assert pooled.interval == wilson_interval(7.5, 10)
    assert {k: (s.n_clips, s.accuracy) for k, s in pooled.by_fold.items()} == {
        "1": (4, 7 / 8),
        "2": (6, 8 / 12),
    }
    assert (pooled.by_fold["2"].lowest, pooled.by_fold["2"].highest) == (2 / 6, 1)
    assert {k: (s.n_clips, s.accuracy) for k, s in pooled.by_seed.items()} == {
        0: (10, 0.6),
        1: (10, 0.9),
    }
    assert pooled.mean_of_folds == pytest.approx((7 / 8 + 8 / 12) / 2)
    assert pooled.seed_deviation == pytest.approx(statistics.stdev([0.6, 0.9]))
    labels, matrix = pooled.confusion
    assert labels == ["a", "b"]
    expected = sum(np.array(run.measures["confusion"]["matrix"]) for run in runs)
    assert matrix == expected.tolist()
    assert sum(map(sum, matrix)) == 20


def test_one_run_is_what_its_measures_say():
    run = made("1", 0, 3)
    pooled = pool([run])
    assert pooled.all_runs.accuracy == pooled.mean_of_folds == run.measures["accuracy"]
    assert list(pooled.interval) == run.measures["accuracy_interval"]
    assert pooled.seed_deviation is None
    assert pooled.confusion == (["a", "b"], run.measures["confusion"]["matrix"])


def test_runs_that_held_nothing_out():
    pooled = pool(
        [RunMeasures("seed-0", None, 0, 7, None), RunMeasures("seed-1", None, 1, 7, None)]
    )
    assert pooled.all_runs.accuracy is None
    assert pooled.interval is None
    assert pooled.mean_of_folds is None
    assert pooled.seed_deviation is None
    assert pooled.confusion is None
    assert pooled.as_json()["runs"][0]["accuracy"] is None


def test_a_seed_that_lacks_a_fold_does_not_change_the_number_of_clips():
    pooled = pool([made("1", 0, 4), made("2", 0, 4), made("1", 1, 2)])
    assert pooled.all_runs.n_clips == 8
    assert pooled.all_runs.accuracy == 10 / 12
    assert pooled.by_seed[1].n_clips == 4


def test_measures_of_several_labels_have_no_confusion():
    run = RunMeasures("seed-0", None, 0, 7, {"n_clips": 4, "n_right": 1})
    pooled = pool([run])
    assert pooled.all_runs.accuracy == 0.25
    assert pooled.confusion is None


def test_its_document_is_plain():
    document = pool([made("1", 0, 4), made(None, 1, 2)]).as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["folds"][1] == {
        "fold": None,
        "n_clips": 4,
        "accuracy": 0.5,
        "lowest": 0.5,
        "highest": 0.5,
    }
    assert document["seeds"] == [
        {"seed": 0, "n_clips": 4, "accuracy": 1.0},
        {"seed": 1, "n_clips": 4, "accuracy": 0.5},
    ]
    assert document["runs"][1]["run"] == "fold-None-seed-1"

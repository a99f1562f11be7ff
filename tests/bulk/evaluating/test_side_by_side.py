from __future__ import annotations

import json
from pathlib import Path

import pytest

from wsnet_cli.bulk.evaluating.side_by_side import load_answers, put_side_by_side
from wsnet_cli.core.errors import ArtifactError, DataError, UsageError, WsnetError
from wsnet_cli.core.measures.paired import mcnemar
from wsnet_cli.core.measures.predictions import (
    ClipKey,
    Prediction,
    Predictions,
    read_predictions,
    write_predictions,
)


def write_run(folder: Path, right: str, *, first: int = 0, content: str = "c") -> Path:
    """A run that held out as many clips as there are signs, from the number `first` on."""
    folder.mkdir(parents=True)
    write_predictions(
        folder,
        Predictions(
            tuple(
                Prediction(
                    ClipKey(f"{first + i}.wav", "", "", f"{content}{first + i}"),
                    "dog",
                    "dog" if sign == "1" else "cat",
                    0.5,
                )
                for i, sign in enumerate(right)
            )
        ),
    )
    return folder


def write_job(folder: Path, *seeds: tuple[str, str], failed: tuple[str, ...] = ()) -> Path:
    """A job of two folds: for each seed, the signs of both."""
    runs = []
    for seed, (one, two) in enumerate(seeds):
        write_run(folder / f"fold-1-seed-{seed}", one)
        write_run(folder / f"fold-2-seed-{seed}", two, first=len(one))
        names = [f"fold-{fold}-seed-{seed}" for fold in (1, 2)]
        runs += [{"run": name, "seed": seed, "n_clips": 1} for name in names]
    values = {"runs": runs, "failed": [{"run": name, "error": "why"} for name in failed]}
    (folder / "results.json").write_text(json.dumps(values))
    return folder


def test_two_runs(tmp_path: Path):
    found = put_side_by_side(
        write_run(tmp_path / "a", "11101"), write_run(tmp_path / "b", "11010")
    ).as_json()
    assert (found["n_clips"], found["n_seeds"]) == (5, [1, 1])
    assert found["accuracies"] == [4 / 5, 3 / 5]
    assert found["difference"] == pytest.approx(0.2)
    assert (found["n_first_better"], found["n_second_better"]) == (2, 1)
    assert found["p_value"] == mcnemar(2, 1)
    assert [(row["clip"], row["first"], row["second"]) for row in found["changed"]] == [
        ("2.wav", 1.0, 0.0),
        ("4.wav", 1.0, 0.0),
        ("3.wav", 0.0, 1.0),
    ]
    low, high = found["difference_interval"]
    assert low < 0.2 < high
    assert json.loads(json.dumps(found)) == found


def test_several_runs_beside_one(tmp_path: Path):
    job = write_job(tmp_path / "job", ("110", "01"), ("100", "01"))
    found = put_side_by_side(job, write_run(tmp_path / "run", "11111")).as_json()
    assert found["n_seeds"] == [2, 1]
    assert found["accuracies"] == [0.5, 1.0]
    assert found["p_value"] is None
    assert {row["clip"]: row["first"] for row in found["changed"]} == {
        "1.wav": 0.5,
        "2.wav": 0.0,
        "3.wav": 0.0,
    }


def test_a_file_of_several_seeds_is_as_the_job_that_it_was_written_of(tmp_path: Path):
    job = write_job(tmp_path / "job", ("110", "01"), ("100", "01"))
    names = ("fold-1-seed-0", "fold-1-seed-1", "fold-2-seed-0", "fold-2-seed-1")
    rows = [row for name in names for row in read_predictions(job / name).rows]
    pooled = tmp_path / "pooled"
    pooled.mkdir()
    write_predictions(pooled, Predictions(tuple(rows)))
    one, other = load_answers(job), load_answers(pooled)
    assert other.right.tolist() == one.right.tolist()
    assert (other.labels, other.predicted) == (one.labels, None)
    assert put_side_by_side(pooled, job).comparison.difference == 0
    write_predictions(pooled, Predictions((*rows, rows[0])))
    with pytest.raises(
        UsageError,
        match=r"predictions\.csv tells of 0\.wav 3 times and of \d\.wav 2 times; expected",
    ):
        load_answers(pooled)


def test_the_order_of_folds_does_not_matter(tmp_path: Path):
    job = write_job(tmp_path / "job", ("10", "011"))
    run = write_run(tmp_path / "run", "10011")
    assert put_side_by_side(job, run).comparison.difference == 0
    assert put_side_by_side(job, run).comparison.p_value == 1.0


@pytest.mark.parametrize(
    ("right", "more", "words"),
    [
        ("111", {}, "held out 4 and 3 clips, of which 3 are the same"),
        ("1111", {"content": "d"}, "held out 4 and 4 clips, of which 0 are the same"),
        ("1111", {"first": 1}, "of which 3 are the same"),
    ],
)
def test_other_clips_are_refused(tmp_path: Path, right: str, more: dict, words: str):
    one = write_run(tmp_path / "a", "1111")
    other = write_run(tmp_path / "b", right, **more)
    with pytest.raises(DataError, match=words):
        put_side_by_side(one, other)


def test_what_cannot_be_compared_is_told(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds neither predictions\.csv nor results\.json"):
        load_answers(tmp_path / "empty")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "job.json").write_text("{}")
    with pytest.raises(UsageError, match=r"have not ended.*go on with them: wsnet train --resume"):
        load_answers(tmp_path / "begun")
    job = write_job(tmp_path / "failed", ("1", "1"), failed=("fold-1-seed-1",))
    with pytest.raises(
        UsageError, match=r"1 of its 3 runs failed \(fold-1-seed-1: why\); give the command"
    ):
        load_answers(job)
    job = write_job(tmp_path / "uneven", ("11", "1"), ("11", "11"))
    with pytest.raises(UsageError, match="the runs of seed 1 held out other clips"):
        load_answers(job)
    job = write_job(tmp_path / "lacking", ("11", "1"))
    (job / "fold-2-seed-0" / "predictions.csv").unlink()
    with pytest.raises(ArtifactError, match=r"fold-2-seed-0: holds no predictions\.csv"):
        load_answers(job)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"runs": []}',
        '{"runs": [{"run": "../a", "seed": 0, "n_clips": 1}], "failed": []}',
    ],
)
def test_damaged_results_are_told(tmp_path: Path, content: str):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(WsnetError, match=r"results\.json: is damaged"):
        load_answers(tmp_path)


def test_runs_of_older_versions_have_the_groups_of_their_split(tmp_path: Path):
    """Their predictions do not name any."""
    runs = [write_run(tmp_path / name, right) for name, right in (("a", "1110"), ("b", "1010"))]
    assert put_side_by_side(*runs).n_recordings == 4
    rows = [f"{i}.wav,dog,test,1,{'rex' if i < 3 else ''},,,c{i}" for i in range(4)]
    header = "clip,label,part,fold,group,start_s,end_s,content"
    for run in runs:
        (run / "split.csv").write_text("\n".join((header, *rows)))
    assert put_side_by_side(*runs).n_recordings == 2
    for run in runs:
        (run / "split.csv").write_text("clip\n0.wav\n")
    assert put_side_by_side(*runs).n_recordings == 4

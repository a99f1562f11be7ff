"""`wsnet sweep` by its command; in most tests its runs are trained one after the other in here."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.measures.metrics import wilson_interval
from wsnet_cli.core.model_file.artifact import load_model, plain_bytes
from wsnet_cli.core.sizes.frontier import FRONTIER_HEADER
from wsnet_cli.data.dividing.splits import choose_split
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.learn.jobs import sweep as learn_sweep
from wsnet_cli.learn.jobs.jobs import Job
from wsnet_cli.learn.jobs.jobs import Outcome as RunOutcome
from wsnet_cli.learn.jobs.run_to_end import find_finished, run_folder, run_to_end
from wsnet_cli.learn.run.listener import SilentListener

SETTINGS = (
    *("audio.sample_rate=8000", "audio.window_s=0.6", "network.pooling=every-layer"),
    *("network.architecture=soundnet8", "network.sampling=null", "network.sampling.stride=2"),
    *("network.width=0.25", "network.sampling.channel_factor=4"),
    *(f"network.sampling.layers.conv{number}=dense" for number in (1, 2, 3)),
    *("train.batch_size=8", "train.warmup_epochs=0"),
)
OPTIONS = (*(word for setting in SETTINGS for word in ("--set", setting)), "--epochs", "1")


@pytest.fixture
def trained_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that were trained, in order; they are trained in this process."""
    names: list[str] = []

    def run(jobs: Sequence[Job], n_workers: int, listener: object) -> list[RunOutcome]:
        for job in jobs:
            if find_finished(run_folder(job.request)) is None:
                names.append(job.name)
            run_to_end(job.request, SilentListener())
        return [RunOutcome(job.name, find_finished(run_folder(job.request))) for job in jobs]

    monkeypatch.setattr(learn_sweep, "run_jobs", run)
    return names


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        pytest.fail("clips were decoded all the same")

    monkeypatch.setattr(learn_sweep, "prepare_data", decoded)


def points(folder: str = "runs/sweep") -> dict[str, dict[str, str]]:
    with (Path(folder) / "frontier.csv").open(newline="") as stream:
        return {row["point"]: row for row in csv.DictReader(stream)}


# ------------------------------------------------------------------------------ the whole job


def test_made_folds_without_a_clip_are_passed_over(wsnet, data: Path, trained_here: list[str]):
    clips = load_dataset(data).clips
    keys = [hashlib.sha256((data / clip.name).read_bytes()).hexdigest() for clip in clips]
    for i in choose_split(load_dataset(data), keys, fold="3").test:
        (data / clips[i].name).unlink()
    outcome = wsnet("sweep", data, "--kb", "16", "--fold", "all", *OPTIONS)
    assert outcome.code == 0, outcome.stderr
    folds = {name.split("/")[1] for name in trained_here}
    assert folds == {f"fold-{number}-seed-0" for number in (1, 2, 4, 5)}
    assert int(points()["dense"]["n_clips"]) == len(list(data.glob("*/*")))


def test_a_sweep_and_the_same_command_again(wsnet, data: Path, trained_here: list[str]):
    command = ("sweep", data, "--kb", "8,16", *OPTIONS)
    outcome = wsnet(*command, "--json")
    assert outcome.code == 0, outcome.stderr
    names = ["sampled-8kb", "sampled-16kb", "narrow-8kb", "narrow-16kb", "dense"]
    assert sorted(trained_here) == sorted(f"{name}/seed-0" for name in names)
    assert trained_here[0] == "dense/seed-0", "the largest first"
    document = outcome.document
    assert document.pop("sweep") == str(Path("runs/sweep"))
    picture = Path(document.pop("picture"))
    assert document == json.loads(Path("runs/sweep/frontier.json").read_text())
    assert (document["left_out"], document["failed"]) == ([], [])
    rows = document["points"]
    assert [row["point"] for row in rows] == names
    assert list(points()) == names
    assert tuple(points()["dense"]) == FRONTIER_HEADER
    said = "".join(ElementTree.parse(picture).getroot().itertext())
    assert all(kind in said for kind in ("sampled", "narrow", "dense"))
    for row in rows:
        folder = Path("runs/sweep") / row["point"] / "seed-0"
        small = folder / "model.q8.wsnet"
        assert small.stat().st_size == row["bytes"]
        if row["max_bytes"] is not None:
            uncoded = plain_bytes(load_model(small))
            assert 0.9 * row["max_bytes"] <= uncoded <= row["max_bytes"]
            assert row["bytes"] <= uncoded
        assert row["weights"] == load_model(small).network.n_parameters
        sampling = load_config(str(folder / "config.yaml")).network.sampling
        assert (sampling is not None) == (row["kind"] == "sampled")
        evaluated = wsnet("evaluate", small, "--json").document
        assert evaluated["n_clips"] == row["n_clips"]
        assert evaluated["accuracy"] == row["accuracy"]
        assert row["accuracy_interval"] == list(
            wilson_interval(evaluated["n_right"], row["n_clips"])
        )

    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    times = {path: path.stat().st_mtime_ns for path in Path("runs").rglob("seed-0/*")}
    again = wsnet(*command)
    assert again.code == 0
    assert len(trained_here) == len(names), "trained again"
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    for word in ("sampled-16kb", "narrow-8kb", "KB at 8 bits", "95 % interval"):
        assert word in again.stdout
    assert "picture: " in again.stderr


def test_more_sizes_are_added_to_what_is_there(wsnet, data: Path, trained_here: list[str]):
    assert wsnet("sweep", data, "--kb", "8", *OPTIONS, "-q").code == 0
    assert wsnet("sweep", data, "--kb", "8,12", *OPTIONS, "-q").code == 0
    assert len(trained_here) == len(set(trained_here)) == 5
    names = ["sampled-8kb", "sampled-12kb", "narrow-8kb", "narrow-12kb", "dense"]
    assert list(points()) == names
    # Fewer sizes do not take the others out of what is told of the folder.
    before = {path: path.read_bytes() for path in Path("runs/sweep").glob("frontier.*")}
    fewer = wsnet("sweep", data, "--kb", "12", *OPTIONS, "--json")
    assert [row["point"] for row in fewer.document["points"]] == names
    assert {path: path.read_bytes() for path in before} == before
    # What is gone, or cannot be read, is none of it.
    shutil.rmtree("runs/sweep/narrow-8kb")
    assert wsnet("sweep", data, "--kb", "12", *OPTIONS, "-q").code == 0
    assert list(points()) == [name for name in names if name != "narrow-8kb"]
    for damaged in ("[]", "{", '{"points": [{"point": "sampled-8kb", "kind": "odd"}]}'):
        Path("runs/sweep/frontier.json").write_text(damaged)
        assert wsnet("sweep", data, "--kb", "12", *OPTIONS, "-q").code == 0
        assert list(points()) == ["sampled-12kb", "narrow-12kb", "dense"]
    assert len(trained_here) == 5


def test_another_request_gets_a_folder_of_its_own_and_force_starts_over(
    wsnet, data: Path, trained_here: list[str]
):
    command = ("sweep", data, "--kb", "8", *OPTIONS, "-q")
    assert wsnet(*command).code == 0
    kept = Path("runs/sweep/dense/seed-0/model.wsnet").read_bytes()
    outcome = wsnet(*command[:-1], "--seed", "5")
    assert outcome.code == 0
    runs = Path("runs")
    said = f"{runs / 'sweep'} is of other seeds: this sweep is {runs / 'sweep-2'}\n"
    assert outcome.stderr.count(said) == 1
    assert Path("runs/sweep-2/dense/seed-5/model.wsnet").is_file()
    assert Path("runs/sweep/dense/seed-0/model.wsnet").read_bytes() == kept
    assert wsnet(*command, "--seed", "5", "--force").code == 0
    assert not Path("runs/sweep/dense/seed-0").exists()
    assert Path("runs/sweep/dense/seed-5/metrics.q8.json").is_file()
    assert len(trained_here) == 9


def test_folds_and_seeds_are_pooled(wsnet, data: Path, trained_here: list[str], check_measures):
    options = ("--kb", "8", *OPTIONS, "--fold", "1,2", "--seeds", "2", "--json")
    rows = wsnet("sweep", data, *options).document["points"]
    assert len(trained_here) == 12
    assert "sampled-8kb/fold-2-seed-1" in trained_here
    n_right = n_clips = 0
    for run in Path("runs/sweep/narrow-8kb").glob("fold-*"):
        measures = json.loads((run / "metrics.q8.json").read_text())
        n_right, n_clips = n_right + measures["n_right"], n_clips + measures["n_clips"]
    second = Path("runs/sweep/narrow-8kb/fold-2-seed-1")
    evaluated = wsnet("evaluate", second / "model.q8.wsnet", "--json").document
    measured = json.loads((second / "metrics.q8.json").read_text())
    check_measures(evaluated, measured)
    both = ("runs/sweep/sampled-8kb", "--against", "runs/sweep/narrow-8kb", "--json")
    paired = wsnet("evaluate", *both).document
    assert (paired["n_clips"], paired["n_seeds"]) == (n_clips // 2, [2, 2])
    pooled = [wsnet("evaluate", both[i], "--json").document for i in (0, 2)]
    assert [whole["accuracy"] for whole in pooled] == pytest.approx(paired["accuracies"])
    narrow = next(row for row in rows if row["kind"] == "narrow")
    assert narrow["accuracy"] == pytest.approx(n_right / n_clips)
    assert narrow["n_clips"] == n_clips / 2, "each clip once, whatever the seeds"


def test_what_was_cut_off_while_measuring_is_measured_then(
    wsnet, data: Path, trained_here: list[str]
):
    command = ("sweep", data, "--kb", "8", *OPTIONS, "-q")
    assert wsnet(*command).code == 0
    run = Path("runs/sweep/narrow-8kb/seed-0")
    before = {name: (run / name).read_bytes() for name in ("metrics.q8.json", "model.q8.wsnet")}
    table = Path("runs/sweep/frontier.csv").read_bytes()
    (run / "metrics.q8.json").write_text('{"n_clips": 3')
    (run / "model.q8.wsnet").unlink()
    assert wsnet(*command).code == 0
    assert {name: (run / name).read_bytes() for name in before} == before
    assert Path("runs/sweep/frontier.csv").read_bytes() == table
    assert len(trained_here) == 3


def test_what_cannot_be_compared_is_left_out(wsnet, data: Path, trained_here: list[str]):
    outcome = wsnet("sweep", data, "--kb", "4,900", *OPTIONS, "--json")
    assert outcome.code == 0, outcome.stderr
    reasons = {row["point"]: row["reason"] for row in outcome.document["left_out"]}
    whole = "the whole dense network fits"
    assert reasons == {"sampled-900kb": whole, "narrow-900kb": whole}
    assert len(trained_here) == 3


def test_a_run_that_fails_costs_its_point_alone(
    wsnet, data: Path, trained_here: list[str], monkeypatch: pytest.MonkeyPatch
):
    run = learn_sweep.run_jobs

    def fail(jobs: Sequence[Job], *more: object) -> list[RunOutcome]:
        outcomes = run(jobs, *more)  # type: ignore[arg-type]
        return [
            replace(out, finished=None, error="no luck") if out.name.startswith("narrow") else out
            for out in outcomes
        ]

    monkeypatch.setattr(learn_sweep, "run_jobs", fail)
    outcome = wsnet("sweep", data, "--kb", "8", *OPTIONS, "--json")
    assert outcome.code == 1
    assert outcome.error == "1 run failed: narrow-8kb/seed-0: no luck"
    assert [row["point"] for row in outcome.document["points"]] == ["sampled-8kb", "dense"]
    assert outcome.document["failed"] == [{"run": "narrow-8kb/seed-0", "error": "no luck"}]


def test_a_process_of_its_own_trains_what_is_missing_to_the_same_bytes(
    wsnet, child: Callable[..., Any], data: Path, trained_here: list[str]
):
    command = ("sweep", data.absolute(), "--kb", "8", *OPTIONS, "-q")
    assert wsnet(*command).code == 0
    run = Path("runs/sweep/narrow-8kb/seed-0")
    kept = {path: path.read_bytes() for path in Path("runs/sweep").rglob("*.[wc]s*")}
    shutil.rmtree(run)
    outcome = child(*command)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(kept) >= 3 * 4


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.usefixtures("no_decoding")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kb", "1,16"], "1,000 bytes are too few: the smallest 8-bit file that can be made"),
        (["--kb", "16,16"], "--kb 16,16; expected every size once"),
        (["--kb", "16;32"], "--kb 16;32; expected numbers such as 16,32,64,128"),
        (["--kb", " "], "--kb  ; expected numbers such as 16,32,64,128"),
        (["--kb", "0"], "--kb 0; expected more than 0 KB, at most 1,000,000"),
        (["--kb", "inf"], "--kb inf; expected more than 0 KB, at most 1,000,000"),
        (["-c", "esc10-dense"], "network.sampling = null: a sweep compares sampled networks with"),
        (["--fold", "none"], "--fold none: a sweep measures on what is held out; expected a fold"),
        (["--fold", "9"], "--fold: no fold '9'; expected all or of 1, 2, 3, 4, 5"),
        (["--seeds", "0"], "--seeds 0; expected 1 to 1,000 seeds"),
        (["--name", "a/b"], "--name a/b: expected letters, digits, '.', '-' and '_'"),
        (["--layout", "odd"], "--layout 'odd'; expected one of"),
    ],
)
def test_what_makes_no_sense_is_refused_before_decoding(
    wsnet, data: Path, options: list[str], message: str
):
    outcome = wsnet("sweep", data, *options)
    assert outcome.code == 2
    assert outcome.error.startswith(message), outcome.error
    assert not Path("runs").exists()


@pytest.mark.usefixtures("no_decoding")
def test_a_teacher_of_other_labels_is_refused_before_decoding(wsnet, data: Path):
    teacher = ("--set", "train.distill.teachers=[digits]")
    outcome = wsnet("sweep", data, "--kb", "8", *OPTIONS, *teacher)
    assert outcome.code == 2
    assert "teacher" in outcome.error
    assert not Path("runs").exists()


def test_a_network_whose_runs_failed_says_how_to_go_on(
    wsnet, data: Path, trained_here: list[str], monkeypatch: pytest.MonkeyPatch
):
    assert wsnet("sweep", data, "--kb", "8", *OPTIONS).code == 0
    assert Path("runs/sweep/frontier.svg").is_file()
    monkeypatch.setattr(
        learn_sweep,
        "run_jobs",
        lambda jobs, *_: [RunOutcome(job.name, error="no luck") for job in jobs],
    )
    outcome = wsnet("sweep", data, "--kb", "8", *OPTIONS)
    assert (outcome.code, outcome.stdout) == (1, "")
    for form in ("svg", "csv"):
        told = Path(f"runs/sweep/frontier.{form}")
        assert not told.exists(), "a picture or table of what is no longer told"
    assert wsnet("evaluate", "runs/sweep/dense").error == (
        f"{Path('runs/sweep/dense')}: 1 of its 1 runs failed (seed-0: no luck); give the command "
        "again that began them"
    )


def test_data_is_needed(wsnet):
    assert wsnet("sweep").error == (
        "DATA is missing; expected a folder with a sub-folder per class"
    )
    assert wsnet("sweep", "none").error.startswith("none: no such folder or manifest")


def test_a_set_that_holds_nothing_out_is_refused(wsnet, data: Path):
    rows = [f"{p.relative_to(data).as_posix()},{p.parent.name},train" for p in data.rglob("*.wav")]
    (data / "manifest.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    outcome = wsnet("sweep", data, "--kb", "16", *OPTIONS)
    assert outcome.code == 2
    assert outcome.error.endswith(
        "its own split holds nothing out; a sweep measures on held-out clips"
    )
    assert not Path("runs").exists()

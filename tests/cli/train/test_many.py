"""Folds and seeds as one job on the command line, stopped and gone on with; runs compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.cli.train.many import choose_seeds, parse_seeds
from wsnet_cli.core.errors import UsageError

JOB = Path("runs/job")
RUNS = ("fold-1-seed-0", "fold-2-seed-0")


@pytest.fixture
def command(data: Path, tiny_options: Callable[..., list[str]]) -> list[str]:
    """Two folds in two processes, long enough to be stopped."""
    options = (*tiny_options(), "--epochs", "50", "--name", "job")
    return ["train", str(data), *options, "--fold", "1,2", "--jobs", "2"]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
def test_a_job_is_stopped_gone_on_with_and_not_repeated(wsnet, command: list[str], data: Path):
    process = subprocess.Popen(
        [sys.executable, "-m", "wsnet_cli", *command, "-v"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    begun = set()
    for line in process.stderr:
        if ": epoch " in line:
            begun.add(line.partition(":")[0])
        if len(begun) == 2:
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    # How far it is may be said at any time: after each epoch, and off a terminal now and then.
    progress = re.compile(r": epoch |^0 of 2 runs done, \d+ % of the whole")
    told = [line for line in stderr.splitlines() if not progress.search(line)]
    assert told == [
        f"error: stopped with 2 of 2 runs to go; go on with: wsnet train --resume {JOB}"
    ]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert all((JOB / run / "last.safetensors").is_file() for run in RUNS)

    resumed = wsnet("train", "--resume", JOB, "--json")
    assert resumed.code == 0, resumed.stderr
    assert resumed.document["job"] == str(JOB)
    assert [run["run"] for run in resumed.document["runs"]] == list(RUNS)
    before = {path: path.stat().st_mtime_ns for path in JOB.glob("*/*")}
    again = wsnet(*command, "--json")
    assert again.document == resumed.document
    assert {path: path.stat().st_mtime_ns for path in JOB.glob("*/*")} == before

    shown = wsnet(*command)
    accuracy, n_clips = (resumed.document[key] for key in ("accuracy", "n_clips"))
    assert f"accuracy {100 * accuracy:.1f} % of {n_clips} clips (95 % interval" in shown.stdout
    run = JOB / RUNS[0]
    assert (run / "curves.svg").is_file()
    assert wsnet("predict", data, "-m", run, "--json").code == 0
    assert (
        wsnet("evaluate", run, "--json").document["n_clips"]
        == (resumed.document["runs"][0]["n_clips"])
    )
    compared = wsnet("evaluate", JOB, "--against", JOB)
    assert compared.code == 0
    assert f"{JOB} minus {JOB} on {n_clips} clips: +0.00 points" in compared.stdout
    refused = wsnet("evaluate", run, "--against", JOB / RUNS[1])
    assert (refused.code, refused.stdout) == (2, "")
    assert "of which 0 are the same" in refused.error


def test_runs_that_fail_do_not_stop_the_others(wsnet, data: Path, tiny_options):
    """A file lies where the folder of a run would be made."""
    JOB.mkdir(parents=True)
    (JOB / "fold-2-seed-0").write_text("in the way")
    options = (*tiny_options(), "--epochs", "1", "--fold", "1,2", "--name", "job", "--json")
    outcome = wsnet("train", data, *options, "--force")
    assert outcome.code == 1
    assert outcome.error.startswith("1 of 2 runs failed: fold-2-seed-0: ")
    assert [run["run"] for run in outcome.document["runs"]] == ["fold-1-seed-0"]
    (failed,) = outcome.document["failed"]
    assert failed["run"] == "fold-2-seed-0"
    assert (JOB / "fold-2-seed-0").read_text() == "in the way"
    assert json.loads((JOB / "results.json").read_text())["failed"] == [failed]
    refused = wsnet("evaluate", JOB, "--against", JOB)
    assert refused.error == (
        f"{JOB}: 1 of its 2 runs failed (fold-2-seed-0: {failed['error']}); go on with "
        f"them: wsnet train --resume {JOB}"
    )


def test_a_job_is_not_gone_on_with_on_other_parts(wsnet, data: Path, tiny_options):
    """What one seed was trained on must not be what the next one holds out."""
    clips = sorted(p.relative_to(data).as_posix() for p in data.glob("*/*.wav"))

    def divide(first: str, second: str) -> None:
        rows = [f"{c},{c.split('/')[0]},{(first, second)[i % 2]}" for i, c in enumerate(clips)]
        (data / "set.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")

    divide("train", "test")
    options = (*tiny_options(), "--epochs", 1, "--seeds", 2, "--jobs", 1, "--name", "job")
    assert wsnet("train", data / "set.csv", *options).code == 0
    shutil.rmtree(JOB / "seed-1")
    divide("test", "train")
    outcome = wsnet("train", "--resume", JOB)
    assert outcome.code == 1
    assert f"its clips, labels, folds or parts are not those of {JOB}" in outcome.error
    assert not (JOB / "seed-1").exists()


def test_a_fold_that_cannot_be_trained_is_told_before_any_run(wsnet, data: Path, tiny_options):
    """Labels are such that fold 2 leaves a class without a clip to train on."""
    rows = ["path,label,fold"]
    for i, kind in enumerate(sorted(path.name for path in data.iterdir())[:2]):
        clips = sorted((data / kind).iterdir())[:4]
        rows += [f"{p.relative_to(data)},{kind},{1 + (i or n % 2)}" for n, p in enumerate(clips)]
    (data / "clips.csv").write_text("\n".join(rows) + "\n")
    outcome = wsnet("train", data / "clips.csv", *tiny_options(), "--fold", "all", "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith("no clip to train on is left of ")
    assert "(fold 2 of 2 held out)" in outcome.error
    assert outcome.error.endswith("; without that fold: --fold 1")
    assert not Path("runs").exists()


def test_a_fold_that_cannot_be_heard_is_told_before_any_run(wsnet, data: Path, tiny_options):
    kinds = sorted(path.name for path in data.iterdir())[:2]
    clips = [f"{kind}/{path.name}" for kind in kinds for path in sorted((data / kind).iterdir())]
    rows = [f"{path},{path.split('/')[0]},{1 + n % 3}" for n, path in enumerate(clips)]
    for path in clips[1::3]:
        (data / path).write_text("no audio")
    (data / "clips.csv").write_text("\n".join(["path,label,fold", *rows]) + "\n")
    for options in (("--fold", "all", "--seeds", "2"), ("--fold", "2")):
        outcome = wsnet("train", data / "clips.csv", *tiny_options(), *options)
        assert outcome.code == 2
        hint = "; without that fold: --fold 1,3" if options[1] == "all" else ""
        assert outcome.error == (
            f"fold '2': none of its {len(clips[1::3])} clips can be read, such as {clips[1]}; "
            f"expected one to measure on, another fold, or none{hint}"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seeds", "0"), "--seeds 0; expected 1 to 1,000 seeds"),
        (("--seeds", "x"), "--seeds x; expected how many, such as 3, or a list such as 0,1,2"),
        (("--seeds", "1,1"), "expected every seed once"),
        (("--seeds", "0,1", "--seed", "2"), "--seed 2: --seeds 0,1 names the seeds"),
        (("--fold", "all", "--dry-run"), "--dry-run: of a single run"),
        (("--seeds", "2", "--tensorboard", "--max-hours", "1"), "--max-hours, --tensorboard: of a"),
        (("--fold", "1,9"), "no fold '9'"),
    ],
)
def test_what_is_refused(wsnet, data: Path, arguments: tuple[str, ...], words: str):
    outcome = wsnet("train", data, *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert words in outcome.error
    assert not Path("runs").exists()


def test_torchrun_is_refused(wsnet, data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    outcome = wsnet("train", data, "--fold", "all")
    assert (outcome.code, Path("runs").exists()) == (2, False)
    assert "several runs under torchrun: expected a plain wsnet train" in outcome.error


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_first_run_is_told(wsnet, data, monkeypatch, number, code):
    def decode(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("wsnet_cli.learn.jobs.experiment.find_sources", decode)
    outcome = wsnet("train", data, "--fold", "all")
    assert (outcome.code, outcome.stdout) == (code, "")
    assert outcome.error.endswith("ed: the same command goes on with what is saved")


def test_seeds_from_a_count_go_on_from_the_first():
    assert parse_seeds("3", 5) == (5, 6, 7)
    assert choose_seeds(None, None, None, 0) == ()
    assert choose_seeds("2", None, None, 0) == ()
    assert choose_seeds("all", None, 4, 4) == (4,)
    assert choose_seeds("1,2", "2", 4, 4) == (4, 5)
    assert choose_seeds(None, "8,", None, 0) == (8,)
    with pytest.raises(UsageError):
        parse_seeds("1,,2", 0)


def test_resuming_a_job_takes_no_options_of_a_run(wsnet):
    JOB.mkdir(parents=True)
    (JOB / "job.json").write_text("{}")
    assert "--epochs: of a single run" in wsnet("train", "--resume", JOB, "--epochs", "9").error
    assert "--resume: --seeds cannot change" in wsnet("train", "--resume", JOB, "--seeds", 2).error
    assert "job.json: is damaged" in wsnet("train", "--resume", JOB).error


def test_one_run_has_no_others_beside_it(wsnet, trained, data: Path, tiny_options):
    said = "--jobs 2: runs at once, and this is one run; leave it out, or ask for several with "
    for command in (
        ["train", data, *tiny_options(), "--jobs", "2"],
        ["train", data, *tiny_options(), "--jobs", "2", "--dry-run"],
        ["train", "--resume", trained.run, "--jobs", "2"],
    ):
        outcome = wsnet(*command)
        assert outcome.code == 2
        assert outcome.error == f"{said}--fold all or --seeds"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_force_takes_no_other_folder_than_was_named(wsnet, command: list[str]):
    Path("runs").mkdir()
    JOB.symlink_to("not-mounted")
    kept = Path(f"{JOB}-2/model.wsnet")
    kept.parent.mkdir()
    kept.write_text("finished")
    outcome = wsnet(*command, "--force")
    assert outcome.code == 2
    assert outcome.error.startswith(
        f"{JOB}: is a file, or a link that leads nowhere, where --force"
    )
    assert kept.read_text() == "finished"

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.data.synthetic import KINDS
from wsnet_cli.learn.run import run as learn_run
from wsnet_cli.learn.run.run_folder import RunFolder, locked

LABELS = list(KINDS[:3])


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> None:
        pytest.fail("training started all the same")

    monkeypatch.setattr(learn_run, "start_run", started)
    monkeypatch.setattr(learn_run, "resume_run", started)


# ------------------------------------------------------------------------------ the whole job


def test_the_whole_job_by_its_commands(
    wsnet, data: Path, tiny_options: Callable[..., list[str]], check_measures
):
    train = wsnet("train", data, *tiny_options(), "--epochs", 1, "--json")
    assert train.code == 0, train.stderr
    assert set(train.document) == {"run", "model", "bytes", "metrics"}
    run = Path(train.document["run"])
    assert run == Path("runs/default")
    assert Path(train.document["model"]).stat().st_size == train.document["bytes"]
    assert sorted(path.name for path in run.iterdir()) == [
        *("config.yaml", "confusion.csv", "curves.svg", "env.json", "last.safetensors"),
        *("metrics.csv", "metrics.json", "model.wsnet", "predictions.csv", "split.csv"),
    ]
    assert "class folders, 18 clips, 3 classes" in train.stderr
    assert json.loads((run / "metrics.json").read_text()) == train.document["metrics"]

    evaluated = wsnet("evaluate", run, "--json")
    assert evaluated.code == 0
    assert evaluated.document["model"] == str(run / "model.wsnet")
    check_measures(evaluated.document, train.document["metrics"])

    compressed = wsnet("compress", run, "--json")
    assert compressed.code == 0
    small = Path(compressed.document["out"])
    assert small == run / "model.q8.wsnet"
    assert small.stat().st_size < train.document["bytes"] / 3

    on_data = wsnet("evaluate", small, data, "--json")
    assert (on_data.code, on_data.document["n_clips"]) == (0, 18)

    told = wsnet("info", run, "--json")
    assert told.code == 0
    assert told.document["facts"]["labels"] == ", ".join(LABELS)

    predicted = wsnet("predict", data, "-m", run, "--json")
    assert predicted.code == 0
    assert len(predicted.document["results"]) == 18
    assert {r["predictions"][0]["label"] for r in predicted.document["results"]} <= set(LABELS)

    listed = wsnet("info", "--json").document["runs"]
    assert [(entry["run"], entry["bits"]) for entry in listed] == [(str(run), 32)]


def test_what_people_see(wsnet, data: Path, tiny_options: Callable[..., list[str]]):
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 2, "--name", "mine", "-v")
    assert outcome.code == 0
    assert "accuracy" in outcome.stdout
    assert all(label in outcome.stdout for label in LABELS)
    for line in ("run folder: runs", "epoch 1  loss", "epoch 2  loss", "next: wsnet compress runs"):
        assert sum(line in told for told in outcome.stderr.splitlines()) == 1, line
    quiet = wsnet("train", data, *tiny_options(), "--epochs", 1, "-q", "--fold", "none")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: [], "--fold all measures on all 18, in a training for each fold"),
        (
            lambda data: ["--fold", "1"],
            "--fold all measures on all 18, in a training for each fold",
        ),
        (lambda data: ["--set", "train.validation=0.2"], "all 18, in a training for each fold"),
        (lambda data: ["--fold", "none"], None),
        (
            lambda data: [*of_a_split(data)],
            "few clips are held out, so that what they say is rough",
        ),
    ],
    ids=["held out by content", "a fold", "with a validation part", "nothing held out", "a split"],
)
def test_what_few_clips_say_is_rough(
    wsnet,
    data: Path,
    tiny_options: Callable[..., list[str]],
    change: Callable[[Path], list[str]],
    words: str | None,
):
    outcome = wsnet("train", data, *change(data), *tiny_options(), "--epochs", 1)
    assert outcome.code == 0
    told = [line for line in outcome.stderr.splitlines() if line.startswith("few clips")]
    assert len(told) == (words is not None)
    assert words is None or told[0].endswith(words)


def of_a_split(data: Path) -> list[str]:
    """Put a manifest with a split of its own into the data, and the options to read it."""
    clips = sorted(data.glob("*/*.wav"))
    rows = [
        f"{path.relative_to(data).as_posix()},{path.parent.name},{'test' if i % 3 else 'train'}"
        for i, path in enumerate(clips)
    ]
    (data / "manifest.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    return []


def test_run_folders_are_numbered_and_force_starts_over(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
):
    def train(*more: str) -> str:
        outcome = wsnet("train", data, *tiny_options(), "--epochs", 1, "--json", *more)
        assert outcome.code == 0
        return Path(outcome.document["run"]).as_posix()

    assert train("--name", "x") == "runs/x"
    before = Path("runs/x/model.wsnet").read_bytes()
    assert train("--name", "x", "--seed", "5") == "runs/x-2"
    assert Path("runs/x/model.wsnet").read_bytes() == before
    assert wsnet("compress", "runs/x").code == 0
    assert train("--name", "x", "--seed", "5", "--fold", "none", "--force") == "runs/x"
    assert Path("runs/x/model.wsnet").read_bytes() != before
    left = {path.name for path in Path("runs/x").iterdir()}
    assert not left & {"metrics.json", "confusion.csv", "model.q8.wsnet"}, "of the run before"


def test_the_data_folder_is_never_written_to(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
):
    before = {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]}
    assert wsnet("train", data, *tiny_options(), "--epochs", 1, "-q").code == 0
    assert {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]} == before


def test_a_run_remembers_how_its_data_was_read(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
):
    pattern = "{folder}/{label}-{n:test=0}"
    train = wsnet("train", data, *tiny_options(), "--epochs", 1, "--pattern", pattern, "--json")
    assert train.code == 0, train.stderr
    assert "data: pattern, 18 clips, 3 classes" in train.stderr
    run = Path(train.document["run"])
    environment = json.loads((run / "env.json").read_text())
    assert (environment["layout"], environment["pattern"]) == ("pattern", pattern)
    assert train.document["metrics"]["n_clips"] == 3
    assert wsnet("evaluate", run, "--json").document["n_clips"] == 3
    assert wsnet("train", "--resume", run, "--json").document["metrics"]["n_clips"] == 3


# ------------------------------------------------------------------------------------ bad data


def test_a_clip_that_cannot_be_read_is_told_and_left_out(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
):
    bad = next((data / LABELS[0]).iterdir())
    bad.write_text("no audio")
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 1, "--json")
    assert outcome.code == 0
    (warning,) = [line for line in outcome.stderr.splitlines() if line.startswith("warning: ")]
    assert warning.startswith(f"warning: left out: {LABELS[0]}/{bad.name}: ")
    with (Path(outcome.document["run"]) / "split.csv").open(newline="") as stream:
        parts = {row["clip"]: row["part"] for row in csv.DictReader(stream)}
    assert len(parts) == 18
    assert [clip for clip, part in parts.items() if part not in ("train", "test")] == [
        f"{LABELS[0]}/{bad.name}"
    ]


def test_a_class_without_a_readable_clip_is_an_error_that_names_it(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
):
    for clip in (data / LABELS[1]).iterdir():
        clip.write_bytes(b"")
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 1)
    assert outcome.code == 2
    assert LABELS[1] in outcome.error
    assert not any(label in outcome.error for label in (LABELS[0], LABELS[2]))
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Path("d").mkdir(), "d: no audio found; expected one sub-folder of recordings"),
        (lambda: Path("d").write_text("x"), "d: a file, but no manifest; expected a CSV or JSON"),
        (lambda: None, "d: no such folder or manifest; expected the data to train on"),
    ],
    ids=["empty", "file", "missing"],
)
def test_data_that_is_none(wsnet, make: Callable[[], object], message: str):
    make()
    outcome = wsnet("train", "d", "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(message)
    assert not Path("runs").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are always UTF-8")
def test_data_whose_path_is_no_utf8(wsnet, data: Path, tiny_options: Callable[..., list[str]]):
    odd = os.fsdecode(b"odd\xff")
    data.rename(odd)
    for command in ("train", "sweep"):
        outcome = wsnet(command, odd, *tiny_options())
        assert outcome.code == 2
        assert (
            "odd\\udcff: is no UTF-8, so that a run cannot keep where its data is" in outcome.error
        )
    assert not Path("runs").exists()
    Path("even").symlink_to(odd)
    assert wsnet("train", "even", *tiny_options(), "--epochs", "1").code == 0


@pytest.mark.parametrize("is_held", [True, False])
def test_what_is_half_written_is_cleared_by_who_trains_alone(wsnet, trained, is_held: bool):
    half = trained.run / ".last.safetensors.0123456789ab.wsnet-part"
    half.write_bytes(b"half")
    with locked(RunFolder(trained.run)) if is_held else contextlib.nullcontext():
        outcome = wsnet("train", "--resume", trained.run)
    assert outcome.code == (2 if is_held else 0), outcome.stderr
    assert ("another process is training in this folder" in outcome.stderr) is is_held
    assert half.exists() is is_held


def test_data_that_is_not_named(wsnet):
    outcome = wsnet("train")
    assert outcome.code == 2
    assert outcome.error == "DATA is missing; expected a folder with a sub-folder per class"


# ----------------------------------------------------------------------------- bad configuration


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["-c", "esc10wsnet"], ["esc10wsnet: no such preset or file", "esc10-wsnet"]),
        (["-s", "train.lrr=1"], ["train.lrr", "unknown key", "did you mean train.lr?"]),
        (["-s", "trian.lr=1"], ["trian", "unknown key", "did you mean train?"]),
        (["-s", "train.lr=fast"], ["train.lr = 'fast'", "expected a number"]),
        (["-s", "train.epochs=1.5"], ["train.epochs = 1.5", "expected an integer"]),
        (["-s", "train.batch_size=1"], ["train.batch_size = 1", "greater than or equal to 2"]),
        (["-s", "augment.polarity=maybe"], ["augment.polarity = 'maybe'", "true or false"]),
        (["-s", "network.head=best"], ["network.head = 'best'", "'mean-linear'", "'conv8'"]),
        (["-s", "train.lr"], ["--set train.lr", "expected key=value"]),
        (["-s", "audio.hop_s=9"], ["audio.hop_s = 9", "<= window_s"]),
        (["-s", "network.sampling.stride=65"], ["network.sampling.stride = 65", "filter length"]),
        (
            ["-s", "network.sampling.channel_factor=3"],
            ["network.sampling.channel_factor = 3", "a divisor of"],
        ),
        (["-s", "audio.window_s=0.01"], ["audio.window_s", "too short", "expected at least"]),
        (["-s", "network.sampling.layers.conv9=dense"], ["layers.conv9", "no such layer", "map9"]),
    ],
)
def test_a_wrong_configuration_names_key_value_and_what_is_allowed(
    wsnet, data: Path, no_training: None, options: list[str], parts: list[str]
):
    outcome = wsnet("train", data, *options)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert len(outcome.stderr.splitlines()) == 1
    for part in parts:
        assert part in outcome.error
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "../x"], "--name ../x: expected letters, digits, '.', '-' and '_'"),
        (["--device", "abacus"], "--device abacus: not available here; expected auto or cpu"),
        (["--fold", "9"], "no fold '9'"),
        (["--layout", "dcaze"], "--layout 'dcaze'; expected one of "),
        (["--pattern", "{group}_{n}"], "--pattern '{group}_{n}': no field {label}; an example: "),
    ],
)
def test_wrong_options(
    wsnet,
    data: Path,
    tiny_options: Callable[..., list[str]],
    options: list[str],
    message: str,
):
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 1, *options)
    assert outcome.code == 2
    assert outcome.error.startswith(message)
    assert not Path("runs").exists()


@pytest.mark.parametrize("option", ["--epochs", "--threads"])
def test_numbers_below_one_are_refused(wsnet, data: Path, no_training: None, option: str):
    outcome = wsnet("train", data, option, 0)
    assert outcome.code == 2
    assert option in outcome.stderr


@pytest.mark.parametrize("many", [(), ("--seeds", "2")])
def test_runs_are_not_written_into_the_data(wsnet, data: Path, monkeypatch, many: tuple[str, ...]):
    monkeypatch.chdir(data)
    before = sorted(data.rglob("*"))
    outcome = wsnet("train", ".", "--epochs", 1, *many)
    assert outcome.code == 2
    assert "runs: lies inside the data, ., which is never written to; go to" in outcome.error
    assert sorted(data.rglob("*")) == before


@pytest.mark.parametrize("seconds", ["soon", "nan", "-1", "inf"])
def test_a_bad_interval_of_saving_is_told_before_any_work(
    wsnet, data: Path, monkeypatch, seconds: str
):
    monkeypatch.setenv("WSNET_SAVE_EVERY_S", seconds)
    outcome = wsnet("train", data, "--epochs", 1)
    assert outcome.code == 2
    assert outcome.error == f"WSNET_SAVE_EVERY_S={seconds}: expected seconds, 0 or more"
    assert not Path("runs").exists()


# -------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--dry-run"], "--dry-run"),
        (["--seed", "5"], "--seed"),
        (["-s", "train.lr=1"], "--set"),
        (["-c", "demo"], "--config"),
        (["--fold", "1"], "--fold"),
        (["--layout", "dcase"], "--layout cannot change"),
        (["--pattern", "{label}"], "--pattern cannot change"),
        (
            ["--seed", "5", "--name", "y"],
            "--seed, --name cannot change in the middle of a run; leave ",
        ),
        (["--name", "y"], "--name"),
        (["--threads", "2"], "--threads"),
        (["-c", "default"], "--config"),
        (["--force"], "--force"),
    ],
)
def test_what_cannot_change_in_the_middle_of_a_run(
    wsnet, trained, no_training: None, options: list[str], named: str
):
    outcome = wsnet("train", "--resume", trained.run, *options)
    assert outcome.code == 2
    assert outcome.error.startswith("--resume: ")
    assert named in outcome.error
    assert "cannot change in the middle of a run" in outcome.error


def test_a_folder_that_is_no_run_cannot_be_resumed(wsnet):
    Path("folder").mkdir()
    for name in ("folder", "nowhere"):
        outcome = wsnet("train", "--resume", name)
        assert outcome.code == 2
        assert outcome.error == (
            f"{name}: is not the folder of a run; expected one with config.yaml in it"
        )


def test_a_run_that_saved_nothing_cannot_be_resumed(wsnet, trained):
    (trained.run / "last.safetensors").unlink()
    outcome = wsnet("train", "--resume", trained.run)
    assert outcome.code == 2
    assert outcome.error.endswith("nothing was saved to resume from; start the run again")


def test_a_damaged_resume_file_is_refused(wsnet, trained):
    path = trained.run / "last.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    outcome = wsnet("train", "--resume", trained.run)
    assert outcome.code == 2
    assert outcome.error.startswith(f"{path}: ")


def test_changed_data_cannot_be_resumed_on(wsnet, trained):
    (trained.data / LABELS[0] / os.listdir(trained.data / LABELS[0])[0]).unlink()
    before = trained.model.read_bytes()
    outcome = wsnet("train", "--resume", trained.run)
    assert outcome.code == 1
    assert "data was " in outcome.error
    assert "start a new run" in outcome.error
    assert trained.model.read_bytes() == before


def test_resuming_a_finished_run_changes_nothing(wsnet, trained):
    before = {path.name: path.read_bytes() for path in trained.run.iterdir()}
    outcome = wsnet("train", "--resume", trained.run, "--json")
    assert outcome.code == 0
    assert outcome.document["run"] == str(trained.run)
    after = {path.name: path.read_bytes() for path in trained.run.iterdir()}
    assert after == before

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.core.errors import ArtifactError, FileError, UsageError
from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.core.model import Model
from wsnet_cli.data.dividing.splits import Split
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing.cache import default_cache_root
from wsnet_cli.data.packing.packed import pack
from wsnet_cli.learn.run.run_folder import (
    METRICS_HEADER,
    RunFolder,
    new_run_folder,
    open_run_folder,
)
from wsnet_cli.learn.training.trainer import EpochRow


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_folders_are_numbered_on(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "runs"
    names = [new_run_folder("bells", root=root).path.name for _ in range(3)]
    assert names == ["bells", "bells-2", "bells-3"]
    (root / "bells-2").rmdir()
    assert new_run_folder("bells", root=root).path.name == "bells-2"


def test_force_uses_the_folder_and_leaves_nothing_of_the_earlier_run(tmp_path: Path) -> None:
    folder = new_run_folder("bells", root=tmp_path)
    tables = ("split.csv", "metrics.csv", "metrics.json", "confusion.csv")
    others = ("model.wsnet", "last.safetensors", "config.yaml", "env.json", "my-notes.txt")
    small = ("model.q8.wsnet", "model.q4.wsnet", "metrics.q8.json", "teacher-2.wsnet")
    job = ("results.json", "results.csv", "tensorboard/events.out.tfevents.1.here")
    (folder.path / "tensorboard").mkdir()
    for name in tables + others + small + job:
        (folder.path / name).write_text("earlier")
    assert new_run_folder("bells", force=True, root=tmp_path).path == folder.path
    left = [path.name for path in folder.path.rglob("*") if path.is_file()]
    assert left == ["my-notes.txt"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("what", ["link", "file"])
def test_force_takes_no_other_folder_than_was_named(what: str, tmp_path: Path) -> None:
    other = new_run_folder("bells-2", root=tmp_path)
    (other.path / "model.wsnet").write_text("finished")
    if what == "link":
        (tmp_path / "bells").symlink_to(tmp_path / "not-mounted")
    else:
        (tmp_path / "bells").write_text("")
    with pytest.raises(UsageError, match=r"bells: is a file, or a link that leads nowhere, where"):
        new_run_folder("bells", force=True, root=tmp_path)
    assert (other.path / "model.wsnet").read_text() == "finished"
    assert new_run_folder("bells", root=tmp_path).path.name == "bells-3"


def test_force_does_not_write_one_run_over_several(tmp_path: Path) -> None:
    folder = tmp_path / "bells"
    (folder / "fold-1-seed-0").mkdir(parents=True)
    (folder / "job.json").write_text("{}")
    with pytest.raises(UsageError, match=r"bells: holds several runs, which --force does not"):
        new_run_folder("bells", force=True, root=tmp_path)
    assert (folder / "job.json").is_file()
    assert new_run_folder("bells", root=tmp_path).path == tmp_path / "bells-2"


@pytest.mark.parametrize("form", ["q8", "q6", "q5", "q4", "mixed", "cal", "cal.q8", "q6.cal"])
def test_the_small_form_of_another_model_goes(tmp_path: Path, tone_model: Model, form: str) -> None:
    folder, small = RunFolder(tmp_path), tmp_path / f"model.{form}.wsnet"
    n_bytes = folder.write_model(tone_model)
    assert folder.model.stat().st_size == n_bytes
    small.write_text("of it")
    folder.write_model(tone_model)
    assert small.exists()
    folder.write_model(replace(tone_model, provenance={"epochs": 9}))
    assert not small.exists()


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "-x", "a\\b", "é", "x" * 101])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--name .*: expected letters, digits, '\.', '-' and '_'"):
        new_run_folder(name, root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(FileError, match=r"cannot make a run folder in .*runs: "):
        new_run_folder("bells", root=tmp_path / "runs")


def test_opening_touches_nothing_that_another_process_may_be_writing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("")
    half = tmp_path / ".last.safetensors.0123456789ab.wsnet-part"
    half.write_bytes(b"half")
    assert open_run_folder(tmp_path) == RunFolder(tmp_path)
    assert half.read_bytes() == b"half"


def test_opening_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not the folder of a run; expected one with config"):
        open_run_folder(tmp_path / "none")


@pytest.mark.parametrize("content", [None, "", "{", "[1]", "\xff"])
def test_damaged_environment_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "env.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ArtifactError, match=r"env\.json: .*expected the folder of a run"):
        RunFolder(tmp_path).read_environment()


def test_metrics_csv_by_hand(tmp_path: Path) -> None:
    RunFolder(tmp_path).write_metrics(
        [EpochRow(1, 0.003, 1.23456789, 0.5), EpochRow(2, 1 / 3000, 0.5, 1.0, 0.75, 0.6, 1.25)]
    )
    assert rows_of(tmp_path / "metrics.csv") == [
        list(METRICS_HEADER),
        ["1", "0.003", "1.234568", "0.500000", "", "", ""],
        ["2", "0.000333333", "0.500000", "1.000000", "0.750000", "0.600000", "1.250000"],
    ]


def test_confusion_csv_by_hand(tmp_path: Path) -> None:
    metrics = measure([0, 0, 1, 2], [0, 1, 1, 0], ("cat", "dog, wild", "ünï"))
    RunFolder(tmp_path).write_confusion(metrics)
    assert rows_of(tmp_path / "confusion.csv") == [
        ["true", "cat", "dog, wild", "ünï"],
        ["cat", "1", "1", "0"],
        ["dog, wild", "0", "1", "0"],
        ["ünï", "1", "0", "0"],
    ]


def test_split_csv_names_the_part_of_every_clip(tones: Path, tmp_path: Path) -> None:
    (tones / "low" / "3.wav").write_bytes(b"no sound")
    dataset = load_dataset(tones)
    packed = pack(dataset, 8_000, default_cache_root())
    names = [clip.name for clip in dataset.clips]
    train, test = names.index("high/0.wav"), names.index("middle/6.wav")
    folder = tmp_path / "run"
    folder.mkdir()
    RunFolder(folder).write_split(dataset, packed, Split((train,), (test,), "by hand"))
    header, *rows = rows_of(folder / "split.csv")
    assert header == ["clip", "label", "part", "fold", "group", "start_s", "end_s", "content"]
    assert [row[0] for row in rows] == names
    parts = {row[0]: row[2] for row in rows}
    assert parts["high/0.wav"] == "train"
    assert parts["middle/6.wav"] == "test"
    assert parts["low/3.wav"] == "unreadable"
    assert sorted(parts.values()).count("unused") == 18
    assert {row[0].split("/")[0] == row[1] for row in rows} == {True}
    assert rows[train][7] == packed.content_keys[train]

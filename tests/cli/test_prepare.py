"""`wsnet prepare` by the command line: what it says, writes and refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.cli import prepare as prepare_command
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 132344\n".format("0" * 64)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def prepare(wsnet: Callable[..., Any], tones: Path) -> Callable[..., Any]:
    """`wsnet prepare tones -o out --rate 8000`, and more options."""
    return lambda *options: wsnet("prepare", tones, "-o", "out", "--rate", "8000", *options)


def test_what_it_says_and_writes(prepare, tones: Path):
    before = contents(tones)
    outcome = prepare()
    assert outcome.code == 0
    lines = outcome.stderr.splitlines()
    assert lines[0] == "data: class folders, 21 clips, 3 classes"
    assert [line for line in lines if line.startswith("split: ")]
    assert lines[-1] == "next: wsnet train out"
    assert "21 files decoded" in lines[-2]
    assert str(Path("out").absolute()) in lines[-2]
    for label in ("high", "low", "middle", "all"):
        assert f" {label} " in outcome.stdout
    assert sorted(p.name for p in Path("out").iterdir()) == [
        *(".prepare.lock", "clips.csv", "packed", "prepared.json", "report.json"),
    ]
    assert json.loads(Path("out/prepared.json").read_text())["sample_rate"] == 8_000
    assert contents(tones) == before


def test_the_second_time_nothing_is_decoded(prepare):
    prepare()
    before = contents(Path("out"))
    assert "; 0 files decoded)" in prepare().stderr
    assert contents(Path("out")) == before


def test_workers_change_nothing(wsnet, tones: Path):
    for workers in "12":
        wsnet("prepare", tones, "-o", f"out{workers}", "--rate", "8000", "-j", workers, "--report")
    assert contents(Path("out1")) == contents(Path("out2"))
    assert "report.html" in contents(Path("out1"))


def test_a_preset_that_is_not_there(wsnet, tones: Path):
    outcome = wsnet("prepare", tones, "-o", "out", "-c", "nothing")
    assert (outcome.code, "nothing" in outcome.error) == (2, True)
    assert not Path("out").exists()


def test_the_rate_is_that_of_the_preset_or_the_one_that_is_named(wsnet, tones: Path):
    Path("own.yaml").write_text("audio: {sample_rate: 11025}\n")
    of_options = {
        (): 8_000,
        ("-c", "esc10-wsnet"): 20_000,
        ("--rate", "16000"): 16_000,
        ("-c", "own.yaml"): 11_025,
    }
    for options, rate in of_options.items():
        outcome = wsnet("prepare", tones, "-o", "out", *options)
        assert json.loads(Path("out/prepared.json").read_text())["sample_rate"] == rate
        assert ("from the data: 8,000 Hz" in outcome.stderr) == (options == ())


def test_a_preset_that_leaves_the_rate_to_the_data_hears_the_same_of_a_prepared_folder(
    wsnet, tones: Path
):
    assert wsnet("prepare", tones, "-o", "out").code == 0
    dry_runs = [wsnet("train", data, "--dry-run") for data in (tones, "out")]
    chosen = {line for run in dry_runs for line in run.stderr.splitlines() if "from the" in line}
    assert len(chosen) == 1
    assert "8,000 Hz" in chosen.pop()


def test_where_no_header_tells_a_rate_the_highest_is_taken(wsnet, tones: Path):
    for path in tones.rglob("*.wav"):
        path.write_bytes(b"RIFF")
    outcome = wsnet("prepare", tones, "-o", "out", "--dry-run")
    assert "from the data" not in outcome.stderr
    assert "at 20,000 Hz" in outcome.stderr


def test_the_page_is_that_of_this_run_or_none(prepare, tones: Path):
    assert f"report: {Path('out/report.html').absolute()}" in prepare("--report").stderr
    assert "<html" in Path("out/report.html").read_text("utf-8")
    (tones / "low" / "0.wav").unlink()
    prepare()
    assert not Path("out/report.html").exists()


# ---------------------------------------------------------------------------------- splits


def test_folds_are_made_and_each_is_held_out_once(prepare, wsnet, tones: Path, tiny_options):
    outcome = prepare("--folds", "3", "--json")
    assert outcome.document["report"]["data"]["split"] == "3 folds made by content"
    folds = [row["fold"] for row in rows_of(Path("out"))]
    assert set(folds) == {"1", "2", "3"}
    options = [*tiny_options("audio.window_s=0.3"), "--epochs", "1", "--threads", "1"]
    trained = wsnet("train", "out", *options, "--fold", "2", "--json")
    assert trained.code == 0, trained.stderr
    assert trained.document["metrics"]["n_clips"] == folds.count("2")


def test_the_share_that_is_held_out(prepare):
    shares = {}
    for share in ("0", "0.1", "0.6"):
        prepare("--held-out", share)
        shares[share] = [row["split"] for row in rows_of(Path("out"))].count("test")
    assert shares["0"] == 0 < shares["0.1"] < shares["0.6"]


def test_given_folds_are_kept_and_no_others_are_made(wsnet, tones: Path):
    for i, path in enumerate(sorted(tones.rglob("*.wav"))):
        path.rename(path.with_name(f"{path.parent.name}_{path.stem}_{i % 4 + 1}.wav"))
    options = ("--pattern", "{label}_{n}_{fold}", "--rate", "8000")
    assert wsnet("prepare", tones, "-o", "out", *options).code == 0
    assert all(row["fold"] == Path(row["path"]).stem[-1] for row in rows_of(Path("out")))
    for asked in ("--folds", "5"), ("--held-out", "0.3"), ("--folds", "5", "--dry-run"):
        refused = wsnet("prepare", tones, "-o", "out2", *options, *asked)
        assert refused.code == 2
        own = "the data set has folds of its own, which are kept"
        assert refused.error == f"{asked[0]} {asked[1]}: {own}"


def test_another_layout_of_the_same_files_decodes_nothing(wsnet, tones: Path):
    for path in sorted(tones.rglob("*.wav")):
        path.rename(path.with_name(f"{path.parent.name}_{path.stem}.wav"))
    first = ("prepare", tones, "-o", "out", "--rate", "8000", "--json")
    assert wsnet(*first).document["decoded"] == 21
    again = wsnet(*first, "--pattern", "{label}_{n:test=1}")
    assert again.document["decoded"] == 0
    assert again.document["report"]["data"]["layout"] == "pattern"
    assert {r["path"][-5] for r in rows_of(Path("out")) if r["split"] == "test"} == {"1"}
    fresh = wsnet(*first[:2], "-o", "fresh", *first[4:], "--pattern", "{label}_{n:test=1}")
    assert fresh.document["decoded"] == 21
    assert contents(Path("out")) == contents(Path("fresh"))


# ------------------------------------------------------------------------- what is refused


def test_refused_files_have_a_reason_and_the_exit_code_says_so(prepare, tones: Path):
    (tones / "low" / "lfs.wav").write_text(LFS)
    (tones / "low" / "page.wav").write_text("<!DOCTYPE html><html>404</html>")
    (tones / "high" / "empty.wav").touch()
    (tones / "high" / "cut.wav").write_bytes((tones / "high" / "0.wav").read_bytes()[:30])
    outcome = prepare("--json")
    assert outcome.code == 3
    report = outcome.document["report"]
    assert report["clips"] == {"found": 25, "used": 21, "refused": 4, "left_out": 0}
    rows = {row["path"]: row for row in rows_of(Path("out"))}
    assert len(rows) == 25
    refused = {name: row for name, row in rows.items() if row["status"] == "refused"}
    assert {name: row["kind"] for name, row in refused.items()} == {
        "low/lfs.wav": "not-audio",
        "low/page.wav": "not-audio",
        "high/empty.wav": "empty",
        "high/cut.wav": "damaged",
    }
    assert "is a git-LFS pointer" in rows["low/lfs.wav"]["reason"]
    for name, row in refused.items():
        assert f"warning: refused: {name}: {row['reason']}\n" in outcome.stderr
    assert {f["file"]: f["reason"] for f in report["refused"]["files"]} == {
        name: row["reason"] for name, row in refused.items()
    }


def test_a_file_that_was_cut_off_is_a_finding_and_stays_one(prepare, tones: Path):
    cut = tones / "high" / "1.wav"
    cut.write_bytes(cut.read_bytes()[:-1_000])
    for n_decoded in (21, 0):
        outcome = prepare("--json")
        assert outcome.code == 0
        assert f"; {n_decoded} files decoded)" in outcome.stderr
        assert "warning: cut-off: 1 of 21 clips (4.8 %); the file ends before" in outcome.stderr
        (found,) = [f for f in outcome.document["report"]["findings"] if f["clips"]]
        assert (found["finding"], found["examples"][0]["file"]) == ("cut-off", "high/1.wav")


def test_many_refusals_are_counted(prepare, tones: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prepare_command, "MOST_SHOWN", 3)
    for i in range(5):
        (tones / "low" / f"empty{i}.wav").touch()
    outcome = prepare()
    assert outcome.code == 3
    assert outcome.stderr.count("warning: refused: ") == 3
    assert f"warning: and 2 more, in {Path('out/clips.csv')}\n" in outcome.stderr


def test_a_class_without_a_clip_is_refused(prepare, tones: Path):
    for path in (tones / "low").iterdir():
        path.write_bytes(b"")
    outcome = prepare()
    assert outcome.code == 2
    assert outcome.error.startswith("class 'low' has no clip that can be read; the first, low/0")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rate", "3"), "--rate 3; expected Hz"),
        (("--held-out", "1"), "--held-out 1.0; expected a share"),
        (("--held-out", "-0.1"), "--held-out -0.1; expected a share"),
        (("--held-out", "0.3", "--folds", "3"), "--held-out and --folds: expected one of them"),
        (("--held-out", "nan"), "--held-out nan; expected a share"),
        (("--layout", "nothing"), "nothing"),
    ],
)
def test_options_that_make_no_sense(prepare, options: tuple[str, ...], said: str):
    outcome = prepare(*options)
    assert outcome.code == 2
    assert said in outcome.error
    assert not Path("out").exists()


@pytest.mark.parametrize("option", [("--folds", "1"), ("--folds", "101"), ("-j", "0")])
def test_numbers_out_of_range(prepare, option: tuple[str, ...]):
    assert prepare(*option).code == 2
    assert not Path("out").exists()


def test_folders_that_it_does_not_write_into(wsnet, tones: Path):
    Path("file").write_text("mine\n")
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine\n")
    before = contents(Path.cwd())
    for out, said in (
        ("file", "is a file; expected a folder"),
        ("full", "holds mine.txt, which is no part of a prepared folder"),
        (tones / "new", "lies inside the data, which is never written to"),
        (tones, "lies inside the data"),
        (tones.parent, "holds "),
    ):
        outcome = wsnet("prepare", tones, "-o", out)
        assert (outcome.code, said in outcome.error) == (2, True), outcome.stderr
    assert contents(Path.cwd()) == before


def test_a_prepared_folder_is_not_prepared_again(prepare, wsnet):
    prepare()
    outcome = wsnet("prepare", "out", "-o", "again")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error == "out: is a prepared folder already; expected what it was made of"


# ------------------------------------------------------------------------ what it would take


def test_a_dry_run_writes_nothing_and_says_what_it_would_take(prepare):
    before = sorted(os.walk("."))
    outcome = prepare("--dry-run", "--report")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert sorted(os.walk(".")) == before
    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith("21 files, ")]
    assert "to decode all of them takes about " in line
    assert line.endswith("MB at 8,000 Hz")


def test_a_dry_run_is_one_document_for_programs(prepare, tones: Path):
    outcome = prepare("--dry-run", "--json")
    document = outcome.document
    assert (document["layout"], document["clips"], document["files"]) == ("class folders", 21, 21)
    assert document["source_bytes"] == sum(p.stat().st_size for p in tones.rglob("*.wav"))
    taken = prepare("--json").document
    assert document["packed_bytes"] == pytest.approx(taken["bytes"], rel=0.2)


def test_a_disk_that_is_too_small_is_said_before(prepare, monkeypatch: pytest.MonkeyPatch):
    def usage(place: Path) -> Any:
        assert place.exists()
        return shutil._ntuple_diskusage(10**9, 10**9, 5)  # type: ignore[attr-defined]

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert "MB free" in prepare("--dry-run").stderr


def test_a_long_job_says_what_it_takes(prepare, monkeypatch: pytest.MonkeyPatch):
    assert "takes about" not in prepare().stderr
    monkeypatch.setattr(prepare_command, "LONG_JOB_FILES", 21)
    assert "takes about" in prepare().stderr


def test_the_document_is_all_that_stands_on_stdout(prepare):
    outcome = prepare("--json", "--report")
    assert outcome.document["folder"] == "out"
    assert outcome.document["sample_rate"] == 8_000
    assert outcome.document["decoded"] == 21
    assert outcome.document["report"] == json.loads(Path("out/report.json").read_text("utf-8"))
    assert outcome.document["bytes"] == sum(
        len(content)
        for name, content in contents(Path("out")).items()
        if name.startswith("packed/")
    )
    quiet = prepare("--json", "-q")
    assert quiet.document["decoded"] == 0
    assert all(line.startswith("warning: ") for line in quiet.stderr.splitlines())


# -------------------------------------------------------------------------- what comes next


def test_models_are_measured_on_a_prepared_folder(
    prepare, wsnet, tones: Path, tone_model: Model, check_measures
):
    """On all clips, or on those that were held out."""
    save_model(Path("tone.wsnet"), tone_model)
    of_source = wsnet("evaluate", "tone.wsnet", tones, "--json").document
    prepare("--folds", "2")
    shutil.rmtree(tones)
    Path("out").rename("moved")
    of_folder = wsnet("evaluate", "tone.wsnet", "moved", "--json")
    assert of_folder.code == 0, of_folder.stderr
    folds = of_folder.document.pop("folds")
    assert (of_source.pop("folds"), [row["fold"] for row in folds]) == ([], ["1", "2"])
    del of_source["model"], of_source["hop_s"], of_source["failed"]
    check_measures({**of_folder.document, "folds": []}, of_source)
    n_clips = [
        wsnet("evaluate", "tone.wsnet", "moved", "--fold", fold, "--json").document["n_clips"]
        for fold in "12"
    ]
    assert (sum(n_clips), min(n_clips) > 0) == (21, True)


def test_a_run_on_a_prepared_folder_is_measured_on_it(
    prepare, wsnet, tones: Path, tiny_options, check_measures
):
    prepare()
    options = [*tiny_options("audio.window_s=0.3"), "--epochs", "1", "--threads", "1"]
    trained = wsnet("train", "out", *options, "--json")
    assert trained.code == 0, trained.stderr
    shutil.rmtree(tones)
    run = trained.document["run"]
    measured = wsnet("evaluate", run, "--json").document
    check_measures(measured, trained.document["metrics"])
    known = wsnet("evaluate", run, "out", "--json")
    assert known.document["n_clips"] == measured["n_clips"]
    Path("out/clips.csv").unlink()
    for arguments in (("evaluate", run), ("evaluate", run, "out"), ("train", "out", *options)):
        outcome = wsnet(*arguments)
        assert outcome.code == 2
        assert "run wsnet prepare again" in outcome.error

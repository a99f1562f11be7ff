"""Views, formats and places of `wsnet predict`, read back by other programs' readers."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from wsnet_cli.cli.predict import show as predict_show

MakeClip = Callable[..., Path]


@pytest.fixture
def long_clip() -> str:
    """Two seconds each of a lower tone, a high one, the lower; `two.wav` has it on channel 2."""
    import soundfile

    rate = 8_000
    pieces = [hz * np.ones(2 * rate) for hz in (300.0, 1_500.0, 300.0)]
    phase = 2 * np.pi * np.cumsum(np.concatenate(pieces)) / rate
    sound = 0.3 * np.sin(phase)
    soundfile.write("long.wav", sound, rate)
    noise = 0.3 * np.sin(2 * np.pi * 700 * np.arange(len(sound)) / rate)
    soundfile.write("two.wav", np.stack([noise, sound], axis=1), rate)
    return "long.wav"


def table(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))


# ----------------------------------------------------------------------------------- views


def test_a_timeline_covers_the_clip(wsnet, model: str, long_clip: str):
    rows = table(wsnet("predict", long_clip, "-m", model, "--timeline", "--format", "csv").stdout)
    times = [(float(r["start"]), float(r["end"])) for r in rows]
    assert times[0][0] == pytest.approx(0, abs=0.01)
    assert times[-1][1] == pytest.approx(6, abs=0.01)
    assert all(b[0] <= a[1] for a, b in pairwise(times))
    middle = {r["label"] for r in rows if 2.5 < float(r["start"]) < 3.0}
    assert middle == {"high"}


@pytest.mark.parametrize("options", [["--hop", "0.1"], ["--window", "0.5"]])
def test_named_windows_mean_a_timeline_unless_summed_up(
    wsnet, model: str, long_clip: str, options: list[str]
):
    def rows(*more: str) -> list[dict[str, str]]:
        command = ("predict", long_clip, "-m", model, "--format", "csv", *options, *more)
        return table(wsnet(*command).stdout)

    assert len(rows()) > 10
    for how in ("mean", "max"):
        (row,) = rows("--aggregate", how)
        assert (row["start"], row["end"]) == ("0.000", "6.000")


def test_hits_are_merged(wsnet, model: str, long_clip: str):
    rows = table(wsnet("predict", long_clip, "-m", model, "--merge", "--format", "csv").stdout)
    assert [r["label"] for r in rows if float(r["end"]) - float(r["start"]) > 1] == [
        *("middle", "high", "middle")
    ]
    command = ("predict", long_clip, "-m", model, "--merge", "--gap", "5", "--format", "csv")
    joined = table(wsnet(*command).stdout)
    lower = [(float(r["start"]), float(r["end"])) for r in joined if r["label"] == "middle"]
    assert lower == [(pytest.approx(0, abs=0.01), pytest.approx(6, abs=0.01))]


def test_below_the_threshold_nothing_is_told_but_that_the_input_is_fine(
    wsnet, model: str, make_clip: MakeClip, long_clip: str
):
    make_clip("a.wav")
    for view in ([], ["--timeline"], ["--merge"]):
        command = ("predict", "a.wav", long_clip, "-m", model, "--threshold", "1", *view)
        outcome = wsnet(*command, "--format", "csv")
        assert outcome.code == 0
        assert outcome.stdout.splitlines()[1:] == [
            "a.wav,0.000,0.500,,,,ok,",
            "long.wav,0.000,6.000,,,,ok,",
        ]
        people = wsnet(*command).stdout
        assert "ok" in people
        assert "error" not in people


def test_a_channel_is_picked(wsnet, model: str, long_clip: str):
    def results(*options: str) -> list[dict[str, object]]:
        command = ("predict", *options, "-m", model, "--json", "--timeline")
        return [{**r, "file": ""} for r in wsnet(*command).document["results"]]

    assert results("two.wav", "--channel", "2") == results(long_clip)
    assert results("two.wav") != results(long_clip)
    outcome = wsnet("predict", "two.wav", "-m", model, "--channel", "3", "--json")
    assert outcome.code == 3
    assert "channel" in outcome.document["results"][0]["error"]


# ---------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("view", [[], ["--timeline"], ["--merge"]])
def test_all_formats_say_the_same(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str], long_clip: str, view: list[str]
):
    make_clip("a b.wav")
    inputs = [bad_clips[0], "a b.wav", long_clip]
    formats = "csv,json,jsonl,parquet,raven,audacity"
    outcome = wsnet(
        "predict", *inputs, "-m", model, "--top-k", 2, "--format", formats, "-o", "out", *view
    )
    assert (outcome.code, outcome.stdout) == (3, "")
    rows = table(Path("out/predictions.csv").read_text(encoding="utf-8"))
    document = json.loads(Path("out/predictions.json").read_text(encoding="utf-8"))
    lines = Path("out/predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == document["results"]
    assert document["summary"] == {"inputs": 3, "ok": 2, "failed": 1, "skipped": 0}
    flat = [
        (r["file"], f"{r['start']:.3f}", f"{r['end']:.3f}", p["label"], f"{p['score']:.6f}")
        for r in document["results"]
        if r["status"] == "ok"
        for p in r["predictions"]
    ]
    columns = ("file", "start", "end", "label", "score")
    good = [tuple(r[c] for c in columns) for r in rows if r["status"] == "ok"]
    assert good == flat
    assert rows[0]["error"].startswith("missing.wav: does not exist")
    parquet = pyarrow.parquet.read_table("out/predictions.parquet").to_pylist()
    assert len(parquet) == len(rows)
    for row, cells in zip(parquet, rows, strict=True):
        texts = {k: "" if v is None else v for k, v in row.items()}
        assert texts["file"] == cells["file"]
        assert texts["label"] == cells["label"]
        assert cells["score"] == ("" if row["score"] is None else f"{row['score']:.6f}")
    for name in ("a b.wav", long_clip):
        mine = [row for row in flat if row[0] == name]
        raven = table(Path(f"out/raven/{name}.selections.txt").read_text(), "\t")
        assert [
            (r["Begin Path"], r["Begin Time (s)"], r["End Time (s)"], r["Label"], r["Score"])
            for r in raven
        ] == mine
        labels = [
            line.split("\t") for line in Path(f"out/audacity/{name}.txt").read_text().splitlines()
        ]
        assert [(f"{float(a):.3f}", f"{float(b):.3f}", c) for a, b, c in labels] == [
            row[1:4] for row in mine
        ]
    assert sorted(os.listdir("out/raven")) == ["a b.wav.selections.txt", "long.wav.selections.txt"]


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "selections.txt"])
def test_the_name_of_the_output_says_its_format(
    wsnet, model: str, make_clip: MakeClip, suffix: str
):
    make_clip("a.wav")
    assert wsnet("predict", "a.wav", "-m", model, "-o", f"x.{suffix}").code == 0
    content = Path(f"x.{suffix}").read_bytes()
    begins = {"csv": b"file,", "json": b"{\n", "jsonl": b'{"file"', "parquet": b"PAR1"}
    assert content.startswith(begins.get(suffix, b"Selection\t"))


def test_one_recording_is_one_file_and_several_are_a_folder(wsnet, model: str, make_clip: MakeClip):
    make_clip("in/a.wav")
    make_clip("in/deep/b.wav")
    command = ("-m", model, "--format", "audacity")
    assert wsnet("predict", "in/a.wav", *command, "-o", "a.txt").code == 0
    assert Path("a.txt").read_text().endswith("\thigh\n")
    assert wsnet("predict", "in", *command, "-o", "labels").code == 0
    assert Path("labels/deep/b.wav.txt").read_text() == Path("a.txt").read_text()
    assert wsnet("predict", "in/a.wav", *command).stdout == Path("a.txt").read_text()
    refused = wsnet("predict", "in", *command)
    assert (refused.code, refused.error) == (
        2,
        "--format audacity: labels of several files need -o and a folder",
    )


def test_what_annotations_cannot_hold_is_told_on_stderr(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str]
):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", *bad_clips, "-m", model, "--format", "raven", "-o", "r")
    assert outcome.code == 3
    assert outcome.stderr.count("warning: ") == len(bad_clips)
    assert "warning: missing.wav: does not exist" in outcome.stderr
    assert os.listdir("r") == ["a.wav.selections.txt"]


@pytest.mark.parametrize("format_", ["audacity", "raven"])
def test_tables_of_other_recordings_stay_and_are_told(
    wsnet, model: str, make_clip: MakeClip, format_: str
):
    for name in ("one/a.wav", "one/b.wav", "two/a.wav", "two/c.wav"):
        make_clip(name)
    command = ("-m", model, "--format", format_, "-o", "out", "--force")
    assert "stay" not in wsnet("predict", "one", *command).stderr
    Path("out/notes.md").touch()
    again = wsnet("predict", "one", *command)
    assert (again.code, "stay" in again.stderr) == (0, False)
    suffix = {"audacity": "txt", "raven": "selections.txt"}[format_]
    outcome = wsnet("predict", "two", *command)
    assert (
        f"warning: out: 1 other file stays in it, such as b.wav.{suffix}, which this run has not "
        "written; delete what is not wanted, or give another folder\n" in outcome.stderr
    )
    assert Path(f"out/b.wav.{suffix}").exists()
    Path("two/a.wav").write_bytes(b"")
    failed = wsnet("predict", "two", *command)
    assert f"warning: out: 2 other files stay in it, such as a.wav.{suffix}" in failed.stderr


@pytest.mark.parametrize("options", [(), ("--sort-into", "s")])
@pytest.mark.parametrize("format_", ["audacity", "raven"])
def test_a_failure_that_stdout_cannot_hold_is_told_on_stderr(
    wsnet, model: str, format_: str, options: tuple[str, ...]
):
    outcome = wsnet("predict", "missing.wav", "-m", model, "--format", format_, *options)
    assert outcome.code == 3
    assert outcome.stderr.count("warning: ") == 1
    assert "warning: missing.wav: does not exist" in outcome.stderr
    assert "missing.wav" not in outcome.stdout


def test_failures_that_rows_name_are_not_told_twice(wsnet, model: str):
    for format_ in ("table", "csv"):
        outcome = wsnet("predict", "missing.wav", "-m", model, "--format", format_)
        assert (outcome.code, outcome.stderr.count("missing.wav")) == (3, 0)
        assert "missing.wav" in outcome.stdout


@pytest.mark.parametrize("format_", ["audacity", "raven"])
def test_a_recording_that_cannot_be_read_gets_no_annotations(wsnet, model: str, format_: str):
    command = ("predict", "missing.wav", "-m", model, "--format", format_, "-o", "labels.txt")
    Path("labels.txt").write_text("old")
    for options, left in ((("--force",), ["labels.txt"]), ((), [])):
        outcome = wsnet(*command, *options)
        assert outcome.code == 3
        assert "warning: missing.wav: does not exist" in outcome.stderr
        assert "written: " not in outcome.stderr
        assert [name for name in os.listdir() if "labels" in name] == left
        Path("labels.txt").unlink(missing_ok=True)


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl", "parquet", "raven"])
def test_no_inputs_are_no_rows(wsnet, model: str, format_: str):
    Path("empty.txt").touch()
    out = f"o.{format_}"
    outcome = wsnet("predict", "@empty.txt", "-m", model, "--format", format_, "-o", out)
    assert outcome.code == 0
    if format_ == "csv":
        assert Path(out).read_text() == "file,start,end,label,score,rank,status,error\n"
    elif format_ == "json":
        assert json.loads(Path(out).read_text())["results"] == []
    elif format_ == "parquet":
        assert pyarrow.parquet.read_table(out).num_rows == 0
    shown = wsnet("predict", "@empty.txt", "-m", model, "--format", "csv")
    assert (shown.code, shown.stdout.count("\n")) == (0, 1)


def test_without_pyarrow_parquet_is_refused_before_any_work(
    wsnet, model: str, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
):
    make_clip("a.wav")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = wsnet("predict", "a.wav", "-m", model, "-o", "x.parquet")
    assert (outcome.code, outcome.error) == (
        2,
        "--format parquet: needs pyarrow, which is not installed: pip install pyarrow",
    )


def test_a_long_table_comes_in_pieces(
    wsnet, model: str, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
):
    for i in range(7):
        make_clip(f"in/{i}.wav")
    whole = wsnet("predict", "in", "-m", model).stdout
    monkeypatch.setattr(predict_show, "ROWS_AT_ONCE", 3)
    pieces = wsnet("predict", "in", "-m", model).stdout
    assert pieces.count("file") == 1
    assert [line.split() for line in whole.splitlines() if ".wav" in line] == [
        line.split() for line in pieces.splitlines() if ".wav" in line
    ]
    rows = [line for line in pieces.splitlines() if ".wav" in line]
    assert len({line.index("high") for line in rows}) == 1


# ----------------------------------------------------------------------------- embeddings


def test_outputs_that_would_be_one_file_are_refused(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    command = ("predict", "a.wav", "-m", model, "--embeddings")
    for options in (
        ("e.npy", "-o", "e.csv"),
        ("o/predictions.csv", "-o", "o", "--format", "csv,json"),
    ):
        outcome = wsnet(*command, *options)
        assert (outcome.code, "as -o does; give another name" in outcome.error) == (2, True)
    assert not any(Path(name).exists() for name in ("e.npy", "e.csv", "o"))


@pytest.mark.parametrize("output", [("-o", "b.wav", "--format", "csv"), ("--embeddings", "c.npy")])
def test_force_writes_over_no_input(
    wsnet, model: str, make_clip: MakeClip, output: tuple[str, ...]
):
    sound = make_clip("a.wav").read_bytes()
    for name in ("b.wav", "c.csv"):
        Path(name).write_bytes(sound)
    outcome = wsnet("predict", "a.wav", "b.wav", "c.csv", "-m", model, *output, "--force")
    assert outcome.code == 2
    assert outcome.error.endswith(
        "is an input, and would be written over; give another name to write to"
    )
    assert Path("b.wav").read_bytes() == Path("c.csv").read_bytes() == sound


def test_embeddings_beside_the_results(wsnet, model: str, make_clip: MakeClip, long_clip: str):
    make_clip("a.wav")
    outcome = wsnet(
        *("predict", "a.wav", "no.wav", long_clip, "-m", model),
        *("--embeddings", "e.npy", "--format", "csv"),
    )
    assert outcome.code == 3
    assert len(table(outcome.stdout)) == 3
    matrix = np.load("e.npy", allow_pickle=False)
    index = table(Path("e.csv").read_text())
    assert [row["file"] for row in index] == ["a.wav", long_clip]
    assert matrix.shape[0] == 2
    assert not np.array_equal(matrix[0], matrix[1])
    again = wsnet("predict", "a.wav", "-m", model, "--embeddings", "e.npy")
    assert (again.code, again.error) == (
        2,
        "--embeddings e.npy: exists; give another name, or --force to write over it",
    )
    command = ("predict", long_clip, "-m", model, "--embeddings", "t.parquet", "--timeline")
    rows = table(wsnet(*command, "--format", "csv", "--threshold", "0.99").stdout)
    vectors = pyarrow.parquet.read_table("t.parquet").to_pylist()
    assert len(vectors) > len(rows), "every window has features, whatever its score"
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe otherwise")
@pytest.mark.parametrize("format_", ["table", "csv", "json"])
@pytest.mark.parametrize("n_lines", [0, 1])
def test_a_reader_that_has_seen_enough_stops_no_file(
    model: str, make_clip: MakeClip, format_: str, n_lines: int
):
    make_clip("a.wav")
    inputs = ["a.wav", *(f"{'x' * 200}{i}.wav" for i in range(400))]  # more than a pipe holds
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "wsnet_cli", "predict", *inputs, "-m", model),
            *("--embeddings", "e.npy", "--format", format_, "-q"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(n_lines):
        process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), stderr) == (3, b"")
    assert np.load("e.npy", allow_pickle=False).shape[0] == 1


# --------------------------------------------------------------------------------- sorting


def test_one_file_is_sorted_as_one(wsnet, model: str, make_clip: MakeClip):
    make_clip("in/x.wav", hz=300)
    for link, what in ((), "copy"), (("--link",), "link"):
        outcome = wsnet("predict", "in", "-m", model, "--sort-into", f"out-{what}", *link)
        assert f"sorted: 1 {what} in" in outcome.stderr


@pytest.mark.parametrize("link", [[], ["--link"]])
def test_files_are_sorted_by_label(wsnet, model: str, make_clip: MakeClip, link: list[str]):
    make_clip("in/a/x.wav", hz=1_500)
    make_clip("in/b/x.wav", hz=1_500)
    make_clip("in/c.wav", hz=300)
    Path("in/bad.wav").touch()
    command = ("predict", "in", "-m", model, "--sort-into", "out", *link)
    for _ in range(2):
        outcome = wsnet(*command)
        assert outcome.code == 3
        assert f"sorted: 3 {'links' if link else 'copies'} in" in outcome.stderr
        found = sorted(p.as_posix() for p in Path("out").rglob("*") if p.is_file())
        assert found == ["out/high/x-2.wav", "out/high/x.wav", "out/middle/c.wav"]
    assert Path("out/high/x.wav").is_symlink() == bool(link)
    unsure = wsnet("predict", "in/c.wav", "-m", model, "--sort-into", "o", "--threshold", "1")
    assert unsure.code == 0
    assert Path("o/_unsure/c.wav").exists()


@pytest.mark.parametrize(
    ("inputs", "folder", "reason"),
    [
        (["in"], "in/sorted", "lies among the inputs, where the next run"),
        (["in"], "in", "lies among the inputs, where the next run"),
        (["in/a/x.wav"], "in", "the inputs lie in it, where the folder of a label may be that"),
    ],
)
def test_files_are_not_sorted_among_the_inputs(
    wsnet, model: str, make_clip: MakeClip, inputs: list[str], folder: str, reason: str
):
    make_clip("in/a/x.wav")
    outcome = wsnet("predict", *inputs, "-m", model, "--sort-into", folder)
    assert outcome.code == 2
    assert f"--sort-into {folder}: {reason}" in outcome.error
    assert [p.name for p in Path("in").rglob("*")] == ["a", "x.wav"]

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.model import Model
from wsnet_cli.engine.session import Classifier

HEADER = "file,start,end,label,score,rank,status,error"
MakeClip = Callable[..., Path]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


# ------------------------------------------------------------------------------ the answer


def test_one_sound_has_one_label_in_every_format(wsnet, model: str, make_clip: MakeClip):
    make_clip("other.wav", hz=300)
    for suffix in ("wav", "flac", "ogg"):
        make_clip(f"same.{suffix}")
    names = ["same.wav", "same.flac", "same.ogg", "other.wav"]
    outcome = wsnet("predict", *names, "-m", model, "--json")
    assert outcome.code == 0
    results = outcome.document["results"]
    assert [r["file"] for r in results] == names
    wav, flac, ogg, other = (r["predictions"][0] for r in results)
    assert wav == flac
    assert ogg["label"] == wav["label"]
    assert ogg["score"] == pytest.approx(wav["score"], abs=0.05)
    assert other["label"] != wav["label"]


def test_another_sample_rate_gives_the_same_label(wsnet, model: str, make_clip: MakeClip):
    for rate in (8_000, 22_050, 44_100):
        make_clip(f"{rate}.wav", rate=rate)
    outcome = wsnet("predict", "8000.wav", "22050.wav", "44100.wav", "-m", model, "--json")
    best = [r["predictions"][0] for r in outcome.document["results"]]
    assert {b["label"] for b in best} == {"high"}
    assert [b["score"] for b in best] == pytest.approx([best[0]["score"]] * 3, abs=0.02)


def test_scores_are_those_of_the_python_interface(
    wsnet, model: str, make_clip: MakeClip, tone_model: Model
):
    scores = Classifier(tone_model).classify_file(make_clip("a.wav"))
    outcome = wsnet("predict", "a.wav", "-m", model, "--json", "--top-k", 3)
    found = {p["label"]: p["score"] for p in outcome.document["results"][0]["predictions"]}
    expected = dict(zip(tone_model.labels, scores.tolist(), strict=True))
    assert found == pytest.approx(expected, abs=1e-6)


def test_top_k_beyond_the_labels_gives_all_best_first(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    rows = table(wsnet("predict", "a.wav", "-m", model, "--format", "csv", "--top-k", 50).stdout)
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert {row["label"] for row in rows} == {"high", "low", "middle"}
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("top_k", ["0", "-1", "x"])
def test_top_k_below_one_is_refused(wsnet, model: str, make_clip: MakeClip, top_k: str):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", "-m", model, "--top-k", top_k)
    assert outcome.code == 2
    assert "--top-k" in outcome.stderr
    assert outcome.stdout == ""


# ------------------------------------------------------------------------------ the inputs


def test_folders_globs_and_names_that_look_like_globs(wsnet, model: str, make_clip: MakeClip):
    for name in ("f/a.wav", "f/deep/B.WAV", "f/.hidden.wav", "f/.git/c.wav", "a[1]/d.wav"):
        make_clip(name)
    Path("f/notes.txt").touch()

    def files(*inputs: str) -> list[str]:
        outcome = wsnet("predict", *inputs, "-m", model, "--json", "-q")
        assert outcome.code == 0
        return [Path(r["file"]).as_posix() for r in outcome.document["results"]]

    assert files("f") == ["f/a.wav", "f/deep/B.WAV"]
    assert files("f/*.wav") == ["f/a.wav"]
    assert files("a[1]") == ["a[1]/d.wav"]
    assert files("f/**/*.WAV", "a[[]1]/*.wav") == ["f/deep/B.WAV", "a[1]/d.wav"]


def test_a_folder_without_audio_gets_a_row(wsnet, model: str, make_clip: MakeClip):
    Path("void").mkdir()
    make_clip("a.wav")
    outcome = wsnet("predict", "void", "a.wav", "-m", model, "--json")
    assert outcome.code == 3
    void, good = outcome.document["results"]
    assert (void["file"], void["status"], good["status"]) == ("void", "error", "ok")
    assert void["error"].startswith("void: is a folder")


def test_failed_inputs_get_rows_and_spoil_no_other(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str]
):
    make_clip("a.wav")
    make_clip("b.wav", hz=300)
    good = wsnet("predict", "a.wav", "b.wav", "-m", model, "--json").document["results"]
    mixed = [bad_clips[0], "a.wav", *bad_clips[1:], "b.wav"]
    outcome = wsnet("predict", *mixed, "-m", model, "--json")
    assert outcome.code == 3
    document = outcome.document
    assert set(document) == {"model", "results", "summary"}
    assert document["model"] == model
    assert document["summary"] == {"inputs": 6, "ok": 2, "failed": 4, "skipped": 0}
    assert [r["file"] for r in document["results"]] == mixed
    assert [r for r in document["results"] if r["status"] == "ok"] == good
    assert set(good[0]) == {"file", "status", "start", "end", "predictions"}
    assert (good[0]["start"], good[0]["end"]) == (0.0, 0.5)
    failed = [r for r in document["results"] if r["status"] == "error"]
    for result in failed:
        assert set(result) == {"file", "status", "error"}
        assert result["error"].startswith(f"{result['file']}: ")
    assert len({r["error"].removeprefix(r["file"]) for r in failed}) >= 3, "reasons must differ"
    assert "2 classified, 4 failed" in outcome.stderr


def test_the_other_formats_tell_of_failures_too(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str]
):
    make_clip("a.wav")
    inputs = ["a.wav", *bad_clips]
    rows = table(wsnet("predict", *inputs, "-m", model, "--format", "csv").stdout)
    assert [(r["file"], r["status"]) for r in rows] == [
        ("a.wav", "ok"),
        *((name, "error") for name in bad_clips),
    ]
    assert all(r["error"] and not r["label"] for r in rows[1:])
    lines = wsnet("predict", *inputs, "-m", model, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["ok", *["error"] * 4]
    people = wsnet("predict", *inputs, "-m", model)
    assert people.code == 3
    for name in inputs:
        assert sum(name in line for line in people.stdout.splitlines()) == 1
    assert "error: does not exist" in people.stdout


def test_csv_has_its_header_where_all_failed(wsnet, model: str):
    outcome = wsnet("predict", "missing.wav", "-m", model, "--format", "csv")
    assert outcome.code == 3
    first, second = outcome.stdout.splitlines()
    assert first == HEADER
    assert second.startswith("missing.wav,,,,,,error,missing.wav: does not exist")


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
@pytest.mark.parametrize("format_", ["table", "csv", "json", "jsonl"])
def test_odd_names(wsnet, model: str, make_clip: MakeClip, format_: str):
    odd = [
        "a b.wav",
        "new\nline.wav",
        "c\rd.wav",
        "é 音 😀.wav",
        "\u2028.wav",
        "[x].wav",
        "=1+1.wav",
    ]
    for name in odd:
        make_clip(f"odd/{name}")
    outcome = wsnet("predict", "odd", "-m", model, "--format", format_)
    assert outcome.code == 0
    names = {f"odd/{name}" for name in odd}
    if format_ == "csv":
        assert {row["file"] for row in table(outcome.stdout)} == names
    elif format_ == "json":
        assert {r["file"] for r in outcome.document["results"]} == names
    elif format_ == "jsonl":
        lines = outcome.stdout.removesuffix("\n").split("\n")
        assert {json.loads(line)["file"] for line in lines} == names
    else:
        assert "[x].wav" in outcome.stdout


# ------------------------------------------------------------------------------ the output


def test_stdout_is_one_json_document_and_nothing_else(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str]
):
    make_clip("a.wav")
    for inputs in (["a.wav"], bad_clips, ["a.wav", *bad_clips], ["a.wav", "a.wav"]):
        for options in ([], ["-v"], ["-q"], ["--debug"], ["--format", "json"]):
            outcome = wsnet("predict", *inputs, "-m", model, "--json", *options)
            assert len(outcome.document["results"]) == len(set(inputs))


def test_quiet_leaves_stderr_empty(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    loud = wsnet("predict", "a.wav", "missing.wav", "-m", model)
    quiet = wsnet("predict", "a.wav", "missing.wav", "-m", model, "-q")
    assert loud.stderr
    assert (quiet.code, quiet.stderr) == (3, "")
    assert quiet.stdout == loud.stdout


def test_output_goes_into_a_file(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    shown = wsnet("predict", "a.wav", "-m", model, "--format", "csv").stdout
    outcome = wsnet("predict", "a.wav", "-m", model, "--format", "csv", "-o", "new/out.csv")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert Path("new/out.csv").read_text(encoding="utf-8") == shown
    assert f"written: {Path('new/out.csv').absolute()}" in outcome.stderr


def test_an_existing_output_is_kept_unless_forced(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    Path("out.json").write_text("mine")
    arguments = ("predict", "a.wav", "-m", model, "--json", "-o", "out.json")
    refused = wsnet(*arguments)
    assert refused.code == 2
    assert refused.error == "-o out.json: exists; give another name, or --force to write over it"
    assert Path("out.json").read_text() == "mine"
    assert wsnet(*arguments, "--force").code == 0
    assert json.loads(Path("out.json").read_text())["summary"]["ok"] == 1


def test_a_failed_write_leaves_the_old_output_whole(
    wsnet, model: str, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
):
    make_clip("a.wav")
    Path("out.csv").write_text("old")
    before = {*os.listdir(), ".out.csv.wsnet-journal"}
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target.name == "out.csv":
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    arguments = ("predict", "a.wav", "-m", model, "--format", "csv", "-o", "out.csv")
    outcome = wsnet(*arguments, "--force")
    assert outcome.code == 1
    assert outcome.error == (
        "cannot write out.csv: No space left on device; 1 of 1 inputs are done and kept; "
        "to go on, run the same command again, without --force"
    )
    assert Path("out.csv").read_text() == "old"
    assert set(os.listdir()) == before
    monkeypatch.setattr(Path, "replace", replace)
    assert wsnet(*arguments).code == 0
    assert Path("out.csv").read_text().startswith(HEADER)
    assert set(os.listdir()) == before - {".out.csv.wsnet-journal"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--format", "xml"],
            "--format xml; expected one of table, csv, json, jsonl, parquet, audacity, raven",
        ),
        (
            ["-o", "x.txt"],
            "-o x.txt: its name says no format; expected one that ends with .csv, .json, .jsonl, "
            ".parquet, .selections.txt, or --format",
        ),
        (
            ["-o", "x.txt", "--format", "table"],
            "-o x.txt: a table is for people; expected --format csv, json, jsonl, parquet, "
            "audacity or raven",
        ),
        (["--json", "-o", "."], "-o .: is a folder; expected a file's name"),
        (["-o", "a.wav/x.csv"], "-o a.wav/x.csv: a.wav is no folder; expected a name in a folder"),
        (
            ["--format", "csv,json"],
            "--format csv,json: several formats need -o and a folder",
        ),
        (
            ["--format", "csv,json", "-o", "a.wav"],
            "-o a.wav: is a file; expected a folder for several files",
        ),
        (
            ["--format", "parquet"],
            "--format parquet: is not for the screen; expected -o and a file's name",
        ),
        (
            ["--aggregate", "max", "--timeline"],
            "--aggregate sums up what --timeline tells one by one; expected one of them",
        ),
        (["--aggregate", "sum"], "--aggregate sum; expected mean or max"),
        (
            ["--gap", "1"],
            "--gap is the longest gap that --merge closes; expected both or neither",
        ),
        (["--merge", "--gap", "-1"], "--gap -1; expected seconds, 0 or more"),
        (["--window", "0"], "--window 0; expected seconds, more than 0"),
        (["--hop", "nan"], "--hop nan; expected seconds, more than 0"),
        (["--threshold", "2"], "--threshold 2; expected a score from 0 to 1"),
        (
            ["--embeddings", "e.txt"],
            "--embeddings e.txt; expected a name that ends with .npy, .csv, .parquet",
        ),
        (
            ["--embeddings", "e.npy", "--merge"],
            "--embeddings are of clips or windows; expected no --merge",
        ),
        (
            ["--link"],
            "--link says how --sort-into puts files there; expected both or neither",
        ),
        (
            ["-o", "-", "--format", "csv"],
            "-o -: expected a name; without -o the results go to stdout",
        ),
        (
            ["-o", os.devnull, "--format", "csv", "--force"],
            f"-o {os.devnull}: is a device or a pipe; expected the name of a file",
        ),
        (["--json", "--format", "csv"], "--json and --format csv: expected one of them"),
        ([""], "an argument is empty (after tone.wsnet); expected text: is a variable not set?"),
        (["--sort-into", "a.wav"], "--sort-into a.wav: is a file; expected a folder"),
        (
            ["--sort-into", "s", "--hop", "1"],
            "--sort-into needs one label for each file; expected --aggregate mean or max beside "
            "--window and --hop, and no --timeline or --merge",
        ),
        (
            ["--raw-rate", "8000"],
            "--raw-rate is of standard input; expected the input - and no other",
        ),
        (
            ["--raw-channels", "2"],
            "--raw-format and --raw-channels belong to --raw-rate, which is missing",
        ),
        (["-"], "- is standard input; expected no other input beside it"),
        (
            ["@no.txt"],
            "@no.txt: the list cannot be read (No such file or directory); for a file of that "
            "name write ./@no.txt",
        ),
    ],
)
def test_impossible_outputs_are_refused_before_anything_is_done(
    wsnet,
    model: str,
    make_clip: MakeClip,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
):
    make_clip("a.wav")
    monkeypatch.setattr(Classifier, "load", lambda *_: pytest.fail("loaded a model in vain"))
    outcome = wsnet("predict", "a.wav", "-m", model, *options)
    assert (outcome.code, outcome.stdout, outcome.error) == (2, "", message)


# ------------------------------------------------------------------------------ the workers


@pytest.mark.parametrize("options", [["--json"], ["--format", "csv"], ["--format", "jsonl"], []])
def test_workers_change_no_byte(
    wsnet, model: str, make_clip: MakeClip, bad_clips: list[str], options: list[str]
):
    for i in range(12):
        make_clip(f"many/{i}.{('wav', 'ogg', 'mp3')[i % 3]}", hz=300 + 100 * i)
    outcomes = [
        wsnet("predict", bad_clips[0], "many", *bad_clips[1:], "-m", model, "-j", n, *options)
        for n in (1, 2, 5, 99)
    ]
    assert {outcome.code for outcome in outcomes} == {3}
    assert len({outcome.stdout for outcome in outcomes}) == 1


@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_fewer_workers_than_one_are_refused(wsnet, model: str, make_clip: MakeClip, workers: str):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", "-m", model, "-j", workers)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "--workers" in outcome.stderr


def test_how_fast_it_went_is_told_of_more_than_one_file(wsnet, model: str, make_clip: MakeClip):
    make_clip("a.wav")
    make_clip("b.wav")
    assert wsnet("predict", "a.wav", "-m", model).stderr == ""
    assert wsnet("predict", "no.wav", "-m", model).stderr == "0 classified, 1 failed\n"
    told = wsnet("predict", "a.wav", "b.wav", "-m", model).stderr
    match = re.fullmatch(
        r"2 classified, 0 failed; ([\d,.]+) files a second, ([\d,.]+)x real time\n", told
    )
    assert match, told
    files, audio = (float(rate.replace(",", "")) for rate in match.groups())
    assert audio == pytest.approx(files / 2, rel=0.06)  # half a second each; two digits are shown


# ------------------------------------------------------------------------------ silence


@pytest.mark.parametrize("options", [(), ("--timeline",), ("-j", "2")])
def test_silence_is_told(wsnet, model: str, make_clip: MakeClip, options: tuple[str, ...]):
    sound = make_clip("sound.wav")
    silent, cancels = sound.with_name("silent.wav"), sound.with_name("cancels.wav")
    samples, rate = soundfile.read(sound, dtype="float32")
    soundfile.write(silent, np.zeros_like(samples), rate)
    soundfile.write(cancels, np.stack([samples, -samples], axis=1), rate)
    outcome = wsnet("predict", "sound.wav", silent, cancels, "-m", model, *options)
    assert outcome.code == 0
    assert outcome.stderr.splitlines()[-1] == (
        f"warning: {silent} and 1 more (-v names them): nothing but digital silence (or channels "
        "that cancel each other), so what is said of it means nothing"
    )
    named = wsnet("predict", "sound.wav", silent, cancels, "-v", "-m", model, *options)
    for file in (silent, cancels):
        assert f"\n{file}: nothing but digital silence" in f"\n{named.stderr}"
    one = wsnet("predict", silent, "-q", "-m", model, *options)
    assert one.stderr.startswith(f"warning: {silent}: nothing but digital silence")
    alone = wsnet("predict", cancels, "--channel", "1", "-m", model, *options)
    assert "silence" not in alone.stderr


@pytest.mark.parametrize("options", [(), ("--timeline",), ("-j", "2")])
def test_a_file_that_was_cut_off_is_heard_and_told(
    wsnet, model: str, make_clip: MakeClip, options: tuple[str, ...]
):
    cut = make_clip("cut.wav")
    whole = cut.with_name("whole.wav")
    whole.write_bytes(cut.read_bytes())
    cut.write_bytes(whole.read_bytes()[:-1_000])
    outcome = wsnet("predict", whole, cut, "-m", model, *options)
    assert outcome.code == 0
    assert outcome.stderr.splitlines()[-1] == (
        f"warning: {cut}: ends before its header says; only what is there was heard"
    )
    assert "warning" not in wsnet("predict", whole, "-m", model, *options).stderr

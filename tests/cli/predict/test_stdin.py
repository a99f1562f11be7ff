"""`wsnet predict -`: a WAV stream or plain samples, told while they come."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

MakeClip = Callable[..., Path]
RATE = 8_000
COMMAND = [sys.executable, "-W", "error", "-m", "wsnet_cli", "predict", "-"]


@pytest.fixture
def sound() -> np.ndarray:
    """Three seconds of a high tone, 16 bits."""
    times = np.arange(3 * RATE) / RATE
    return np.rint(9_000 * np.sin(2 * np.pi * 1_500 * times)).astype("<i2")


def wav(sound: np.ndarray) -> bytes:
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, sound, RATE, format="WAV")
    return stream.getvalue()


def pipe(content: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "-m", "tone.wsnet", *options], input=content, capture_output=True, timeout=60
    )


def test_a_stream_has_the_windows_of_its_sound(model: str, sound: np.ndarray):
    result = pipe(wav(sound), "--format", "jsonl")
    assert (result.returncode, result.stderr) == (0, b"")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) > 3
    assert {row["file"] for row in rows} == {"-"}
    assert {p["label"] for row in rows for p in row["predictions"]} == {"high"}
    assert rows[0]["start"] == 0
    assert rows[-1]["end"] == pytest.approx(3)
    raw = pipe(sound.tobytes(), "--format", "jsonl", "--raw-rate", str(RATE))
    assert raw.stdout == result.stdout


@pytest.mark.parametrize(
    ("dtype", "encoding"), [("<i2", "s16le"), ("<f4", "f32le"), (">i2", "s16be")]
)
def test_plain_samples_of_several_kinds(model: str, sound: np.ndarray, dtype: str, encoding: str):
    values = sound if "i" in dtype else sound / 32_768
    both = np.stack([values, values], axis=1).astype(dtype)
    options = ("--raw-rate", str(RATE), "--raw-format", encoding, "--raw-channels", "2")
    result = pipe(both.tobytes(), *options, "--format", "csv", "--aggregate", "mean")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1].startswith(b"-,0.000,3.000,high,")
    assert len(result.stdout.splitlines()) == 2


def test_an_unknown_kind_of_samples_is_refused(model: str):
    result = pipe(b"", "--raw-rate", str(RATE), "--raw-format", "s17")
    assert result.returncode == 2
    assert b"error: samples without a header (--raw-...): encoding = 's17'" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"no audio at all", b"RIFF"])
@pytest.mark.parametrize("options", [[], ["--json"], ["--aggregate", "max"]])
def test_what_is_no_sound_has_a_row_that_says_so(model: str, content: bytes, options: list[str]):
    result = pipe(content, *options)
    assert result.returncode == 3
    assert b"standard input" in result.stdout
    if options == ["--json"]:
        (row,) = json.loads(result.stdout)["results"]
        assert (row["file"], row["status"]) == ("-", "error")


@pytest.mark.parametrize("options", [(), ("--aggregate", "max")])
@pytest.mark.parametrize("is_silent", [True, False])
def test_silence_is_told_at_the_end(
    model: str, sound: np.ndarray, is_silent: bool, options: tuple[str, ...]
):
    result = pipe(wav(0 * sound if is_silent else sound), *options)
    assert result.returncode == 0
    said = b"warning: standard input: nothing but digital silence (or channels that cancel"
    assert result.stderr.startswith(said) is is_silent
    assert len(result.stderr.splitlines()) == is_silent


@pytest.mark.parametrize(
    ("options", "n_rows"),
    [((), 3), (("--merge",), 1), (("--aggregate", "mean"), 1), (("--threshold", "1"), 0)],
)
def test_what_was_heard_of_a_stream_that_breaks_off_is_told(
    model: str, sound: np.ndarray, options: tuple[str, ...], n_rows: int
):
    whole = wav(np.tile(sound, 2))
    result = pipe(whole[: 44 + 2 * len(sound) + 2_000], "--format", "csv", *options)
    assert result.returncode == 3, result.stderr
    *told, last = result.stdout.splitlines()[1:]
    assert len(told) >= n_rows
    assert all(b",high," in row and row.endswith(b",ok,") for row in told)
    assert bool(told) is bool(n_rows)
    if told:
        assert told[-1].split(b",")[2] == b"3.125", "to the last sample that came"
    assert b"error,standard input: ended at 3.125 s" in last.replace(b'"', b"")


@pytest.mark.parametrize("n_bytes", [0, 2_000])
@pytest.mark.parametrize("options", [(), ("-o", "labels.txt"), ("-o", "out")])
def test_a_failure_that_annotations_cannot_hold_is_told_on_stderr(
    model: str, sound: np.ndarray, options: tuple[str, ...], n_bytes: int
):
    """They have a file of their own where something was heard, and none where nothing was."""
    formats = "csv,raven" if "out" in options else "raven"
    result = pipe(wav(sound)[: 44 + n_bytes], "--format", formats, *options)
    assert result.returncode == 3
    named = b"warning: standard input: " in result.stderr
    assert named is ("out" not in options)  # the rows of csv name it
    if "out" in options:
        assert os.listdir("out/raven") == ["stdin.selections.txt"] * (n_bytes > 0)
        assert "standard input: " in Path("out/predictions.csv").read_text()
        assert b"written: " in result.stderr
    elif options:
        assert Path("labels.txt").exists() is (n_bytes > 0)
        assert (b"written: " in result.stderr) is (n_bytes > 0)
        if n_bytes:
            assert Path("labels.txt").read_text().count("high") > 0
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.mark.parametrize("format_", ["table", "csv", "jsonl", "audacity"])
def test_a_window_is_told_before_the_next_one_comes(model: str, sound: np.ndarray, format_: str):
    command = [*COMMAND, "-m", model, "--raw-rate", str(RATE), "--format", format_]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(sound.tobytes())
    process.stdin.flush()  # and it stays open, as a recorder's would
    n_before = {"table": 2, "csv": 1}.get(format_, 0)
    lines = [process.stdout.readline() for _ in range(n_before + 1)]
    assert b"high" in lines[-1]
    process.stdin.close()
    rest = process.stdout.read()
    assert b"high" in rest
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_heard_until_it_is_stopped_is_written(
    model: str, sound: np.ndarray, number: int, code: int
):
    command = [*COMMAND, "-m", model, "--raw-rate", str(RATE), "--format", "csv,json", "-o", "out"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    for _ in range(40):  # more than it holds back
        process.stdin.write(sound.tobytes())
    process.stdin.flush()
    part = Path("out")
    while not [p for p in part.glob(".predictions.csv*") if p.stat().st_size > 1_000]:
        assert process.poll() is None
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in stderr
    document = json.loads((part / "predictions.json").read_text())
    assert document["summary"]["inputs"] == 1
    n_rows = (part / "predictions.csv").read_text().count("\n") - 1
    assert n_rows == len(document["results"]) > 3
    assert sorted(os.listdir(part)) == ["predictions.csv", "predictions.json"]


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize("options", [["--merge"], ["--aggregate", "max"]])
def test_what_is_not_over_when_it_is_stopped_is_told(
    model: str, sound: np.ndarray, options: list[str]
):
    command = [*COMMAND, "-m", model, "--raw-rate", str(RATE), "--format", "csv", *options]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"file,")
    process.stdin.write(sound.tobytes())
    process.stdin.flush()
    time.sleep(1)  # it is heard meanwhile, and more is waited for
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout.startswith(b"-,0.000,")
    assert b",high," in stdout
    assert stderr == b"error: interrupted: what was heard until then is told\n"


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_before_there_was_anything_to_hear(model: str, number: int, code: int):
    command = [*COMMAND, "-m", model, "--raw-rate", str(RATE), "--format", "csv"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    header = process.stdout.readline()
    time.sleep(1)  # it waits for the first sample meanwhile
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (code, b"")
    assert header.startswith(b"file,")
    assert stderr.endswith(b": what was heard until then is told\n")


def test_a_reader_that_has_seen_enough(model: str, sound: np.ndarray):
    content = wav(np.tile(sound, 200))
    program = f"{' '.join(COMMAND)} -m {model} --format csv --hop 0.05 < in.wav | head -2"
    Path("in.wav").write_bytes(content)
    result = subprocess.run(["sh", "-c", program], capture_output=True, timeout=60)
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == b""


def test_options_that_need_files_are_refused(model: str, sound: np.ndarray):
    for options in (["--embeddings", "e.npy"], ["--sort-into", "s", "--aggregate", "mean"]):
        result = pipe(wav(sound), *options)
        assert result.returncode == 2
        assert b"standard input" in result.stderr
    Path("o.csv").write_text("old")
    result = pipe(wav(sound), "-o", "o.csv")
    assert (result.returncode, Path("o.csv").read_text()) == (2, "old")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
def test_a_closed_standard_input_is_one_line(model: str):
    command = f"exec {' '.join(COMMAND)} -m {model} <&-"
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [b"error: - (standard input): is closed; expected sound"]


def test_a_list_from_standard_input(model: str, make_clip: MakeClip):
    make_clip("new\nline.wav")
    make_clip("b.wav")
    result = subprocess.run(
        [*COMMAND[:-1], "@-", "-m", model, "--json"],
        input=b"new\nline.wav\0b.wav\0",
        capture_output=True,
        timeout=60,
    )
    assert [r["file"] for r in json.loads(result.stdout)["results"]] == ["new\nline.wav", "b.wav"]

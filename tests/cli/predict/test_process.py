"""What only a process of its own shows: imports, pipes, streams and their encodings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

MakeClip = Callable[..., Path]

SPY = """
import atexit, json, runpy, sys
def tell():
    with open("modules.json", "w") as stream:
        json.dump(sorted(sys.modules), stream)
atexit.register(tell)
sys.argv[0] = "wsnet"
runpy.run_module("wsnet_cli", run_name="__main__")
"""
PACE = r"{}; [\d,.]+ files a second, [\d,.]+x real time\n"
HEAVY = {"torch", "librosa", "scipy", "numba", "sklearn", "matplotlib", "onnx", "ray"}


def modules_of(*arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command and the names of all modules that it imported."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", SPY, *arguments], capture_output=True, timeout=60
    )
    return result.returncode, set(json.loads(Path("modules.json").read_text()))


# ----------------------------------------------------------------------------------- imports


def test_predict_imports_nothing_heavy(model: str, make_clip: MakeClip):
    make_clip("a.wav", rate=22_050)
    make_clip("b.flac")
    code, modules = modules_of("predict", "a.wav", "b.flac", "-m", model, "--format", "json")
    assert code == 0
    assert {"numpy", "soundfile", "soxr", "safetensors"} <= modules
    assert not modules & (HEAVY | {"rich", "yaml"})
    # Typer itself may import pydantic; the schema of configurations is ours to leave out.
    assert not modules & {
        "wsnet_cli.core.configuration.config",
        "wsnet_cli.learn",
        "wsnet_cli.data.packing.packed",
    }


def test_one_file_needs_no_threads(model: str, make_clip: MakeClip):
    make_clip("a.wav")
    make_clip("b.wav")
    pools = {"queue", "concurrent.futures", "multiprocessing"}
    for inputs, found in ((["a.wav"], set()), (["a.wav", "b.wav"], {"queue"})):
        code, modules = modules_of("predict", *inputs, "-m", model, "-j", "2")
        assert code == 0
        assert modules & pools == found


@pytest.mark.parametrize("arguments", [("--help",), ("predict", "--help"), ("--version",)])
def test_help_imports_neither_numpy_nor_anything_heavy(arguments: tuple[str, ...]):
    code, modules = modules_of(*arguments)
    assert code == 0
    assert "wsnet_cli.cli.app" in modules
    assert not modules & (HEAVY | {"numpy", "soundfile", "soxr", "safetensors", "rich", "yaml"})


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (("train", "nowhere"), {"torch", "numpy"}),
        (("train",), {"torch", "numpy"}),
        (("train", ".", "--set", "train.lr=-1"), {"torch"}),
        (("train", ".", "-c", "nothing"), {"torch"}),
        (("train", ".", "--set", "network.sampling.stride=99"), {"torch"}),
    ],
)
def test_train_refuses_before_it_imports_torch(arguments: tuple[str, ...], heavy: set[str]):
    code, modules = modules_of(*arguments)
    assert code == 2
    assert not modules & heavy


@pytest.mark.parametrize("command", ["info", "compress", "evaluate"])
def test_commands_on_models_import_no_torch(command: str, model: str):
    code, modules = modules_of(command, model, "--json")
    assert code == (2 if command == "evaluate" else 0)  # the model lies in no run
    assert "numpy" in modules
    assert not modules & HEAVY


# ------------------------------------------------------------------------------------- streams


def test_a_process_without_warnings(child, model: str, make_clip: MakeClip, bad_clips: list[str]):
    make_clip("a.ogg")
    outcome = child("predict", "a.ogg", *bad_clips, "-m", model, "--json")
    assert outcome.code == 3
    assert [r["status"] for r in outcome.document["results"]] == ["ok", *["error"] * 4]
    assert re.fullmatch(PACE.format("1 classified, 4 failed"), outcome.stderr)


def test_a_damaged_mp3_leaves_stderr_to_us(child, model: str, make_clip: MakeClip):
    content = make_clip("a.mp3").read_bytes()
    Path("b.mp3").write_bytes(content[:200] + bytes(100) + content[300:])
    outcome = child("predict", "a.mp3", "b.mp3", "-m", model, "--json")
    assert len(outcome.document["results"]) == 2
    assert re.fullmatch(PACE.format(r"\d classified, \d failed"), outcome.stderr)


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe otherwise")
@pytest.mark.parametrize(
    ("format_", "n_lines"), [("table", 0), ("table", 1), ("csv", 0), ("csv", 1), ("json", 1)]
)
def test_a_reader_that_has_seen_enough(model: str, make_clip: MakeClip, format_: str, n_lines: int):
    make_clip("a.wav")
    many = (f"{'x' * 200}{i}.wav" for i in range(400 * n_lines))  # more than a pipe holds
    arguments = ("predict", "a.wav", *many, "-m", model, "--format", format_)
    process = subprocess.Popen(
        [sys.executable, "-m", "wsnet_cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # else Python drops what a pipe refuses
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(n_lines):
        process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 0
    assert stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("format_", ["table", "csv"])
def test_a_full_disk_behind_stdout_is_one_line(model: str, make_clip: MakeClip, format_: str):
    make_clip("a.wav")
    with open("/dev/full", "wb") as full:
        arguments = ("predict", "a.wav", "-m", model, "--format", format_)
        command = [sys.executable, "-m", "wsnet_cli", *arguments]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == b"error: the system refused: [Errno 28] No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(model: str, make_clip: MakeClip, closed: str):
    make_clip("a.wav")
    command = f'exec "{sys.executable}" -m wsnet_cli predict a.wav no.wav -m {model} {closed}'
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert result.returncode == 3
    assert b"rror: " not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_any_name_can_be_shown_wherever_stdout_goes(
    child, model: str, make_clip: MakeClip, encoding: str
):
    clip = make_clip("odd/é 😀.wav")
    Path(os.fsdecode(b"odd/\xff.wav")).write_bytes(clip.read_bytes())
    for format_ in ("table", "csv", "json"):
        outcome = child(
            *("predict", "odd", "-m", model, "--format", format_), PYTHONIOENCODING=encoding
        )
        assert outcome.code == 0
        assert "odd/é 😀.wav" in outcome.stdout
        assert "\\udcff.wav" in outcome.stdout
        if format_ == "json":
            files = {r["file"] for r in outcome.document["results"]}
            assert files == {"odd/é 😀.wav", "odd/\\udcff.wav"}
    written = child("predict", "odd", "-m", model, "--json", "-o", "out.json")
    assert written.code == 0
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["summary"]["ok"] == 2


def test_a_bug_is_one_line_and_with_debug_a_traceback(model: str, make_clip: MakeClip):
    make_clip("a.wav")
    program = (
        "import sys, wsnet_cli.bulk.predicting.predict as p\n"
        "def broken(*_): raise RuntimeError('two\\nlines')\n"
        "p.predict_files = broken\n"
        f"sys.argv = ['wsnet', 'predict', 'a.wav', '-m', {model!r}, *sys.argv[1:]]\n"
        "from wsnet_cli.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program]
    plain = subprocess.run(command, capture_output=True, text=True)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr == (
        "error: this is a bug in wsnet: RuntimeError: two lines; "
        "run the command again with --debug and report what it shows\n"
    )
    debug = subprocess.run([*command, "--debug"], capture_output=True, text=True)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
def test_a_name_cannot_steer_the_terminal(child, model: str):
    name = "e\x1b]0;owned\x07\nx.wav"
    Path(name).touch()
    outcome = child("predict", name, "-m", model)
    assert outcome.code == 3
    (line,) = [line for line in outcome.stdout.splitlines() if "owned" in line]
    shown, reason = line.split(maxsplit=1)
    assert shown == "e\\x1b]0;owned\\x07\\nx.wav"
    assert reason.strip() == "error: is empty (0 bytes); expected an audio file"
    assert child("predict", name, "-m", model, "--json").document["results"][0]["file"] == name


# ---------------------------------------------------------------------------- interruptions


def wait_for_first_clip(process: subprocess.Popen[bytes]) -> None:
    """Wait until the decoder has been loaded, which happens when the first clip is opened."""
    for _ in range(3_000):
        if "sndfile" in Path(f"/proc/{process.pid}/maps").read_text():
            time.sleep(0.2)
            break
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("inputs", ["many", "long"])
def test_an_interruption_ends_a_batch_at_once(model: str, workers: int, inputs: str):
    """In the middle of 3,000 clips, and in the middle of clips of an hour."""
    import soundfile

    Path(inputs).mkdir()
    rng = np.random.default_rng(0)
    n_samples, n_files = (60_000, 3_000) if inputs == "many" else (8_000 * 3_600, 3)
    noise = (9_000 * rng.standard_normal(n_samples)).astype(np.int16)
    soundfile.write("clip.wav", noise, 8_000)
    for i in range(n_files):
        (Path(inputs) / f"{i:04}.wav").symlink_to(Path("clip.wav").absolute())
    options = ["-m", model, "-j", str(workers), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "wsnet_cli", "predict", inputs, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "WSNET_ENGINE": "numpy"},  # the slower one, to be sure of the middle
    )
    wait_for_first_clip(process)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    stdout, stderr = process.communicate(timeout=30)
    assert time.monotonic() - began < 1.5
    assert (process.returncode, stdout, stderr) == (
        *(130, b""),
        b"error: interrupted: with -o, a run can go on where it was stopped\n",
    )

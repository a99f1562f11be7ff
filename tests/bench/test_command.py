from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wsnet_cli.bench import child
from wsnet_cli.cli.app import app
from wsnet_cli.core.errors import GateError, UsageError, WsnetError

REQUEST = child.Request(("small.wsnet",), ("numpy",), rounds=2)


def wsnet(*arguments: str, code: int = 0):
    result = CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.stderr
    return result


# ------------------------------------------------------------------------------ the command


def test_what_people_see(
    model_file: str, in_process: None, native: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("wsnet_cli.bench.peers.find_spec", lambda _: None)
    result = wsnet(model_file, "demo", "--seconds", "0.8", "--rounds", "2", "--layers")
    words = [line.split() for line in result.stdout.splitlines()]
    rows = [(line[0], line[1]) for line in words if line and line[0] in (model_file, "demo")]
    timed = [(name, peer) for name in (model_file, "demo") for peer in ("native", "numpy")]
    assert rows[:4] == timed
    assert (model_file, "conv2") in rows
    assert ("demo", "conv7") in rows
    assert result.stderr.splitlines()[:2] == [
        "onnxruntime is left out: not installed: pip install onnx onnxruntime",
        "onnxruntime-2d is left out: not installed: pip install onnx onnxruntime",
    ]
    assert "relative to demo run by native; 2 rounds" in result.stderr
    once = wsnet(model_file, "--rounds", "1", "--peers", "numpy")
    assert "; 1 round, one thread; " in once.stderr
    quiet = wsnet(model_file, "--rounds", "2", "--peers", "numpy", "-q")
    assert quiet.stderr == ""
    assert "native engine, by layer" not in quiet.stdout


def test_options_reach_the_request(model_file: str, tones: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def note(request: child.Request, advance: object) -> None:
        asked.append(request)
        raise UsageError("enough")

    monkeypatch.setattr(child, "measure", note)
    wsnet(
        *("a", "b", "--peers", "torch, numpy", "--rounds", "7", "--seconds", "2", "--clip", "c"),
        *("--batch", "3", "--threads", "2", "--against", "a", "--layers", "--seed", "9"),
        code=2,
    )
    wsnet(code=2)
    names = ("torch", "numpy")
    assert asked == [
        child.Request(("a", "b"), names, 7, 2.0, "c", 3, 2, True, "a", 9),
        child.Request(),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "nothing: no such preset or file"),
        (("small.wsnet", "--peers", "magic"), "--peers magic; expected some of native, numpy"),
        (("small.wsnet", "--peers", " "), "--peers ; expected some of native"),
        (("small.wsnet", "--against", "x"), "--against x: is not timed"),
        (("small.wsnet", "--seconds", "1e6"), "--seconds 1e+06: window_s"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str, model_file: str, in_process: None):
    result = wsnet(*arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert len(result.stderr.splitlines()) == 1


# ------------------------------------------------------------------------ the child process


def test_a_child_measures_with_one_thread(model_file: str, monkeypatch: pytest.MonkeyPatch):
    for name in child.ONE_THREAD:
        monkeypatch.setenv(name, "2")
    command = [sys.executable, "-W", "error", "-m", "wsnet_cli", "bench", model_file]
    result = subprocess.run(
        [*command, "--peers", "numpy", "--rounds", "2", "--json"],
        capture_output=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    document = json.loads(result.stdout)
    assert [row["peer"] for row in document["results"]] == ["numpy"]


def test_progress_comes_from_the_child(model_file: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    told: list[tuple[float, str]] = []
    document = child.measure(REQUEST, lambda share, words: told.append((share, words)))
    assert document["rounds"] == 2
    assert told[0] == (0.0, "small.wsnet: numpy")
    assert told[-1] == (1.0, "round 5")


def test_an_error_of_the_child_is_the_error_here(model_file: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(UsageError, match=r"^nothing: no such preset or file"):
        child.measure(child.Request(("nothing",)))


def test_a_child_that_breaks_down_is_one_line(
    model_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nprint('one\\nlast', file=sys.stderr)\nsys.exit(7)\n"
    )
    script.chmod(0o755)
    if os.name == "nt":
        pytest.skip("needs a script that can be started")
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(WsnetError, match=r"^the measuring process ended with exit code 7: last$"):
        child.measure(REQUEST)


def test_answers_are_lines(model_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def lying(*_: object) -> None:
        raise GateError("logits differ")

    monkeypatch.setattr(child, "run_bench", lying)
    with (tmp_path / "answers").open("w+", encoding="utf-8") as answers:
        child.answer({"rounds": 2}, answers)
        answers.seek(0)
        assert json.loads(answers.read()) == {"error": "logits differ", "kind": "GateError"}


def test_the_command_alone_imports_the_package():
    program = (
        "import sys, wsnet_cli.cli.app\n"
        "print([m for m in sys.modules if m.startswith('wsnet_cli.bench') or m == 'onnx'])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout.strip() == b"[]"

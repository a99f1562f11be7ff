"""The door itself: help, version, exit codes and the error boundary."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli import __main__, __version__
from wsnet_cli.bulk.predicting import predict as bulk_predict
from wsnet_cli.core import errors

COMMANDS = (
    *("train", "sweep", "predict", "compress", "evaluate", "info", "demo", "doctor", "cache"),
)


def test_version(wsnet):
    outcome = wsnet("--version")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, f"wsnet {__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_every_command_and_the_exit_codes(wsnet, flag: str):
    outcome = wsnet(flag)
    assert outcome.code == 0
    words = outcome.stdout.split()
    assert set(COMMANDS) <= set(words)
    for code in ("0", "1", "2", "3", "4", "130", "143"):
        assert code in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_the_common_options(wsnet, command: str):
    outcome = wsnet(command, "--help")
    assert outcome.code == 0
    assert f"Example: wsnet {command}" in outcome.stdout
    assert set(re.findall(r" runs/[\w-]+", outcome.stdout)) <= {" runs/default"}
    for option in ("--json", "--quiet", "--verbose", "--debug"):
        assert option in outcome.stdout


def test_no_command_shows_the_help(wsnet):
    outcome = wsnet()
    assert "Usage: " in outcome.stdout + outcome.stderr
    assert outcome.code in (0, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sing",), r"no such command 'sing'; see \w+ --help"),
        (("trian", "x"), r"no such command 'trian'; did you mean 'train'\?"),
        (("predict",), r"missing argument 'INPUT\.\.\.'; see .* predict --help"),
        (("predict", "--sing", "x"), r"no such option: --sing.*; see .* predict --help"),
        (
            ("train", "x", "--epochs", "few"),
            r"invalid value for '--epochs': .*; see .* train --help",
        ),
        (("train", "x", "--device"), r"option '--device' requires an argument; see wsnet --help"),
        (("--sing",), r"no such option: --sing.*; see .* --help"),
        (("compress",), r"missing argument 'MODEL'; see .* compress --help"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(wsnet, arguments: tuple[str, ...], said: str):
    outcome = wsnet(*arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert re.fullmatch(said, outcome.error)
    assert len(outcome.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "place"),
    [(("train", ""), " (after train)"), (("prepare", "x", "-o", ""), " (after -o)"), (("",), "")],
)
def test_an_empty_argument_is_not_taken_for_the_current_folder(
    wsnet, arguments: tuple[str, ...], place: str
):
    outcome = wsnet(*arguments)
    assert outcome.code == 2
    assert outcome.error == f"an argument is empty{place}; expected text: is a variable not set?"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.WsnetError("m"), 1),
        (errors.FileError("m"), 1),
        (errors.TrainingError("m"), 1),
        (errors.ParameterError("m"), 1),
        (errors.UsageError("m"), 2),
        (errors.ConfigError("m"), 2),
        (errors.DataError("m"), 2),
        (errors.ArtifactError("m"), 2),
        (errors.GateError("m"), 4),
        (errors.Interrupted("m", 130), 130),
        (errors.Interrupted("m", 143), 143),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_is_one_line_and_its_exit_code(
    wsnet,
    model: str,
    make_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
):
    fail_to_predict(monkeypatch, make_clip, error)
    outcome = wsnet("predict", "a.wav", "-m", model, "--json")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (code, "", "error: m\n")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(13, "Permission denied", "f"), "the system refused: [Errno 13] Permission denied"),
        (MemoryError("Unable to allocate 9 TiB"), "out of memory: Unable to allocate 9 TiB"),
        (MemoryError(), "out of memory: an allocation failed"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(
    wsnet,
    model: str,
    make_clip: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    text: str,
):
    fail_to_predict(monkeypatch, make_clip, error)
    outcome = wsnet("predict", "a.wav", "-m", model, "--json")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.error.startswith(text)
    assert len(outcome.stderr.splitlines()) == 1


def fail_to_predict(
    monkeypatch: pytest.MonkeyPatch, make_clip: Callable[..., Path], error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    make_clip("a.wav")
    monkeypatch.setattr(bulk_predict, "predict_files", fail)


def test_control_characters_in_a_message_are_made_visible(wsnet):
    error = wsnet("info", "a\nb\rc\x1b]0;d\x07").error
    assert error.startswith("a\\nb\\rc\\x1b]0;d\\x07: no such preset or file")


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("torch", ("train", "nowhere")),
        ("torch", ("train", "--resume", "nowhere")),
        ("torch", ("demo",)),
        ("sklearn", ("train", "nowhere")),
        ("sklearn", ("demo",)),
        ("sklearn", ("evaluate", "nowhere")),
    ],
)
def test_a_light_install_says_at_once_what_is_missing(
    wsnet, monkeypatch: pytest.MonkeyPatch, package: str, arguments: tuple[str, ...]
):
    monkeypatch.setitem(sys.modules, package, None)
    outcome = wsnet(*arguments)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        f"error: this command needs {package}, which the light install leaves out; "
        "install wsnet with its dependencies: pip install .\n"
    )
    assert not list(Path().iterdir())


def test_a_missing_module_of_another_name_is_a_bug(
    wsnet, model: str, make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
):
    lost = ModuleNotFoundError("No module named 'lost'", name="lost")
    fail_to_predict(monkeypatch, make_clip, lost)
    with pytest.raises(ModuleNotFoundError, match="lost"):
        wsnet("predict", "a.wav", "-m", model)


def test_verbosity_does_not_last(wsnet, model: str, make_clip: Callable[..., Path]):
    make_clip("a.wav")
    arguments = ("predict", "a.wav", "missing.wav", "-m", model)
    assert wsnet(*arguments, "-q").stderr == ""
    assert wsnet(*arguments).stderr != ""


def test_an_interruption_while_loading_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Loading(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "wsnet_cli.cli.app", Loading("app"))
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "interrupted\n")

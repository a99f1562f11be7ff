"""The short way of a value gives what typer's own way gives, or leaves it to typer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, get_type_hints

import pytest
import typer
import typer.main
from typer.testing import CliRunner

from wsnet_cli.cli.shared.quick import skip_conversions

ARGUMENTS: tuple[tuple[str, ...], ...] = (
    ("a.wav",),
    ("a.wav", "b.wav", "--word", "x", "--count", "3"),
    ("a.wav", "--many", "p", "--many", "q", "--flag"),
    ("a.wav", "--out", "folder/file", "--share", "0.5", "--no-choice"),
    ("a.wav", "--count", "0"),
    ("a.wav", "--count", "9"),
    ("a.wav", "--count", "10"),
    ("a.wav", "--count", "007"),
    ("a.wav", "--count", "1_0"),
    ("a.wav", "--count", "+3"),
    ("a.wav", "--count", "\u0663"),
    ("a.wav", "--count", "many"),
    ("a.wav", "--share", "half"),
    ("--word", "x"),
    ("a.wav", "--word"),
    ("a.wav", "--shout", "quiet"),
    ("--help",),
)


def shout(value: str | None) -> str | None:
    return value and value.upper()


def command(
    inputs: list[str],
    word: str | None = None,
    count: Annotated[int, typer.Option(min=1, max=9)] = 2,
    share: float = 0.25,
    many: Annotated[list[str] | None, typer.Option()] = None,
    out: Path | None = None,
    flag: bool = False,
    choice: bool = True,
    shouted: Annotated[str | None, typer.Option("--shout", callback=shout)] = None,
) -> None:
    print(inputs, word, count, share, many, out, flag, choice, shouted)


def run(arguments: tuple[str, ...], *, quick: bool) -> tuple[int, str, str]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    made = typer.main.get_command(app)
    if quick:
        skip_conversions(made, get_type_hints(command, include_extras=True))
    app_runner = typer.Typer()
    app_runner.command()(command)
    original = typer.main.get_command
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", lambda _: made)
        outcome = CliRunner().invoke(app_runner, list(arguments))
    assert typer.main.get_command is original
    return outcome.exit_code, outcome.stdout, outcome.stderr


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_the_short_way_gives_what_typer_gives(arguments: tuple[str, ...]):
    assert run(arguments, quick=True) == run(arguments, quick=False)


def test_a_prediction_does_without_pydantic(small_model_file: Path, tmp_path: Path):
    """And a positive control: a path on the command line is typer's to convert."""
    import numpy as np
    import soundfile

    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.full(900, 0.1), 8_000)
    child = (
        "import sys\nfrom wsnet_cli.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('pydantic' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    )
    found = []
    for more in (("--top-k", "2"), ("-o", str(tmp_path / "out.json"))):
        arguments = ["predict", str(clip), "-m", str(small_model_file), "-q", "--json", *more]
        command = [sys.executable, "-c", child, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found.append(done.stderr.split())
    assert found == [["False", "True"], ["True", "True"]]

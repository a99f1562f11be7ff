from __future__ import annotations

import json
import sys

import pytest

from wsnet_cli.cli.showing import console


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def usual_verbosity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.verbosity, "level", 0)


def test_a_table_in_a_pipe_folds_no_name(capsys: pytest.CaptureFixture[str]):
    name = "long/" * 60 + "clip.wav"
    console.print_table(("file", "n"), [(name, "1")], numbers=(1,))
    (line,) = [told for told in capsys.readouterr().out.splitlines() if "long/" in told]
    assert line.split() == [name, "1"]


def test_a_table_reads_no_markup(capsys: pytest.CaptureFixture[str]):
    console.print_table(("file",), [("[bold]x[/bold]",), (":smile:",), ("[/]",)])
    text = capsys.readouterr().out
    for cell in ("[bold]x[/bold]", ":smile:", "[/]"):
        assert cell in text


ODD = "e\x1b]0;owned\x07\n\x9b2Jé"
ODD_SHOWN = "e\\x1b]0;owned\\x07\\n\\x9b2Jé"


def test_people_see_control_characters_as_escapes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(console.verbosity, "level", 1)
    console.print_table((ODD,), [(ODD,)])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()].count(ODD_SHOWN) == 2
    console.result(ODD)
    for tell in (console.note, console.detail, console.warn):
        tell(ODD)
    told = f"{ODD_SHOWN}\n"
    assert capsys.readouterr() == (told, f"{told}{told}warning: {told}")


def test_programs_get_the_text_as_it_is(capsys: pytest.CaptureFixture[str]):
    console.document(ODD)
    assert capsys.readouterr().out == f"{ODD}\n"
    console.print_json({"file": ODD})
    assert json.loads(capsys.readouterr().out) == {"file": ODD}


def test_progress_takes_words_as_they_are(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with console.progress("[bold]working[/bold]") as advance:
        advance(0.5, f"[red]a[/] [/nothing] {ODD}")
    assert "[bold]working[/bold]" in terminal.text
    assert f"[red]a[/] [/nothing] {ODD_SHOWN}" in terminal.text
    assert "owned\x07" not in terminal.text


def test_json_refuses_what_json_does_not_have(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="Out of range float values"):
        console.print_json({"score": float("nan")})
    assert capsys.readouterr().out == ""
    console.print_json({"label": "é"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"label": "é"}
    assert "é" in text


@pytest.mark.parametrize(
    ("level", "shown"),
    [(-1, "warning: w\n"), (0, "n\nwarning: w\n"), (1, "n\nd\nwarning: w\n")],
)
def test_levels(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    level: int,
    shown: str,
):
    monkeypatch.setattr(console.verbosity, "level", level)
    console.note("n")
    console.detail("d")
    console.warn("w")
    console.result("r")
    assert capsys.readouterr() == ("r\n", shown)


def test_progress_is_drawn_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with console.progress("working") as advance:
        advance(0.5, "half")
    assert capsys.readouterr() == ("", "")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress("working") as advance:
        advance(0.5, "half")
    assert "working" in terminal.text
    assert "half" in terminal.text
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(console.verbosity, "level", -1)
    quiet = Terminal()
    monkeypatch.setattr(sys, "stderr", quiet)
    with console.progress("working") as advance:
        advance(0.5, "half")
    assert quiet.text == ""

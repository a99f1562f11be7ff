"""Which model `predict` uses, and what it says of those that it cannot use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.bulk.predicting import predict as bulk_predict
from wsnet_cli.core import locate
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

MakeClip = Callable[..., Path]


@pytest.fixture
def shipped(tmp_path: Path, tone_model: Model, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the models that ship, with one called `esc10` in it."""
    folder = tmp_path / "shipped"
    save_model(folder / "esc10.wsnet", replace(tone_model, labels=("ha", "la", "ma")))
    monkeypatch.setattr(locate, "shipped_folder", lambda: folder)
    return folder


def test_the_model_that_ships_is_used_and_named(wsnet, shipped: Path, make_clip: MakeClip):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", "--json")
    assert outcome.code == 0
    assert outcome.document["model"] == "esc10"
    assert outcome.document["results"][0]["predictions"][0]["label"] == "ha"
    assert "no model named: using esc10, which ships with wsnet (-m names one)" in outcome.stderr
    assert wsnet("predict", "a.wav", "-m", "esc10", "--json").stderr == ""


def test_a_folder_of_that_name_is_no_model(wsnet, shipped: Path, make_clip: MakeClip):
    make_clip("esc10/a.wav")
    outcome = wsnet("predict", "esc10", "--json")
    assert outcome.code == 0
    assert outcome.document["results"][0]["predictions"][0]["label"] == "ha"


def test_an_unknown_model_lists_what_there_is(wsnet, shipped: Path, make_clip: MakeClip):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", "-m", "esc11", "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error == (
        "esc11: no such model; expected a .wsnet file, a run folder, or a shipped model (esc10)"
    )


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5_000, "no/such", "two\nlines"])
def test_odd_model_names_are_unknown_models(wsnet, make_clip: MakeClip, name: str):
    make_clip("a.wav")
    outcome = wsnet("predict", "a.wav", "-m", name)
    assert outcome.code == 2
    assert "no such model" in outcome.error
    assert len(outcome.stderr.splitlines()) == 1


def test_a_folder_without_a_model_is_said_to_be_so(wsnet, make_clip: MakeClip):
    make_clip("run/a.wav")
    outcome = wsnet("predict", "run", "-m", "run")
    assert (outcome.code, outcome.error) == (
        2,
        "run: holds no model.wsnet; expected a finished run or a model file",
    )


@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "empty", "text"])
def test_a_damaged_model_is_refused_in_one_line(
    wsnet, model: str, make_clip: MakeClip, damage: str
):
    make_clip("a.wav")
    content = Path(model).read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    Path(model).write_bytes(
        {
            "flipped": flipped,
            "cut": content[:-7],
            "longer": content + b"\0",
            "empty": b"",
            "text": b"no model",
        }[damage]
    )
    outcome = wsnet("predict", "a.wav", "-m", model, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(f"{model}: ")
    assert len(outcome.stderr.splitlines()) == 1


def test_debug_shows_the_traceback_of_an_error(wsnet):
    outcome = wsnet("predict", "a.wav", "-m", "nothing", "--debug")
    assert outcome.code == 2
    assert "Traceback (most recent call last):" in outcome.stderr
    assert "nothing: no such model" in outcome.error
    again = wsnet("predict", "a.wav", "-m", "nothing")  # the fixture refuses a traceback
    assert again.error == outcome.error


def test_an_interruption_ends_with_130(
    wsnet, model: str, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
):
    make_clip("a.wav")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk_predict, "predict_files", interrupted)
    outcome = wsnet("predict", "a.wav", "-m", model, "--json")
    assert (outcome.code, outcome.stdout) == (130, "")
    assert outcome.error == "interrupted: with -o, a run can go on where it was stopped"

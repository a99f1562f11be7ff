"""Labels and provenance that mean more than words to a terminal, a file system or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

Run = Callable[..., Any]
CLEAR = "\x1b[2J\x1b]0;owned\x07\x9b31m"
WORDS = ("../../up", f"{CLEAR}\nerror: all is well", '=HYPERLINK(0)|"x",\'')
PLAIN = ["--top-k", "3"]


@pytest.fixture
def hostile(tone_model: Model, tmp_path: Path) -> str:
    """A model whose labels and provenance are WORDS."""
    provenance = {WORDS[1]: WORDS[1], "path": "/etc/passwd", "up": WORDS[0]}
    save_model(tmp_path / "x.wsnet", replace(tone_model, labels=WORDS, provenance=provenance))
    return "x.wsnet"


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def assert_harmless(text: str) -> None:
    """Nothing that moves a cursor, and nobody's line but ours."""
    assert {letter for letter in text if not letter.isprintable()} <= {"\n"}
    assert not any(line.startswith("error: all is well") for line in text.splitlines())


def test_people_see_them_as_escapes(wsnet: Run, hostile: str, make_clip: Any) -> None:
    clip = make_clip("clip.wav")
    for command in (
        ["info", hostile],
        ["info", hostile, "--engine"],
        ["predict", clip, "-m", hostile, *PLAIN],
        ["predict", clip, "-m", hostile, "--timeline", *PLAIN],
        ["compress", hostile, "-o", "small.wsnet"],
    ):
        found = wsnet(*command)
        assert found.code == 0, found.stderr
        assert_harmless(found.stdout)
        assert_harmless(found.stderr)
        if command[0] == "predict":
            assert "\\x1b[2J\\x1b]0;owned\\x07\\x9b31m\\nerror: all is well" in found.stdout


def test_programs_get_them_whole_and_in_their_place(
    wsnet: Run, hostile: str, make_clip: Any
) -> None:
    clip = make_clip("clip.wav")
    outputs = ("o.csv", "o.json", "o.jsonl")
    for output in outputs:
        assert wsnet("predict", clip, "-m", hostile, "-o", output, *PLAIN).code == 0
    rows = list(csv.DictReader(io.StringIO(Path("o.csv").read_bytes().decode(), newline="")))
    assert {row["label"] for row in rows} == set(WORDS)
    assert len(rows) == 3
    assert "\x1b" not in Path("o.json").read_text() + Path("o.jsonl").read_text()
    assert len(Path("o.jsonl").read_text().splitlines()) == 1
    told = json.dumps(json.loads(Path("o.json").read_text()))
    assert all(json.dumps(word)[1:-1] in told for word in WORDS)


@pytest.mark.parametrize("word", [*WORDS, "/etc/cron.d/x", "..", ".", "con", "a\\b", "\x00", "~"])
def test_no_label_leads_out_of_its_folder(
    wsnet: Run, tone_model: Model, make_clip: Any, tmp_path: Path, word: str
) -> None:
    labels = (word, f"{word}1", f"{word}2")
    save_model(tmp_path / "x.wsnet", replace(tone_model, labels=labels))
    clip = make_clip("in/clip.wav")
    before = files_below(tmp_path)
    found = wsnet("predict", clip, "-m", "x.wsnet", "--sort-into", "sorted/deep")
    assert found.code == 0, found.stderr
    made = files_below(tmp_path) - before
    assert len([name for name in made if name.endswith("clip.wav")]) == 1
    assert all(name.split("/")[:2] == ["sorted", "deep"][: name.count("/") + 1] for name in made)
    assert all(name.count("/") <= 3 and ".." not in name.split("/") for name in made)


def test_audio_programs_get_one_line_for_each_hit(wsnet: Run, hostile: str, make_clip: Any) -> None:
    clip = make_clip("clip.wav")
    for kind in ("audacity", "raven"):
        found = wsnet("predict", clip, "-m", hostile, "--timeline", "--format", kind, "-o", kind)
        assert found.code == 0, found.stderr
        written = [path for path in (Path(kind), *Path(kind).rglob("*")) if path.is_file()]
        assert written
        for path in written:
            text = path.read_text()
            assert "\x1b" not in text
            assert not any(line.startswith("error: all is well") for line in text.splitlines())

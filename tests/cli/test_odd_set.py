"""`wsnet prepare` on the corpus as a data set: what is used, what is refused, and why."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus.entries import HUGE
from corpus.every import every_file
from corpus.odd import OddFile, Refused

from wsnet_cli.core.sound.audio import looks_like_audio


@pytest.fixture(scope="module")
def odd_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, OddFile]]:
    """Two classes of odd files, by name within the set; not those of 8 GiB, for they are hashed."""
    root = tmp_path_factory.mktemp("odd") / "set"
    files = {}
    for i, file in enumerate(f for f in every_file() if not f.name.startswith(".")):
        label = ("first", "second")[i % 2]
        (root / label).mkdir(parents=True, exist_ok=True)
        path = file.write(root / label)
        if path.is_file() and path.stat().st_size == HUGE:
            path.unlink()
        elif looks_like_audio(file.name) and file.name != "folder.wav":
            files[f"{label}/{file.name}"] = file
    return root, files


def prepare(wsnet: Callable[..., Any], source: Path, out: str) -> Any:
    outcome = wsnet("prepare", source, "-o", out, "--rate", "8000", "--json")
    assert outcome.code == 3, outcome.stderr
    return outcome.document


def test_every_file_is_used_or_refused_for_its_reason(wsnet, odd_set):
    root, files = odd_set
    report = prepare(wsnet, root, "prepared")["report"]
    clips = report["clips"]
    assert clips["found"] == clips["used"] + clips["refused"]
    assert clips["found"] + clips["left_out"] == len(files)
    table = Path("prepared/clips.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert len(rows) == clips["found"]
    used = {row["path"] for row in rows if row["status"] == "used"}
    assert used == {name for name, file in files.items() if file.readable}
    refused = {row["path"]: row for row in rows if row["status"] != "used"}
    left_out = {entry["file"] for entry in report["left_out"]["files"]}
    assert set(refused) | left_out == set(files) - used
    for name, row in refused.items():
        expected = files[name].expected
        assert isinstance(expected, Refused)
        if row["kind"] == "unreadable":  # in the words of the system
            assert ("symbolic" if name.endswith("loop.wav") else "No such file") in row["reason"]
        else:
            assert expected.phrase in row["reason"]
        assert len(row["reason"].splitlines()) == 1
    for row in rows:
        if row["status"] == "used":
            expected = files[row["path"]].expected
            assert int(row["sample_rate"]) == expected.rate
            shortest = (len(expected.samples) - expected.fewer) / expected.rate
            assert float(row["seconds"]) >= shortest - 0.001


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_files_give_the_same_bytes_and_are_decoded_once(wsnet, odd_set):
    root, _ = odd_set
    before = sorted(os.walk(root))
    first = prepare(wsnet, root, "one")
    assert first["decoded"] > 150
    assert prepare(wsnet, root, "two")["decoded"] == first["decoded"]
    assert contents(Path("one")) == contents(Path("two"))
    again = prepare(wsnet, root, "one")
    assert again["decoded"] == 0
    assert json.dumps(again["report"]) == json.dumps(first["report"])
    assert contents(Path("one")) == contents(Path("two"))
    assert sorted(os.walk(root)) == before

"""`wsnet predict` on every file of the corpus: one by one, in a process each, and all together."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from corpus.every import every_file
from corpus.odd import OddFile, Refused

from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.sound.audio import looks_like_audio

MOST_S = 20
"""Seconds after which a file counts as one that hangs; a few hundredths are usual."""


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Fail where the system can tell us; elsewhere a hang shows as a suite that does not end."""

    def fail(*_: object) -> None:
        pytest.fail(f"took more than {seconds} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole corpus; not to be written to."""
    root = tmp_path_factory.mktemp("corpus")
    for file in every_file():
        file.write(root)
    return root


@pytest.fixture(scope="module")
def model_file(tone_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tone.wsnet"
    save_model(path, tone_model)
    return path


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def check_row(file: OddFile, path: Path, row: dict[str, Any]) -> None:
    assert row["file"] == str(path)
    if isinstance(file.expected, Refused):
        assert row["status"] == "error"
        assert row["error"].startswith(f"{path}: ")
        assert file.expected.phrase in row["error"]
        assert len(row["error"].splitlines()) == 1
        assert "predictions" not in row
        return
    assert row["status"] == "ok", row
    assert 0 < row["predictions"][0]["score"] <= 1
    n, e = len(file.expected.samples), file.expected
    longest = (n + e.more + e.lag) / e.rate
    assert (n - e.fewer) / e.rate - 0.002 <= row["end"] <= longest + 0.002


@pytest.mark.parametrize("file", every_file(), ids=lambda file: file.name)
def test_one_at_a_time(wsnet, file: OddFile, folder: Path, model_file: Path):
    path = folder / file.name
    with no_longer_than(MOST_S):
        outcome = wsnet("predict", path, "-m", model_file, "--format", "jsonl")
    assert outcome.code == (0 if file.readable else 3)
    (row,) = rows_of(outcome.stdout)
    check_row(file, path, row)
    assert len(outcome.stderr.splitlines()) <= 3


IN_A_CHILD = {
    *(
        "pcm-16.wav",
        "channels-64.wav",
        "flac-16.flac",
        "opus.opus",
        "mp3-joined.mp3",
        "mp3-cut.mp3",
    ),
    *("flac-promises-2-to-36.flac", "mp3-id3-only.mp3", "vorbis-cut.ogg", "one-nan.wav"),
    *("text.wav", "zeros.mp3", "folder.wav", "pipe.wav", "zeros-for-ever.wav", "sparse.mp3"),
}
SAMPLE = [file for file in every_file() if file.name in IN_A_CHILD]


@pytest.mark.parametrize("file", SAMPLE, ids=lambda file: file.name)
def test_in_a_process_of_its_own(child, file: OddFile, folder: Path, model_file: Path):
    """Native crashes, noise on the real stderr and warnings show here alone."""
    path = folder / file.name
    outcome = child("predict", path, "-m", model_file, "--format", "jsonl")
    assert outcome.code == (0 if file.readable else 3)
    (row,) = rows_of(outcome.stdout)
    check_row(file, path, row)
    assert len(outcome.stderr.splitlines()) <= 3
    warned = [line for line in outcome.stderr.splitlines() if "arning" in line]
    cut = f"warning: {path}: ends before its header says; only what is there was heard"
    assert warned == ([cut] if file.name in ("mp3-cut.mp3", "vorbis-cut.ogg") else [])


# --------------------------------------------------------------------------- all together


def listed(file: OddFile) -> bool:
    """Whether a folder's listing holds it: an audio suffix, not hidden, no folder."""
    hidden = file.name.startswith(".")
    return looks_like_audio(file.name) and not hidden and file.name != "folder.wav"


@pytest.fixture(scope="module")
def in_one_folder(wsnet, folder: Path, model_file: Path) -> str:
    with no_longer_than(5 * MOST_S):
        outcome = wsnet("predict", folder, "-m", model_file, "--format", "jsonl", "-j", "1")
    assert outcome.code == 3
    assert len(outcome.stderr.splitlines()) <= 3
    return outcome.stdout


def test_one_folder_gives_one_row_for_each(in_one_folder: str, folder: Path):
    rows = {row["file"]: row for row in rows_of(in_one_folder)}
    assert len(rows) == len(rows_of(in_one_folder))
    expected = {str(folder / file.name): file for file in every_file() if listed(file)}
    assert set(rows) == set(expected)
    for name, file in expected.items():
        check_row(file, Path(name), rows[name])


def test_the_good_files_are_as_without_the_bad_ones(
    wsnet, in_one_folder: str, folder: Path, model_file: Path, tmp_path: Path
):
    good = tmp_path / "good"
    good.mkdir()
    for file in every_file():
        if file.readable and listed(file):
            os.link((folder / file.name).resolve(), good / file.name)
    outcome = wsnet("predict", good, "-m", model_file, "--format", "jsonl", "-j", "1")
    assert outcome.code == 0
    mixed = [
        line
        for line in in_one_folder.removesuffix("\n").split("\n")
        if json.loads(line)["status"] == "ok"
    ]
    alone = outcome.stdout.replace(str(good), str(folder)).removesuffix("\n").split("\n")
    assert alone == mixed
    assert len(alone) > 180


def test_neither_workers_nor_order_change_a_row(
    wsnet, in_one_folder: str, folder: Path, model_file: Path
):
    arguments = ("-m", model_file, "--format", "jsonl")
    with no_longer_than(5 * MOST_S):
        two = wsnet("predict", folder, *arguments, "-j", "2")
    assert (two.code, two.stdout) == (3, in_one_folder)
    backwards = sorted((folder / f.name for f in every_file() if listed(f)), reverse=True)
    with no_longer_than(5 * MOST_S):
        turned = wsnet("predict", *backwards, *arguments, "-j", "2")
    assert turned.code == 3
    assert [row["file"] for row in rows_of(turned.stdout)] == [str(p) for p in backwards]
    assert sorted(turned.stdout.split("\n")) == sorted(in_one_folder.split("\n"))

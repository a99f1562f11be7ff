"""`wsnet predict` on a folder that holds what folders hold in real life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if os.name != "posix":  # pipes, sockets, modes and free names are POSIX's
    pytest.skip("a POSIX file system is needed", allow_module_level=True)

from corpus.tree import ODD_NAMES, Tree, in_child, is_bound, make_tree, unlock

from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

MOST_S = 60


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    made = make_tree(os.fsencode(tmp_path_factory.mktemp("live")) + b"/tree")
    yield made
    unlock(made)


@pytest.fixture(scope="module")
def model_file(tone_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tone.wsnet"
    save_model(path, tone_model)
    return path


def printed(path: bytes) -> str:
    """A name as results hold it: bytes that are no UTF-8 as escapes."""
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode("utf-8")


def run(
    tree: Tree, model_file: Path, *arguments: bytes | str, code: int | None = 3
) -> dict[str, dict[str, Any]]:
    """The rows by name, of a child whom permissions bind; no name comes twice."""
    command = [sys.executable, "-W", "error", "-m", "wsnet_cli", "predict", *arguments]
    options = ["-m", str(model_file), "--format", "jsonl"]
    result = subprocess.run(
        [*command[:6], *options, *command[6:]],
        capture_output=True,
        timeout=MOST_S,
        cwd=tree.root,
        preexec_fn=in_child(),
        check=False,
    )
    stderr = result.stderr.decode()
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) <= 3
    assert all(letter.isprintable() or letter == "\n" for letter in stderr)
    assert code is None or result.returncode == code
    rows = [json.loads(line) for line in result.stdout.decode().removesuffix("\n").split("\n")]
    by_name = {row["file"]: row for row in rows}
    assert len(by_name) == len(rows)
    return by_name


def test_each_readable_file_is_scored_once_and_the_rest_is_told_of(tree: Tree, model_file: Path):
    rows = run(tree, model_file, tree.root)
    ok = {name for name, row in rows.items() if row["status"] == "ok"}
    failed = {name for name, row in rows.items() if row["status"] == "error"}
    left_out = set(rows) - ok - failed  # links to folders, listed as skipped or not at all
    readable = {printed(tree.path(name)) for name in tree.good}
    bad = {printed(tree.path(name)) for name in tree.bad}
    locked = {printed(tree.path(name)) for name in tree.locked}
    if is_bound(tree):
        assert ok == readable
        assert failed == bad | {printed(tree.path(n)) for n in (b"locked.wav", b"locked")}
    else:
        assert ok == readable | locked
        assert failed == bad
    assert left_out <= {printed(tree.path(name)) for name in tree.linked_folders}
    assert len(readable) >= len(ODD_NAMES) - 6, "the file system refused too many names"
    scores = {rows[name]["predictions"][0]["score"] for name in readable}
    assert len(scores) == 1, "all hold the same sound"
    for name in failed:
        assert len(rows[name]["error"].splitlines()) == 1
        assert all(letter.isprintable() for letter in rows[name]["error"])


def test_the_current_folder_is_no_other(tree: Tree, model_file: Path):
    whole = run(tree, model_file, tree.root)
    here = run(tree, model_file, ".")
    root = printed(tree.root) + "/"
    assert [name.removeprefix(root) for name in whole] == [n.removeprefix("./") for n in here]
    assert [row["status"] for row in whole.values()] == [row["status"] for row in here.values()]


def test_names_that_look_like_options_can_be_given(tree: Tree, model_file: Path):
    names = [b"--help.wav", b"-m.wav", b"-.wav"]
    rows = run(tree, model_file, "--", *names, code=0)
    assert list(rows) == [printed(name) for name in names]


def test_every_odd_name_can_be_given_by_itself(tree: Tree, model_file: Path):
    """Names that exist are no patterns; `./` keeps their first letter from having a meaning."""
    names = [b"./" + name for name in ODD_NAMES if name in tree.good]
    rows = run(tree, model_file, *names, code=0)
    assert {name.removeprefix("./") for name in rows} == {printed(name[2:]) for name in names}


def test_a_deep_pattern_ends_and_finds_them_all(tree: Tree, model_file: Path):
    """Links that lead back would make some 2**40 names of these."""
    rows = run(tree, model_file, "**/*.wav")
    ok = {name for name, row in rows.items() if row["status"] == "ok"}
    expected = {printed(name) for name in tree.good if name.endswith(b".wav")}
    assert expected <= ok
    assert {printed(name) for name in tree.bad} <= set(rows) - ok

"""Model files that someone made to do harm, through the commands that read them, in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corpus.hostile import CONTENTS, SENTINEL, write_hostile

CHILD = Path(__file__).parents[1] / "hostile_child.py"
SMALL = frozenset(CONTENTS) - {"header of 99 MB", "zip bomb"}
"""Those left out take long to make; `benchmarks/hostile_models.py` has them too."""
MOST_BYTES = 100_000_000

Told = dict[str, Any]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Told]:
    """What became of each file in each command."""
    folder = tmp_path_factory.mktemp("hostile")
    names = {"2 GB of nothing", "link to itself", "link to /dev/zero", "pipe", "folder"} | SMALL
    files = write_hostile(folder, frozenset(names))
    commands = {
        (command, name): [command, *arguments]
        for name, path in files.items()
        for command, arguments in (
            ("info", [str(path)]),
            ("predict", ["clip.wav", "-m", str(path)]),
            ("compress", [str(path), "-o", str(folder / "out.wsnet")]),
        )
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(CHILD)],
        input=json.dumps(list(commands.values())),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / SENTINEL).exists()
    assert not (folder / "out.wsnet").exists()
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(commands, told, strict=True))


def test_each_is_refused_in_one_line(hostile: dict[tuple[str, str], Told]) -> None:
    for which, told in hostile.items():
        assert told["code"] == 2, (which, told)
        assert told["told"].startswith("error: "), (which, told)
        assert told["told"].count("\n") == 1, (which, told)
        assert len(told["told"]) < 1_000, (which, told)
        assert "bug in wsnet" not in told["told"], (which, told)
    assert len(hostile) > 50


def test_nothing_in_them_is_executed_or_opened(hostile: dict[tuple[str, str], Told]) -> None:
    assert {which: told["caught"] for which, told in hostile.items() if told["caught"]} == {}


def test_none_takes_memory_that_it_has_no_right_to(hostile: dict[tuple[str, str], Told]) -> None:
    large = {which: told["more"] for which, told in hostile.items() if told["more"] > MOST_BYTES}
    assert large == {}

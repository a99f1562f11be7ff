"""The scripts of `benchmarks/` say what to type before they do anything."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = [
    path for path in sorted(BENCHMARKS.glob("*.py")) if '__name__ == "__main__"' in path.read_text()
]


def first_call(path: Path) -> str:
    """The first statement of a script, run as one."""
    (block,) = (
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
    )
    return ast.unparse(block.body[0])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_answers_a_call_for_help(path: Path):
    text = path.read_text("utf-8")
    assert "ArgumentParser(" in text or first_call(path).startswith("answer_help(__doc__")


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--help"], 0), (["data", "-h"], 0), (["data"], 2), (["data", "3"], None)],
)
def test_help_and_too_few_arguments(
    words: list[str], code: int | None, monkeypatch: Any, capsys: Any
):
    answer_help = runpy.run_path(str(BENCHMARKS / "usage.py"))["answer_help"]
    monkeypatch.setattr("sys.argv", ["script.py", *words])
    if code is None:
        answer_help("What to type.", n_needed=2)
        assert capsys.readouterr() == ("", "")
        return
    with pytest.raises(SystemExit) as ended:
        answer_help("What to type.", n_needed=2)
    assert ended.value.code == code
    shown = capsys.readouterr()
    assert (shown.out or shown.err).startswith("What to type.\n")
    assert ("expected 2 or more arguments" in shown.err) == (code == 2)

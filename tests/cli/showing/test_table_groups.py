"""Tables on a terminal that is too narrow for all columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wsnet_cli.cli.showing import console
from wsnet_cli.cli.showing.table_groups import (
    FOLDED_TO,
    GAP,
    column_groups,
    fitted_widths,
    least_widths,
    n_telling,
)


def test_least_widths_by_hand() -> None:
    assert least_widths([6, 40, 12], [4, 9, 30], numbers=[2]) == [6, FOLDED_TO, 30]
    assert least_widths([0, 0], [4, 9], numbers=[]) == [4, 9]


@pytest.mark.parametrize(
    ("whole", "least", "width", "widths"),
    [
        ([5, 11, 9], [5, 9, 4], 40, [5, 11, 9]),
        ([5, 11, 9], [5, 9, 4], 31, [5, 9, 9]),  # the widest gives way first,
        ([5, 11, 9], [5, 9, 4], 28, [5, 9, 6]),  # and no longer where it is at its least
        ([5, 60], [5, 24], 20, [5, 10]),  # none has more than its least
        ([20, 6], [20, 6], 20, [9, 6]),  # the first gives way before numbers do
        ([5], [5], 3, [2]),
    ],
)
def test_fitted_widths_by_hand(
    whole: list[int], least: list[int], width: int, widths: list[int]
) -> None:
    assert fitted_widths(whole, least, width) == widths


@pytest.mark.parametrize(
    ("least", "width", "groups"),
    [
        ([5, 5, 5], 23, [(0, 1, 2)]),  # 15 letters, 2 gaps of 3, and a blank at either end
        ([5, 5, 5], 22, [(0, 1), (0, 2)]),
        ([5, 60, 5, 5], 30, [(0, 1), (0, 2, 3)]),  # the wide one is folded, alone
        ([20, 5, 5, 5], 30, [(0, 1, 2), (0, 3)]),  # the first is folded to 10 letters
        ([5, 60], 30, [(0, 1)]),
        ([5], 3, [(0,)]),
    ],
)
def test_groups_by_hand(least: list[int], width: int, groups: list[tuple[int, ...]]) -> None:
    assert column_groups(least, width) == groups


@pytest.mark.parametrize(
    ("least", "width", "groups"),
    [
        ([5, 5, 5, 5], 31, [(0, 1, 2, 3)]),
        ([5, 5, 5, 5], 30, [(0, 1, 2), (0, 1, 3)]),
        ([5, 5, 5, 5], 23, [(0, 1, 2), (0, 1, 3)]),
        ([5, 5, 5, 5], 22, [(0, 1), (0, 2), (0, 3)]),  # no room beside both
        ([30, 5, 5, 5], 33, [(0, 1, 2), (0, 1, 3)]),  # the first is folded to 11 letters
    ],
)
def test_groups_with_two_first_columns(
    least: list[int], width: int, groups: list[tuple[int, ...]]
) -> None:
    assert column_groups(least, width, 2) == groups


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ([("a", "x", "1"), ("b", "x", "1")], 1),
        ([("a", "x", "1"), ("a", "y", "1")], 2),
        ([("a", "x", "1"), ("a", "x", "2")], 1),  # a number is no name
        ([("a", "x"), ("a", "x")], 1),
        ([], 1),
    ],
)
def test_columns_that_tell_rows_apart(rows: list[tuple[str, ...]], n: int) -> None:
    assert n_telling(rows, numbers=[2]) == n


def test_rows_of_one_name_are_told_apart_in_every_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "36")
    rows = [("digits", "native", "3.1", "3.0 to 4.0"), ("digits", "torch", "14.1", "13.0 to 15.0")]
    console.print_table(("model", "run by", "ms", "half of all"), rows, numbers=(2, 3))
    lines = [line.split() for line in plain(capsys.readouterr().out).splitlines()]
    assert [line for line in lines if line[:1] == ["digits"]] == [
        *(["digits", "native", "3.1"], ["digits", "torch", "14.1"]),
        *(["digits", "native", "3.0", "to", "4.0"], ["digits", "torch", "13.0", "to", "15.0"]),
    ]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(1, 200))
def test_every_column_stands_once_beside_the_first(least: list[int], width: int) -> None:
    groups = column_groups(least, width)
    assert all(group[0] == 0 for group in groups)
    assert [i for group in groups for i in group[1:]] == list(range(1, len(least)))
    whole = [n + 3 for n in least]
    for group in groups:
        widths = fitted_widths([whole[i] for i in group], [least[i] for i in group], width)
        assert sum(widths) + GAP * len(widths) - 1 <= width or max(widths) <= 2


@pytest.mark.parametrize("width", range(18, 100, 3))
@pytest.mark.parametrize("name", ["runs/sweep/sampled-16kb", "走る/犬と猫の鳴き声", "a"])
def test_every_number_is_shown_whole_whatever_the_width(
    width: int, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    headings = ("model", "seeds", "accuracy %", "clips better")
    console.print_table(headings, [(name, "3", "84.875", "12")], numbers=(1, 2, 3))
    lines = plain(capsys.readouterr().out).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    words = " ".join(lines).split()
    assert {"3", "84.875", "12"} <= set(words)


def on_terminal(command: list[str], columns: int) -> str:
    """What a command shows on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    environment = known | {"TERM": "xterm"}  # rich takes a dumb one for 80 columns
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the child has closed its end
        pass
    os.close(ours)
    assert child.wait() == 0, shown.decode()
    return plain(shown.decode().replace("\r\n", "\n"))


def plain(text: str) -> str:
    """Without the signs that make headings bold."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def test_no_number_is_folded_and_no_line_too_long_on_a_terminal_of_80_columns() -> None:
    shown = on_terminal([sys.executable, "-m", "wsnet_cli", "info", "esc10"], 80)
    assert shown.count("\n layer ") == 2
    lines = shown.splitlines()
    total = [line.split() for line in lines if line.startswith(" total ")]
    assert len(total) == 2
    assert total[1][1:3] == ["121,736", "125,948"]
    tables = [line for line in lines if line.startswith(" ")]
    assert max(len(line) for line in tables if not line.startswith("  ")) <= 80
    assert any(line.startswith(" conv1 ") and line.rstrip().endswith("1.0x") for line in lines)


def test_a_wide_terminal_has_one_table_with_all_columns() -> None:
    shown = on_terminal([sys.executable, "-m", "wsnet_cli", "info", "esc10"], 250)
    assert shown.count("\n layer ") == 1
    assert "M mult-adds dense" in shown

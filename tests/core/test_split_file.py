"""split.csv of a run: what is written is read again, and what is damaged is told."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import DataError, FileError
from wsnet_cli.core.split_file import (
    HEADER,
    SplitRow,
    read_split,
    read_split_if_any,
    write_split,
)

CELL = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
ROW = st.builds(SplitRow, *[CELL] * len(HEADER))
WHOLE = """clip,label,part,fold,group,start_s,end_s,content
"a,1.wav",dog,test,2,r1,0.5,1.25,ab
"""
OLDER = """clip,label,part,start_s,end_s,content
a.wav,dog,train,,,ab
"""


def test_the_columns_are_those_of_a_row() -> None:
    row = SplitRow(*HEADER)
    assert all(getattr(row, name) == name for name in HEADER)


@given(rows=st.lists(ROW, max_size=5))
def test_what_is_written_is_read_again(
    rows: list[SplitRow], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_split(folder, rows)
    assert read_split(folder) == rows


def test_by_hand(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(WHOLE)
    (row,) = read_split(tmp_path)
    assert astuple(row) == ("a,1.wav", "dog", "test", "2", "r1", "0.5", "1.25", "ab")
    assert row.identity == ("a,1.wav", "0.5", "1.25")


def test_older_ones_name_no_fold_and_no_group(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(OLDER)
    assert read_split(tmp_path) == [SplitRow("a.wav", "dog", "train", "", "", "", "", "ab")]


@pytest.mark.parametrize(
    "content",
    [
        b"clip,label,part\na.wav,dog,train\n",
        WHOLE.encode() + b"b.wav,dog\n",
        WHOLE.encode() + b'"b.wav',
        WHOLE.encode() + b"\xff",
    ],
)
def test_a_damaged_one_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"split\.csv: is damaged; restore it, or train again"):
        read_split(tmp_path)
    with pytest.raises(DataError, match=r"split\.csv: is damaged; do that"):
        read_split(tmp_path, "do that")
    assert read_split_if_any(tmp_path) == []


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_split_if_any(tmp_path) == []
    with pytest.raises(FileError, match=r"split\.csv"):
        read_split(tmp_path)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError, FileError
from wsnet_cli.data.clips import Clip
from wsnet_cli.data.layouts.rows import Row, csv_rows, row_clips, text_lines


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_come_with_any_end_and_without_the_mark(tmp_path: Path, mark: bytes) -> None:
    path = write(tmp_path, mark + "a\nb\r\nc\rd\u2028e\n\nf".encode())
    assert [*text_lines(path)] == ["a\n", "b\r\n", "c\r", "d\u2028e\n", "\n", "f"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\0c\n", "line 2: a NUL byte"),
        (b"a\nb\xffc\n", "line 2: not UTF-8"),
        (b"a\n" * 9000 + b"\xc3", "line 9001: not UTF-8"),
        (b"a\n" + b"x" * (1 << 20), "line 2: longer than any row can be"),
    ],
)
def test_what_is_no_text_is_told_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"table\.csv: {message}"):
        list(text_lines(write(tmp_path, content)))


def test_a_table_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*gone\.csv: No such file"):
        list(text_lines(tmp_path / "gone.csv"))


def test_rows_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    path = write(tmp_path, 'A,b\n1,"two\nlines"\n , \n3,x\n')
    notes: list[str] = []
    rows = [*csv_rows(path, ("a",), ("b",), notes)]
    assert [(row.number, dict(row.cells)) for row in rows] == [
        (2, {"a": "1", "b": "two\nlines"}),
        (4, {"a": "3", "b": "x"}),
    ]
    assert notes == []


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "a\n1\n2,3\n")
    rows = csv_rows(path, ("a",), (), [])
    assert next(rows).get("a") == "1"
    with pytest.raises(DataError, match="row 3: 2 cells; expected 1"):
        next(rows)


def test_a_folder_is_no_misspelt_fold(tmp_path: Path) -> None:
    notes: list[str] = []
    path = write(tmp_path, "path,folder\na.wav,x\n")
    assert len([*csv_rows(path, ("path",), ("fold",), notes)]) == 1
    assert notes == ["table.csv: ignored columns: 'folder'"]
    with pytest.raises(DataError, match="unknown column 'folds'; did you mean 'fold'"):
        list(csv_rows(write(tmp_path, "path,folds\n"), ("path",), ("fold",), notes))


def _clips(names: list[str]) -> Iterator[Clip]:
    def rows() -> Iterator[Row]:
        return (Row(i, {"name": name}) for i, name in enumerate(names, start=2))

    def build(row: Row) -> Clip | None:
        name = row.cells["name"]
        if name == "bad":
            raise DataError("is bad")
        return None if name == "no clip" else Clip(Path(name), name, "x")

    return row_clips(Path("t.csv"), rows, build)


def test_a_row_that_is_refused_or_doubled_is_told_by_number() -> None:
    assert [clip.name for clip in _clips(["a", "no clip", "b", "no clip"])] == ["a", "b"]
    with pytest.raises(DataError, match=r"^t\.csv: row 4: is bad$"):
        list(_clips(["a", "b", "bad"]))
    with pytest.raises(DataError, match=r"^t\.csv: row 5: 'b' is listed in row 3 already"):
        list(_clips(["a", "b", "no clip", "b"]))


def test_two_clips_with_one_hash_are_two_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsnet_cli.data.layouts.rows.hash", lambda key: 1, raising=False)
    assert len([*_clips(["a", "b", "c"])]) == 3
    with pytest.raises(DataError, match="row 4: 'a' is listed in row 2 already"):
        list(_clips(["a", "b", "a"]))

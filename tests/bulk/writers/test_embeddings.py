from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from wsnet_cli.bulk.predicting.answers import Answer, Hits
from wsnet_cli.bulk.writers import embeddings
from wsnet_cli.bulk.writers.embeddings import embedding_files, write_embeddings
from wsnet_cli.core.errors import FileError

MATRIX = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


def answers() -> Iterable[Answer]:
    """Three rows of one file, two of another, and one that failed between them."""
    times = np.arange(3.0)
    scores = np.full((3, 2), 0.5, np.float32)
    first = Hits(times, times + 0.5, scores, 1, 0.0, MATRIX[:3])
    second = Hits(times[:2], times[:2] + 0.5, scores[:2], 1, 0.9, MATRIX[3:])
    yield Answer("a.wav", "ok", 3.0, parts=[first])
    yield Answer("bad.wav", "error", error="why")
    yield Answer("x,\n.wav", "ok", 2.0, parts=[second])


PLACES = [
    *(("a.wav", 0.0, 0.5), ("a.wav", 1.0, 1.5), ("a.wav", 2.0, 2.5)),
    *(("x,\n.wav", 0.0, 0.5), ("x,\n.wav", 1.0, 1.5)),
]


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, strict=True))


def places(rows: list[list[str]]) -> list[tuple[str, float, float]]:
    return [(row[0], float(row[1]), float(row[2])) for row in rows]


def test_a_matrix_and_its_index(tmp_path: Path):
    path = tmp_path / "e.npy"
    write_embeddings(path, answers, 4)
    found = np.load(path, allow_pickle=False)
    assert found.dtype == np.float32
    assert np.array_equal(found, MATRIX)
    header, *rows = table(tmp_path / "e.csv")
    assert header == ["file", "start", "end"]
    assert places(rows) == PLACES
    assert embedding_files(path) == [path, tmp_path / "e.csv"]


def test_a_table_reads_back_to_the_same_numbers(tmp_path: Path):
    path = tmp_path / "e.csv"
    write_embeddings(path, answers, 4)
    header, *rows = table(path)
    assert header == ["file", "start", "end", "e0", "e1", "e2", "e3"]
    assert places(rows) == PLACES
    assert np.array_equal(np.float32([row[3:] for row in rows]), MATRIX)
    assert embedding_files(path) == [path]


@pytest.mark.parametrize("at_once", [2, 100])
def test_a_parquet_file(tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embeddings, "ROWS_AT_ONCE", at_once)
    path = tmp_path / "e.parquet"
    write_embeddings(path, answers, 4)
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [(r["file"], r["start"], r["end"]) for r in rows] == PLACES
    assert np.array_equal(np.float32([r["embedding"] for r in rows]), MATRIX)


def test_nothing_readable_is_a_matrix_without_rows(tmp_path: Path):
    write_embeddings(tmp_path / "e.npy", lambda: [Answer("a.wav", "error", error="why")], 4)
    assert np.load(tmp_path / "e.npy", allow_pickle=False).shape == (0, 4)
    assert table(tmp_path / "e.csv") == [["file", "start", "end"]]
    for suffix in (".csv", ".parquet"):
        write_embeddings(tmp_path / f"f{suffix}", list, 4)
    assert pyarrow.parquet.read_table(tmp_path / "f.parquet").num_rows == 0


@pytest.mark.parametrize("name", ["e.npy", "e.csv", "e.parquet"])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / name
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError, match=r"cannot write .*: No space left on device"):
        write_embeddings(path, answers, 4)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]

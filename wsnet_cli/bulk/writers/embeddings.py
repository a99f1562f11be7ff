"""Features of each clip or window, and which they belong to.

NAME.npy      matrix [n, n_features] float32, and beside it NAME.csv, whose rows say in the same
              order which file and which part of it each row of the matrix belongs to
NAME.csv      these columns, and one for each feature
NAME.parquet  these columns, and a list of float32
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...core.files import atomic_stream
from ...core.quant import Array
from ...core.tables import csv_line
from ..predicting.answers import OK, Answer, readable

SUFFIXES = (".npy", ".csv", ".parquet")
INDEX_COLUMNS = ("file", "start", "end")
ROWS_AT_ONCE = 4_096
"""Rows of a parquet file in memory, and in a row group."""

_Row = tuple[str, float, float, Array]


def embedding_files(path: Path) -> list[Path]:
    """What is written for an embeddings file of this name."""
    return [path, path.with_suffix(".csv")] if path.suffix == ".npy" else [path]


def write_embeddings(path: Path, answers: Callable[[], Iterable[Answer]], n_features: int) -> None:
    """Write the features of all inputs that could be read, in the format of the file's suffix.

    Args:
        path: ends with .npy, .csv or .parquet.
        answers: all of them in order, with features; may be called twice.
        n_features: of each row.

    Raises: FileError: the system refuses; what the file held before is still there, whole.
    """
    rows = _rows(answers())
    if path.suffix == ".parquet":
        with atomic_stream(path) as stream:
            _write_parquet(stream, rows)
    elif path.suffix == ".csv":
        with atomic_stream(path) as stream:
            _write_csv(stream, rows, n_features)
    else:
        n_rows = sum(1 for _ in _rows(answers()))
        matrix, index = embedding_files(path)
        with atomic_stream(matrix) as stream, atomic_stream(index) as index_stream:
            _write_npy(stream, index_stream, rows, (n_rows, n_features))


def _rows(answers: Iterable[Answer]) -> Iterator[_Row]:
    for answer in answers:
        if answer.status == OK:
            file = readable(answer.name)
            for segment in answer.segments():
                assert segment.features is not None
                yield file, segment.start_s, segment.end_s, segment.features


def _index_cells(row: _Row) -> tuple[str, str, str]:
    return row[0], f"{row[1]:.3f}", f"{row[2]:.3f}"


def _write_npy(
    stream: BinaryIO, index: BinaryIO, rows: Iterable[_Row], shape: tuple[int, int]
) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    index.write(csv_line(INDEX_COLUMNS).encode())
    for row in rows:
        stream.write(row[3].astype("<f4", copy=False).tobytes())
        index.write(csv_line(_index_cells(row)).encode())


def _write_csv(stream: BinaryIO, rows: Iterable[_Row], n_features: int) -> None:
    stream.write(csv_line((*INDEX_COLUMNS, *(f"e{i}" for i in range(n_features)))).encode())
    for row in rows:
        # As short as reads back to the same float32.
        values = (np.format_float_positional(x, unique=True, trim="0") for x in row[3])
        stream.write(csv_line((*_index_cells(row), *values)).encode())


def _write_parquet(stream: BinaryIO, rows: Iterable[_Row]) -> None:
    import pyarrow
    import pyarrow.parquet

    kinds = (pyarrow.string(), pyarrow.float64(), pyarrow.float64())
    fields = [
        *zip(INDEX_COLUMNS, kinds, strict=True),
        ("embedding", pyarrow.list_(pyarrow.float32())),
    ]
    schema = pyarrow.schema(fields)
    with contextlib.closing(pyarrow.parquet.ParquetWriter(stream, schema)) as file:
        for some in _in_groups(rows):
            file.write_table(pyarrow.Table.from_arrays(_columns(some, pyarrow), schema=schema))


def _columns(rows: list[_Row], arrow: Any) -> list[Any]:
    files, starts, ends, features = zip(*rows, strict=True)
    values = arrow.array(np.concatenate(features), arrow.float32())
    places = np.arange(len(rows) + 1, dtype=np.int32) * len(features[0])
    times = [
        arrow.array([round(t, 3) for t in column], arrow.float64()) for column in (starts, ends)
    ]
    lists = arrow.ListArray.from_arrays(arrow.array(places), values)
    return [arrow.array(files, arrow.string()), *times, lists]


def _in_groups(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    group: list[_Row] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_AT_ONCE:
            yield group
            group = []
    if group:
        yield group

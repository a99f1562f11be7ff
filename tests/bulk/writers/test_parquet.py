from __future__ import annotations

import io
from collections.abc import Callable

import pyarrow
import pyarrow.parquet
import pytest

from wsnet_cli.bulk.predicting.answers import Prediction
from wsnet_cli.bulk.writers import parquet

Write = Callable[..., bytes]


def rows(content: bytes) -> list[dict[str, object]]:
    return pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()


def test_parquet_holds_the_rows_of_csv_with_types(write: Write, some: list[Prediction]):
    found = rows(write("parquet", some))
    csv = write("csv", some).decode().splitlines()
    assert list(found[0]) == csv[0].split(",")
    shown = [
        ",".join(
            ""
            if value is None
            else f"{value:.{3 if name in ('start', 'end') else 6}f}"
            if isinstance(value, float)
            else str(value)
            for name, value in row.items()
        )
        for row in found
    ]
    assert shown == csv[1:]
    assert found[1]["rank"] == 2
    assert found[3] == dict.fromkeys(found[3]) | {
        **{"file": "q.wav", "start": 0.0, "end": 3.0, "status": "ok"}
    }


def test_the_columns_are_there_without_rows(write: Write):
    table = pyarrow.parquet.read_table(io.BytesIO(write("parquet", [])))
    assert table.num_rows == 0
    assert [str(field.type) for field in table.schema] == [
        *("string", "double", "double", "string", "double", "int32", "string", "string")
    ]


def test_rows_are_written_in_groups(
    write: Write, some: list[Prediction], monkeypatch: pytest.MonkeyPatch
):
    whole = rows(write("parquet", some * 5))
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 4)
    content = write("parquet", some * 5)
    assert pyarrow.parquet.ParquetFile(io.BytesIO(content)).num_row_groups > 5
    assert rows(content) == whole


def test_the_same_rows_are_the_same_bytes(write: Write, some: list[Prediction]):
    assert write("parquet", some) == write("parquet", some)

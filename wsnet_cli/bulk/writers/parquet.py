"""Parquet: the columns of the CSV with their types, for tables of millions of rows."""

from __future__ import annotations

from typing import Any, BinaryIO

from ..predicting.answers import OK, Prediction
from .csv_rows import CSV_HEADER
from .writer import Counts

ROWS_AT_ONCE = 50_000
"""Rows in memory, and in a row group."""


class ParquetWriter:
    """The rows of `csv_rows.CsvWriter`; what is empty there is null here.

    Args:
        stream: that the file is written to, from front to back.

    Raises: ModuleNotFoundError: pyarrow is not installed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        import pyarrow
        import pyarrow.parquet

        kinds = {"start": pyarrow.float64(), "end": pyarrow.float64(), "score": pyarrow.float64()}
        kinds["rank"] = pyarrow.int32()
        self._arrow: Any = pyarrow
        self._schema = pyarrow.schema([(n, kinds.get(n, pyarrow.string())) for n in CSV_HEADER])
        self._file: Any = pyarrow.parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._columns: list[list[object]] = [[] for _ in CSV_HEADER]

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        p = prediction
        start, end = (round(p.start_s, 3), round(p.end_s, 3)) if p.status == OK else (None, None)
        rows: list[tuple[object, object, object]] = [
            (score.label, round(score.score, 6), rank)
            for rank, score in enumerate(p.scores, start=1)
        ]
        for label, score, rank in rows or [(None, None, None)]:
            cells = (p.file, start, end, label, score, rank, p.status, p.error or None)
            for column, cell in zip(self._columns, cells, strict=True):
                column.append(cell)
        if len(self._columns[0]) >= ROWS_AT_ONCE:
            self._flush()

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""
        if self._columns[0]:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        table = self._arrow.Table.from_arrays(
            [
                self._arrow.array(column, field.type)
                for column, field in zip(self._columns, self._schema, strict=True)
            ],
            schema=self._schema,
        )
        self._file.write_table(table)
        for column in self._columns:
            column.clear()

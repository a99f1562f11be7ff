"""CSV as this project writes it: comma, UTF-8, LF, a header row even without data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A header and rows as CSV; None becomes an empty cell.

    >>> csv_text(["a", "b"], [[1, None], ["x,y", 2]])
    'a,b\n1,\n"x,y",2\n'
    """
    return "".join(csv_line(row) for row in (header, *rows))


def csv_line(row: Sequence[object]) -> str:
    """One row of `csv_text`, its line end included."""
    # Before Python 3.13 only what the line terminator holds is quoted, so it has to hold CR too.
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(row)
    return stream.getvalue().removesuffix("\r\n") + "\n"

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
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()

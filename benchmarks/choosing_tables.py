"""The tables of docs/choosing.md: what each row does to the base of its table, in few columns.

python benchmarks/choosing_tables.py          writes them between their markers
python benchmarks/choosing_tables.py --check  fails if the page holds others

Of each table of benchmarks/rows.yaml that has a base; rows that have no file yet are left out.
"""

from __future__ import annotations

import sys

from page_table import write_or_check
from results_table import NOTHING, markdown, points_of, read_times
from row_files import RESULTS, RowFile, read_recorded
from row_measures import accuracy_of, compare_rows
from rows_file import Rows, read_rows

from wsnet_cli.core.errors import WsnetError

PAGE = RESULTS.parent / "choosing.md"
COLUMNS = ("what", "8-bit file", "ms a clip", "training loss", "8-bit %", "points (95 %)", "seeds")


def table(name: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]) -> str:
    """A table's rows that have files, the base first."""
    base = rows.tables[name].base
    assert base is not None
    if base not in files:
        return "Its base has not been recorded yet."
    shown = [base, *(n for n in rows.of_table(name) if n in files and n != base)]
    return markdown(COLUMNS, [cells(n, base, rows, files, times) for n in shown])


def cells(
    name: str, base: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]
) -> list[str]:
    """One row of a table."""
    found = files[name]
    accuracy = accuracy_of(found.right("int8"), found.recordings()).mean
    points = "the base"
    if name != base:
        compared, _ = compare_rows(found, files[base], "int8")
        points = points_of(compared)
    return [
        rows.rows[name].title,
        f"{found.largest('int8'):,} B",
        f"{times[name]:.2f}" if name in times else NOTHING,
        f"{found.loss:.3f}",
        f"{100 * accuracy:.2f}",
        points,
        f"{len(found.seeds)}",
    ]


def main() -> int:
    """Write or check all of them; the exit code."""
    rows = read_rows()
    files = read_recorded(rows)
    times = read_times(files)
    names = [name for name, one in rows.tables.items() if one.base is not None]
    return max(
        write_or_check(PAGE, f"against the base, {name}", table(name, rows, files, times))
        for name in names
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WsnetError as error:
        sys.exit(f"error: {error}")

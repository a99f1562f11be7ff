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
from row_measures import accuracy_of, compare_rows, of_like_devices, of_like_seeds
from rows_file import Rows, read_rows
from usage import answer_help

from wsnet_cli.core.errors import WsnetError

PAGE = RESULTS.parent / "choosing.md"
COLUMNS = ("what", "8-bit file", "ms a clip", "training loss", "8-bit %", "points (95 %)", "seeds")
CONTROL_COLUMN = "against the narrow one (95 %)"


def table(name: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]) -> str:
    """A table's rows that have files, the base first."""
    base, control = rows.tables[name].base, rows.tables[name].control
    assert base is not None
    if base not in files:
        return "Its base has not been recorded yet."
    shown = [base, *(n for n in rows.of_table(name) if n in files and n != base)]
    lines = [cells(n, base, rows, files, times) for n in shown]
    if control not in files:
        return markdown(COLUMNS, lines)
    for line, one in zip(lines, shown, strict=True):
        line.insert(-1, points(one, control, files, NOTHING))
    return markdown((*COLUMNS[:-1], CONTROL_COLUMN, COLUMNS[-1]), lines)


def cells(
    name: str, base: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]
) -> list[str]:
    """One row of a table."""
    found = files[name]
    accuracy = accuracy_of(found.right("int8"), found.recordings()).mean
    return [
        rows.rows[name].title,
        f"{found.largest('int8'):,} B",
        f"{times[name]:.2f}" if name in times else NOTHING,
        f"{found.loss:.3f}",
        f"{100 * accuracy:.2f}",
        points(name, base, files, "the base"),
        f"{len(found.seeds)}",
    ]


def points(name: str, against: str, files: dict[str, RowFile], itself: str) -> str:
    """A row's difference from another, by like seeds, and by like devices where there are some."""
    if name == against:
        return itself
    both = (files[name], files[against])
    like = of_like_devices(*both)
    compared, _ = compare_rows(*of_like_seeds(*(like or both)), "int8")
    return points_of(compared) + (f", {' and '.join(like[0].devices)} alone" if like else "")


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
    answer_help(__doc__)
    try:
        sys.exit(main())
    except WsnetError as error:
        sys.exit(f"error: {error}")

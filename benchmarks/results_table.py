"""The tables of docs/results.md, made from benchmarks/rows.yaml and docs/results/*.json.

python benchmarks/results_table.py          writes them between their markers
python benchmarks/results_table.py --check  fails if the page holds others

A table NAME stands between `<!-- table NAME: begin -->` and `<!-- table NAME: end -->`. Rows that
have no file yet are left out, and told on stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from row_files import RESULTS, RowFile, read_recorded
from row_jobs import differences, row_command
from row_measures import (
    Accuracy,
    accuracy_of,
    best_look,
    compare_rows,
    of_like_devices,
    of_like_seeds,
)
from rows_file import Row, Rows, Table, read_rows
from usage import answer_help

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.errors import ConfigError, WsnetError
from wsnet_cli.core.files import write_text_atomic
from wsnet_cli.core.measures.paired import Comparison
from wsnet_cli.core.sizes.ledger import RELEASED_SOUNDNET8_BYTES

PAGE = RESULTS.parent / "results.md"
TIMES = RESULTS / "times.json"
DENSE_REFERENCE_BYTES = 11_530_152
"""SoundNet-8 with mean pooling and a 10-way linear layer, 2,882,538 float32 parameters."""
COLUMNS = (
    "row",
    "weights and constants",
    "8-bit file",
    "times smaller than the dense reference",
    "than the released SoundNet-8",
    "M multiply-adds a window",
    "ms a clip",
    "float32 %",
    "8-bit % (95 %)",
    "spread of seeds",
    "seeds x folds, trained on",
    "training loss",
    "best look %, optimistic",
)
PAIR_COLUMNS = ("8-bit, on the same clips", "points (95 %)", "seeds", "clips", "McNemar's p")
NOTHING = "-"


def row_cells(name: str, row: Row, found: RowFile, ms: float | None) -> list[str]:
    """A row of a table."""
    recordings, n_bytes = found.recordings(), found.largest("int8")
    whole, small = (accuracy_of(found.right(form), recordings) for form in ("float32", "int8"))
    best = best_look(found)
    return [
        f"{row.title} ([{name}](results/{name}.json))",
        f"{found.document['parameters']:,}",
        f"{n_bytes:,} B",
        f"{DENSE_REFERENCE_BYTES / n_bytes:.1f}x",
        f"{RELEASED_SOUNDNET8_BYTES / n_bytes:.0f}x",
        f"{found.document['multiply_adds'] / 1e6:.1f}",
        NOTHING if ms is None else f"{ms:.2f}",
        f"{100 * whole.mean:.2f}",
        f"{100 * small.mean:.2f} ({_range(small)})",
        NOTHING if small.spread is None else f"{100 * small.spread:.2f}",
        f"{len(found.seeds)} x {len(found.folds)}, {' and '.join(found.devices)}",
        f"{found.loss:.3f}",
        NOTHING if best is None else f"{100 * best:.2f}",
    ]


def pair_rows(
    names: tuple[str, str], first: RowFile, second: RowFile, seen: Collection[str]
) -> list[list[str]]:
    """The comparisons of a pair: of all runs, of like devices, and without folds that were seen."""
    said = f"{names[0]} minus {names[1]}"
    pair = of_like_seeds(first, second)
    rows = [pair_cells(said, *pair)]
    if like := of_like_devices(first, second):
        alike = of_like_seeds(*like)
        if alike != pair:
            device = " and ".join(like[0].devices)
            rows.append(pair_cells(f"{said}, {device} alone", *alike))
    if seen:
        without = sorted(seen)
        rows.append(pair_cells(f"{said}, without fold {' and '.join(without)}", *pair, without))
    return rows


def pair_cells(
    said: str, first: RowFile, second: RowFile, without: Collection[str] = ()
) -> list[str]:
    """A row of the paired comparisons, as it is said; folds may be left out."""
    found, n_clips = compare_rows(first, second, "int8", without)
    return [
        said,
        points_of(found),
        f"{len(first.seeds)} and {len(second.seeds)}",
        f"{n_clips}",
        NOTHING if found.p_value is None else f"{found.p_value:.2g}",
    ]


def points_of(found: Comparison) -> str:
    """A difference in points, with its interval."""
    return in_points(found.difference, found.interval)


def in_points(difference: float, interval: Sequence[float]) -> str:
    """A difference of shares and its interval, as points."""
    low, high = (100 * end for end in interval)
    return f"{100 * difference:+.2f} ({low:+.2f} to {high:+.2f})"


def section(name: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]) -> str:
    """A table with its title, and the comparisons below it."""
    table, shown = rows.tables[name], [n for n in rows.of_table(name) if n in files]
    parts = [f"### {table.title}"]
    if not shown:
        return f"{parts[0]}\n\nNone of its rows has been recorded yet."
    cells = [row_cells(n, rows.rows[n], files[n], times.get(n)) for n in shown]
    parts.append(markdown(COLUMNS, cells))
    pairs = []
    for pair in pairs_of(table, files):
        seen = {fold for n in pair for fold in rows.rows[n].chosen_on}
        pairs += pair_rows(pair, files[pair[0]], files[pair[1]], seen)
    if pairs:
        parts.append(markdown(PAIR_COLUMNS, pairs))
    if missing := [n for n in rows.of_table(name) if n not in files]:
        parts.append(f"Not trained or not recorded yet: {', '.join(f'`{n}`' for n in missing)}.")
    return "\n\n".join(parts)


def pairs_of(table: Table, files: dict[str, RowFile]) -> list[tuple[str, str]]:
    """The comparisons of a table whose rows have files."""
    return [pair for pair in table.compare if all(name in files for name in pair)]


def markdown(headings: Iterable[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    head = list(headings)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(page: str, rows: Rows, files: dict[str, RowFile], times: dict[str, float]) -> str:
    """The page with all tables in it.

    Raises: ConfigError: a table has no markers there.
    """
    for name in rows.tables:
        begin, end = (f"<!-- table {name}: {word} -->" for word in ("begin", "end"))
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ConfigError(f"{PAGE.name}: has no place for a table; add the lines {begin} {end}")
        before, rest = page.split(begin)
        after = rest.split(end)[1]
        page = f"{before}{begin}\n{section(name, rows, files, times)}\n{end}{after}"
    return page


def read_times(files: dict[str, RowFile], path: Path = TIMES) -> dict[str, float]:
    """Milliseconds of the rows that were timed with the network and hop that they have."""
    if not path.is_file():
        return {}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: float(row["ms"])
        for name, row in document["rows"].items()
        if name in files and row["timed"] == what_is_timed(files[name])
    }


def what_is_timed(found: RowFile) -> dict[str, Any]:
    """By which a time is known to be of a row's file."""
    config, keys = found.document["config"], ("parameters", "multiply_adds")
    return {**{key: found.document[key] for key in keys}, "hop_s": config["audio"]["hop_s"]}


def check_settings(name: str, row: Row, found: RowFile) -> None:
    """Refuse a file that was recorded with other settings than the row has today.

    Raises: ConfigError.
    """
    config = Config.model_validate_json(json.dumps(found.document["config"]))
    wanted = row.read_config()
    hops = (config.audio.hop_s, wanted.audio.hop_s)
    differing = [] if hops[0] == hops[1] else [("audio.hop_s", *hops)]
    if row.max_kb is not None:  # the network was chosen by it, from that of the configuration
        wanted = wanted.model_copy(update={"network": config.network})
    for key, theirs, ours in (*differing, *differences(config, wanted)):
        raise ConfigError(
            f"docs/results/{name}.json: was recorded with {key} = {theirs}, and rows.yaml has "
            f"{ours}; train and record it again"
        )
    ours = row_command(name, row, found.seeds)
    if found.document["command"] != ours:
        raise ConfigError(
            f"docs/results/{name}.json: was recorded with `{found.document['command']}`, and "
            f"rows.yaml has `{ours}`; record it again"
        )


def _range(found: Accuracy) -> str:
    low, high = found.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def main() -> None:
    """Write or check the tables."""
    rows = read_rows()
    files = read_recorded(rows)
    for name, file in files.items():
        check_settings(name, rows.rows[name], file)
    if len(files) < len(rows.rows):
        missing = ", ".join(name for name in rows.rows if name not in files)
        n = len(rows.rows) - len(files)
        print(f"{n} of {len(rows.rows)} rows have no file yet: {missing}", file=sys.stderr)
    text = PAGE.read_text(encoding="utf-8")
    page = fill(text, rows, files, read_times(files))
    if "--check" not in sys.argv:
        write_text_atomic(PAGE, page)
    elif page != text:
        sys.exit(f"{PAGE}: is not what its data says; run python {sys.argv[0]}")


if __name__ == "__main__":
    answer_help(__doc__)
    try:
        main()
    except WsnetError as error:
        sys.exit(f"error: {error}")

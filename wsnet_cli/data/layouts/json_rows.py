"""JSON lines: one object a line, read as strictly as a table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.quoting import quoted, shown
from ..label_sets import SEPARATOR
from .rows import Row, RowStream, misspelt, text_lines

_N_IGNORED_TOLD = 10

TEXT: tuple[type, ...] = (str,)
NAME: tuple[type, ...] = (str, int)
NUMBER: tuple[type, ...] = (int, float)
LABELS: tuple[type, ...] = (str, list)
_EXPECTED = {
    TEXT: "text in quotes",
    NAME: "text or a whole number",
    NUMBER: "a number",
    LABELS: "text in quotes, or a list of names",
}


def json_rows(
    path: Path,
    required: Collection[str],
    kinds: Mapping[str, tuple[type, ...]],
    notes: list[str],
) -> RowStream:
    """Yield the objects of a JSON Lines file as rows of text; blank lines are passed over.

    Keys are as written, null is as good as absent, and further keys are ignored, which goes to
    `notes` at the end.

    Args:
        path: the file, in UTF-8.
        required: keys that every object must have.
        kinds: for every known key TEXT, NAME, NUMBER or LABELS; a list becomes its names with a
            `;` after each.
        notes: gets what was ignored.

    Raises:
        DataError: as `text_lines`; a line that is no JSON object, a key that stands there twice,
            is missing or looks misspelt, or a value of another kind.
    """
    ignored: dict[str, None] = {}
    with closing(text_lines(path)) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                values = _parse(line)
                cells = _cells(values, required, kinds)
            except DataError as error:
                raise DataError(f"{shown(path)}: row {number}: {error}") from None
            if len(ignored) < _N_IGNORED_TOLD:
                ignored |= dict.fromkeys(key for key in values if key not in kinds)
            yield Row(number, cells)
    if ignored:
        names = quoted(", ".join([*ignored][:_N_IGNORED_TOLD]))
        notes.append(f"{shown(path.name)}: ignored keys: {names}")


def _parse(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DataError(f"not valid JSON: {error.msg} at sign {error.pos + 1}") from None
    except RecursionError:
        raise DataError("not valid JSON: nested too deeply") from None
    except ValueError as error:  # a number with thousands of digits
        raise DataError(f"not valid JSON: {str(error).partition(';')[0]}") from None
    if not isinstance(values, dict):
        raise DataError(f"{quoted(line.strip())}; expected an object, {{...}}")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise DataError(f"key {quoted(doubled)} stands there twice")
    return values


def _no_constant(word: str) -> None:
    raise DataError(f"{word}; expected a number")


def _cells(
    values: dict[str, Any], required: Collection[str], kinds: Mapping[str, tuple[type, ...]]
) -> dict[str, str]:
    cells = {}
    for key, value in values.items():
        if key not in kinds:
            if meant := misspelt(key, [name for name in kinds if name not in values]):
                raise DataError(f"unknown key {quoted(key)}; did you mean {meant!r}?")
        elif value is not None:
            if type(value) not in kinds[key]:  # True is an int to isinstance
                raise DataError(
                    f"{key} is {quoted(json.dumps(value))}; expected {_EXPECTED[kinds[key]]}"
                )
            cells[key] = _as_text(key, value) if isinstance(value, list) else str(value)
    for key in required:
        if key not in cells:
            raise DataError(f"no key {key!r}; expected {', '.join(required)} in every row")
    return cells


def _as_text(key: str, names: list[Any]) -> str:
    for name in names:
        if not isinstance(name, str) or SEPARATOR in name:
            raise DataError(
                f"{key} holds {quoted(json.dumps(name))}; expected names in quotes without "
                f"{SEPARATOR!r}"
            )
    return "".join(name + SEPARATOR for name in names) or SEPARATOR

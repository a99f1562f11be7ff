"""JSON that every reader takes for the same: no key twice, no NaN, no infinity."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from .quoting import quoted

MAX_BRACKETS = 1 << 17
"""Lists and objects, at most: each takes twenty times the bytes that it has in the text."""


def read_json(text: str) -> Any:
    """Parse a JSON document of someone else.

    Python's own reader takes the last of equal keys, where others take the first, and takes NaN
    and Infinity, which are no JSON.

    Raises:
        ValueError: it is no JSON, one of these, or has more than MAX_BRACKETS brackets that open,
            those in strings included.
        RecursionError: it is nested too deeply.

    >>> read_json('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    """
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise ValueError("more lists and objects than anyone needs")
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)


def json_text(value: object) -> str:
    """A document as this project writes it: indented by two, letters as they are, no end of line.

    Raises: ValueError: a number is NaN or infinite.

    >>> print(json_text({"é": [1]}))
    {
      "é": [
        1
      ]
    }
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{quoted(name)} is no number")

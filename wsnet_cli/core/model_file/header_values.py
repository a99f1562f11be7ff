"""Values of a JSON document that may be lies: each is there and of its type, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ParameterError
from ..quoting import quoted

MAX_INTEGER = 1 << 31


def get_number(values: Mapping[str, Any], key: str) -> float:
    """A number. Raises: ParameterError: it is none, or an integer above MAX_INTEGER."""
    value = values.get(key)
    if type(value) is float or (type(value) is int and abs(value) <= MAX_INTEGER):
        return float(value)
    raise ParameterError(f"{key} = {quoted(value)}; expected a number")


def get_integers(values: Mapping[str, Any], key: str, n: int) -> list[int]:
    """A list of `n` integers. Raises: ParameterError: it is none, or one is above MAX_INTEGER."""
    found: Any = values.get(key)
    fitting = isinstance(found, list) and len(found) == n
    if fitting and all(type(v) is int and abs(v) <= MAX_INTEGER for v in found):
        return list(found)
    raise ParameterError(f"{key} = {quoted(found)}; expected {n} integers of at most {MAX_INTEGER}")


_REQUIRED = object()


def get_value(values: Mapping[str, Any], key: str, kind: type, default: Any = _REQUIRED) -> Any:
    """A value of just that type, or the default where there is one and no value.

    Raises: ParameterError: it is not there, or of another type.
    """
    value = values.get(key, default)
    if value is default and default is not _REQUIRED:
        return default
    if type(value) is not kind:
        raise ParameterError(f"{key}: missing or of the wrong type; expected {kind.__name__}")
    return value

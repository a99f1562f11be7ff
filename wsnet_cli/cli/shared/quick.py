"""Values of the command line that need no conversion are handed on as they are.

typer converts and checks every value with pydantic, whose import and preparation take longer than a
short prediction. Most values are fine already: words that are asked for as words, defaults that
were not changed. Those skip the conversion; everything else goes typer's way, so that what is
accepted, and what is said of the rest, stays typer's.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

_UNSURE = object()
_UNIONS = (typing.Union, types.UnionType)
_PLAIN = (str, int, float, bool)


def skip_conversions(command: Any, hints: Mapping[str, Any]) -> None:
    """Give a command's parameters the short way.

    Args:
        command: of typer.
        hints: by name, what each parameter wants, as `typing.get_type_hints(function,
            include_extras=True)` tells it; of one that is not named, only a missing value or a
            flag is handed on as it is.
    """
    get_params, ready = command.get_params, set[int]()

    def quick_params(ctx: Any) -> Any:
        params = get_params(ctx)  # with those that typer adds, such as --help
        for param in params:
            if id(param) not in ready:
                hint = hints.get(param.name, bool | None)
                param.process_value = _process_value(param, param.process_value, hint)
                ready.add(id(param))
        return params

    command.get_params = quick_params


def _process_value(
    param: Any, original: Callable[[Any, Any], Any], hint: Any
) -> Callable[[Any, Any], Any]:
    def process_value(ctx: Any, value: Any) -> Any:
        is_many = param.multiple or param.nargs == -1
        final = _as_it_is(value, hint, is_many)
        if final is _UNSURE or (param.required and param.value_is_missing(final)):
            return original(ctx, value)
        return param.callback(ctx, param, final) if param.callback else final

    return process_value


def _as_it_is(value: Any, hint: Any, is_many: bool) -> Any:
    """The value, if it is what the hint asks for already, or plainly a number in its range."""
    limits: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        limits = tuple(rest)
    kinds = typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else (hint,)
    if value is None:
        return None if type(None) in kinds and not is_many else _UNSURE
    if is_many:
        words = isinstance(value, list | tuple) and all(type(word) is str for word in value)
        return list(value) if value and words and list[str] in kinds else _UNSURE
    if int in kinds and type(value) is str and value.isascii() and value.isdecimal():
        number = int(value)
        return number if all(_holds(limit, number) for limit in limits) else _UNSURE
    # A number that is no text comes from a default, which is within its range.
    return value if type(value) in _PLAIN and type(value) in kinds else _UNSURE


def _holds(limit: Any, number: int) -> bool:
    low, high = getattr(limit, "min", None), getattr(limit, "max", None)
    return (low is None or low <= number) and (high is None or number <= high)

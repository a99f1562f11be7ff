"""Arguments outside their range, refused in one form of words."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ParameterError
from .quoting import quoted


def check(field: str, value: object, good: bool, expected: str) -> None:
    """Raise a ParameterError that names field, value and what was expected, unless it is good.

    >>> check("hop", 0, False, "1 or more")
    Traceback (most recent call last):
    wsnet_cli.core.errors.ParameterError: hop = 0; expected 1 or more
    """
    if not good:
        raise ParameterError(f"{field} = {quoted(value)}; expected {expected}")


def is_whole(value: object) -> bool:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Whether it is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_numbers(samples: object) -> None:
    """Refuse what is no array of floats, as a list is not. Raises: ParameterError.

    Whole numbers are refused too: nothing says which of them stands for full scale.
    """
    check("samples", samples, isinstance(samples, np.ndarray), "a numpy array, float32")
    dtype = np.asarray(samples).dtype
    expected = "float32"
    if dtype.kind in "iub":
        expected += " in -1..1: divide int16 by 32768, or read with soundfile's dtype='float32'"
    check("samples.dtype", str(dtype), dtype.kind == "f", expected)


def check_row(samples: npt.NDArray[Any]) -> None:
    """Refuse what is not [n] samples, n >= 1. Raises: ParameterError."""
    good = samples.ndim == 1 and len(samples) >= 1
    check("samples.shape", samples.shape, good, "one row of at least one sample")

"""How a file stores its weights, and its calibration, in the JSON of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calibrating.calibration import Calibration
from ..errors import ParameterError
from ..quant import BITS, SCHEMES
from ..quoting import quoted
from .artifact_numbers import HUFFMAN, PACKED, PLAIN, Form
from .header_values import get_integers, get_number, get_value

REAL, PLAIN_CODES, CODES = "float32", "int8", "codes"
"""Values of `weights`; the last in the format from which on there are other codes than plain."""
CODES_FORMAT = 3


def describe_form(form: Form) -> dict[str, Any]:
    """The keys `weights`, `bits`, `scheme` and `coding`, as far as they are needed."""
    if form.bits is None:
        return {"weights": REAL}
    if form.coding == PLAIN:
        return {"weights": PLAIN_CODES}
    equal = len(set(form.bits)) == 1
    return {
        "weights": CODES,
        "bits": form.bits[0] if equal else list(form.bits),
        **({"scheme": form.scheme} if form.scheme != SCHEMES[0] else {}),
        **({"coding": form.coding} if form.coding != PACKED else {}),
    }


def parse_form(header: Mapping[str, Any], version: int, n_layers: int) -> Form:
    """What `describe_form` made, in a file of that format version, for so many layers.

    Raises:
        ParameterError: a value is missing, of the wrong type or none of those that there are.
    """
    known = (REAL, PLAIN_CODES, CODES) if version >= CODES_FORMAT else (REAL, PLAIN_CODES)
    weights = _one_of(header, "weights", known)
    if weights == REAL:
        return Form()
    if weights == PLAIN_CODES:
        return Form((8,) * n_layers)
    bits = header.get("bits")
    layer_bits = [bits] * n_layers if type(bits) is int else get_integers(header, "bits", n_layers)
    for value in layer_bits:
        if value not in BITS:
            raise ParameterError(f"bits = {value}; expected one of {', '.join(map(str, BITS))}")
    coding = _one_of(header, "coding", (PACKED, HUFFMAN), PACKED)
    return Form(tuple(layer_bits), coding, _one_of(header, "scheme", SCHEMES, SCHEMES[0]))


def _one_of(header: Mapping[str, Any], key: str, known: tuple[str, ...], *default: str) -> str:
    value: str = get_value(header, key, str, *default)
    if value not in known:
        raise ParameterError(f"{key} = {quoted(value)}; expected one of {', '.join(known)}")
    return value


def describe_calibration(calibration: Calibration) -> dict[str, Any]:
    """The key `calibration` with what is not its default, or nothing."""
    default = Calibration()
    found = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(calibration).items()
        if value != getattr(default, name)
    }
    return {"calibration": found} if found else {}


def parse_calibration(header: Mapping[str, Any]) -> Calibration:
    """What `describe_calibration` made.

    Raises:
        ParameterError: a value is of the wrong type or out of its range.
    """
    values: dict[str, Any] = get_value(header, "calibration", dict, {})
    known = vars(Calibration())
    found: dict[str, Any] = {
        name: get_number(values, name) for name in known if name in values and name != "thresholds"
    }
    if "thresholds" in values:
        thresholds = get_value(values, "thresholds", list)
        found["thresholds"] = tuple(
            get_number({"a threshold": t}, "a threshold") for t in thresholds
        )
    return Calibration(**found)

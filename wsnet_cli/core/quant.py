"""Linear quantization of weights: choosing a scale, codes, and back. Activations stay float32.

Two schemes. Ours is `symmetric`, with one scale per condensed filter: zero stays zero, and there
is no offset to carry. The scale with the least squared error makes up for what a one-sided filter
loses by symmetry. The paper's (WSNet, section 3.4) is `min-max`: 2^bits levels between the minimum
and the maximum. `benchmarks/quantization_schemes.py` compares both on a trained run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .checks import check
from .errors import ParameterError

Array = npt.NDArray[np.float32]

BITS = (8, 6, 5, 4)
"""Bits of a code."""
FULL_BITS = BITS[0]
"""Those that are rounded to, and not fine-tuned for."""
SCHEMES = ("symmetric", "min-max")
RANGE_FRACTIONS = np.linspace(1.0, 0.7, 31)
"""Ranges that are tried at 8 bits, as fractions of the largest magnitude; the whole one first."""
COARSE_RANGE_FRACTIONS = np.linspace(1.0, 0.3, 71)
"""The same at fewer bits, where clipping more of the largest weights pays: at 4 bits the best
range of 100,000 normally distributed weights is 0.6 of the whole."""


def max_code(bits: int) -> int:
    """The largest magnitude of a symmetric code: the lowest of two's complement is not used.

    >>> [max_code(bits) for bits in BITS]
    [127, 31, 15, 7]
    """
    return (1 << bits - 1) - 1


@dataclass(frozen=True)
class QuantizedTensor:
    """Codes, the real size of one step, and what a code of 0 stands for.

    Args:
        codes: int8, -2^(bits-1) to 2^(bits-1) - 1, any shape.
        scale: real units per code, finite, >= 0; 0 where all weights are equal.
        bits: of a code, one of BITS.
        offset: real units, finite; 0 in the symmetric scheme.

    Raises:
        ParameterError: a value is outside its range.
    """

    codes: npt.NDArray[np.int8]
    scale: float
    bits: int = 8
    offset: float = 0.0

    def __post_init__(self) -> None:
        check("bits", self.bits, self.bits in BITS, f"one of {BITS}")
        for name, value in (("scale", self.scale), ("offset", self.offset)):
            check(name, value, bool(np.isfinite(value)), "a finite number")
        check("scale", self.scale, self.scale >= 0, "0 or more")
        most = max_code(self.bits)
        low, high = (int(end(self.codes, initial=0)) for end in (np.min, np.max))
        for code in (low, high):
            check("a code", code, -most - 1 <= code <= most, f"{-most - 1} to {most}")

    @property
    def scheme(self) -> str:
        """`symmetric` where it is one that `symmetric` gives, whichever made it; else `min-max`."""
        lowest = int(np.min(self.codes, initial=0))
        return SCHEMES[self.offset != 0 or lowest < -max_code(self.bits)]

    def values(self) -> Array:
        """The weights that the codes stand for, float32: codes * scale + offset."""
        scaled = self.codes.astype(np.float32) * np.float32(self.scale)
        return scaled + np.float32(self.offset) if self.offset else scaled


def quantize(weights: npt.ArrayLike, bits: int = 8, scheme: str = "symmetric") -> QuantizedTensor:
    """Round weights to signed codes with one scale for all.

    The symmetric scale is the one of least squared error among those that spread the codes over a
    fraction of the largest magnitude; the few weights beyond it become the largest code.

    Promises of the symmetric scheme: zero stays zero, `quantize(-w)` is the mirror image of
    `quantize(w)`, no value within the largest code moves by more than half a step (but for the
    last bit of float32), the squared error is at most that of the whole range, and quantizing the
    result again changes nothing. Of the other: no value moves by more than half a step, but for
    the last bit of the largest magnitude.

    Args:
        weights: any shape, finite; the promises hold where the largest magnitude is 0 or within
            1e-36 to 1e38, the normal range of float32.
        bits: of a code, one of BITS.
        scheme: one of SCHEMES.

    Raises:
        ParameterError: a weight is not finite; bits or scheme are none of those.

    >>> q = quantize([0.5, -2.0, 0.0])
    >>> q.codes.tolist(), round(q.scale, 6)
    ([32, -127, 0], 0.015748)
    >>> quantize([0.0, 0.3, 255.0], scheme="min-max").codes.tolist()
    [-128, -128, 127]
    """
    check("bits", bits, bits in BITS, f"one of {BITS}")
    check("scheme", scheme, scheme in SCHEMES, f"one of {SCHEMES}")
    real = np.asarray(weights, np.float32)
    _require_finite(real)
    return _symmetric(real, bits) if scheme == "symmetric" else _min_max(real, bits)


def _symmetric(real: Array, bits: int) -> QuantizedTensor:
    step = np.max(np.abs(real), initial=0.0) / np.float32(max_code(bits))
    if step == 0.0:
        return QuantizedTensor(np.zeros(real.shape, np.int8), 0.0, bits)
    candidates = (round_to_scale(real, scale, bits) for scale in _scales(step, bits))
    best = min(candidates, key=lambda tensor: _squared_error(real, tensor))
    return best if bits < 8 else _exact(real, step) or best


def _exact(real: Array, step: np.float32) -> QuantizedTensor | None:
    """8-bit codes of weights that were rounded before, or None.

    A scale times 127 is rounded to float32, and of 1 in 128 scales it does not come back from that
    but as a neighbour.
    """
    for end in (np.float32(0), np.float32(np.inf)):
        tensor = round_to_scale(real, np.nextafter(step, end), 8)
        if np.array_equal(tensor.values(), real):
            return tensor
    return None


def _scales(step: np.float32, bits: int) -> Iterator[np.float32]:
    """Scales to try.

    Below 8 bits only such that `scale * max_code / max_code` is the scale again, so that the whole
    range of the rounded weights gives that scale.
    """
    if bits == FULL_BITS:
        yield from (np.float32(step * part) for part in RANGE_FRACTIONS)
        return
    most = np.float32(max_code(bits))
    for part in COARSE_RANGE_FRACTIONS:
        yield np.float32(step * part) * most / most


def round_to_scale(weights: Array, scale: np.float32, bits: int) -> QuantizedTensor:
    """Round weights to symmetric codes of a given scale; those beyond become the largest code.

    Args:
        weights: any shape, finite.
        scale: real units per code, > 0.
        bits: of a code, one of BITS.
    """
    most = max_code(bits)
    codes = np.clip(np.rint(weights / scale), -most, most)
    return QuantizedTensor(codes.astype(np.int8), float(scale), bits)


def _squared_error(real: Array, tensor: QuantizedTensor) -> float:
    return float(np.sum(np.square(tensor.values() - real, dtype=np.float64)))


def _min_max(real: Array, bits: int) -> QuantizedTensor:
    wide = real.astype(np.float64)
    low, high = float(np.min(wide, initial=np.inf)), float(np.max(wide, initial=-np.inf))
    half = 1 << bits - 1
    step = float(np.float32((high - low) / (2 * half - 1))) if high > low else 0.0
    if step == 0.0:
        return QuantizedTensor(np.zeros(real.shape, np.int8), 0.0, bits, low if real.size else 0.0)
    codes = np.clip(np.rint((wide - low) / step) - half, -half, half - 1)
    return QuantizedTensor(codes.astype(np.int8), step, bits, float(np.float32(low + half * step)))


def to_half(constants: npt.ArrayLike) -> tuple[npt.NDArray[np.float16], float]:
    """Store constants as 16-bit floats relative to their largest magnitude.

    The common factor keeps tiny or huge multipliers within the range of 16-bit floats: the error
    is at most 2**-11 of each value, or 2**-25 of the largest where a value is smaller than 2**-14
    of it. Storing what `from_half` restores gives the same bits again. Both hold where the largest
    magnitude is 0 or within 1e-30 to 1e38.

    Returns: the relative values in [-1, 1], and the factor (float32) that restores them.
    Raises: ParameterError: a constant is not finite.
    """
    real = np.asarray(constants, np.float32)
    _require_finite(real)
    factor = float(np.max(np.abs(real), initial=0.0))
    if factor == 0.0:
        return np.zeros(real.shape, np.float16), 0.0
    return (real / np.float32(factor)).astype(np.float16), factor


def from_half(relative: npt.NDArray[np.float16], factor: float) -> Array:
    """The inverse of `to_half`, float32."""
    return relative.astype(np.float32) * np.float32(factor)


def signal_to_noise_db(real: npt.ArrayLike, rounded: npt.ArrayLike) -> float:
    """Signal-to-quantization-noise ratio in dB; infinite where nothing changed."""
    signal = np.asarray(real, np.float64)
    noise = float(np.sum((signal - np.asarray(rounded, np.float64)) ** 2))
    power = float(np.sum(signal**2))
    return float("inf") if noise == 0 else 10 * float(np.log10(max(power, 1e-300) / noise))


def _require_finite(values: Array) -> None:
    if not np.isfinite(values).all():
        raise ParameterError("weights hold NaN or infinity; expected finite values")

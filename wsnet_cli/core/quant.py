"""Linear quantization of weights: choosing a scale, codes, and back. Activations stay float32.

The paper's scheme has 256 levels between the minimum and the maximum of a condensed filter. Ours is
symmetric, with one scale per condensed filter: zero stays zero, and there is no offset to carry
through a convolution. The scale with the least squared error makes up for what a one-sided filter
loses by symmetry; `benchmarks/quantization_schemes.py` compares both schemes on a trained run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import ParameterError

Array = npt.NDArray[np.float32]

MAX_CODE = 127
"""Largest magnitude of an 8-bit code; -128 is never used, so that the range is symmetric."""
RANGE_FRACTIONS = np.linspace(1.0, 0.7, 31)
"""Ranges that are tried, as fractions of the largest magnitude; the whole one first."""
PAPER_LEVELS = 256
"""Levels of the paper's scheme (WSNet, section 3.4)."""


@dataclass(frozen=True)
class QuantizedTensor:
    """8-bit codes and the real size of one step.

    Args:
        codes: int8 in [-127, 127], any shape.
        scale: real units per code, finite, >= 0; 0 where every weight is zero.
    """

    codes: npt.NDArray[np.int8]
    scale: float

    def values(self) -> Array:
        """The weights that the codes stand for, float32: codes * scale."""
        return self.codes.astype(np.float32) * np.float32(self.scale)


def quantize(weights: npt.ArrayLike) -> QuantizedTensor:
    """Round weights to symmetric signed 8-bit codes with one scale for all.

    The scale is the one of least squared error among those that spread the codes over a fraction
    of the largest magnitude (RANGE_FRACTIONS); the few weights beyond it become code 127 or -127.

    Promises: zero stays zero, `quantize(-w)` is the mirror image of `quantize(w)`, no value within
    127 steps moves by more than half a step (but for the last bit of float32), the squared error
    is at most that of the whole range, and quantizing the result again changes nothing.

    Args:
        weights: any shape, finite; the promises hold where the largest magnitude is 0 or within
            1e-36 to 1e38, the normal range of float32.

    Raises:
        ParameterError: a weight is not finite.

    >>> q = quantize([0.5, -2.0, 0.0])
    >>> q.codes.tolist(), round(q.scale, 6)
    ([32, -127, 0], 0.015748)
    """
    real = np.asarray(weights, np.float32)
    _require_finite(real)
    largest = np.max(np.abs(real), initial=0.0) / np.float32(MAX_CODE)
    if largest == 0.0:
        return QuantizedTensor(np.zeros(real.shape, np.int8), 0.0)
    candidates = (_round(real, np.float32(largest * part)) for part in RANGE_FRACTIONS)
    return min(candidates, key=lambda tensor: _squared_error(real, tensor))


def _round(real: Array, scale: np.float32) -> QuantizedTensor:
    codes = np.clip(np.rint(real / scale), -MAX_CODE, MAX_CODE)
    return QuantizedTensor(codes.astype(np.int8), float(scale))


def _squared_error(real: Array, tensor: QuantizedTensor) -> float:
    return float(np.sum(np.square(tensor.values() - real, dtype=np.float64)))


def round_as_paper(weights: npt.ArrayLike) -> Array:
    """Round weights to 256 levels between their minimum and maximum, as the paper does.

    Args:
        weights: any shape, finite.

    Returns: float32 of the same shape. Kept for comparison; model files use `quantize`.
    Raises: ParameterError: a weight is not finite.

    >>> round_as_paper([0.0, 0.3, 255.0]).tolist()
    [0.0, 0.0, 255.0]
    """
    real = np.asarray(weights, np.float32)
    _require_finite(real)
    low, high = np.min(real, initial=np.inf), np.max(real, initial=-np.inf)
    if not high > low:
        return real.copy()
    step = (high - low) / (PAPER_LEVELS - 1)
    rounded: Array = (low + np.rint((real - low) / step) * step).astype(np.float32)
    return rounded


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

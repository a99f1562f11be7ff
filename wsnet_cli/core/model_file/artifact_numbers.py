"""The tensors of a model file: every way of storing the numbers. Specified in docs/format.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from ..model import LayerWeights, Model, real
from ..quant import FULL_BITS, SCHEMES, Array, QuantizedTensor, to_half
from .coding import halves_coded, huffman_coded, pack_codes
from .container import Tensors

PLAIN, PACKED, HUFFMAN = "plain", "packed", "huffman"
BYTE_WIDTH = 8


@dataclass(frozen=True)
class Form:
    """How a file stores weights.

    Args:
        bits: of the codes of each layer with weights, in order; None: they are float32.
        coding: of the codes: `plain`, all of 8 bits and as they are, all that formats 1 and 2
            have; `packed`; or `huffman`.
        scheme: `min-max` where the scale of every part of the weights has an offset behind it.
    """

    bits: tuple[int, ...] | None = None
    coding: str = PLAIN
    scheme: str = SCHEMES[0]


def coded_width(bits: int, coding: str) -> int:
    """Bits that a code takes in the stream of its part: two codes of 4 bits are coded at once."""
    return bits if coding == PACKED or 2 * bits == BYTE_WIDTH else BYTE_WIDTH


def stored_forms(model: Model) -> Iterator[tuple[Form, Tensors]]:
    """Every way of storing the numbers of a model, the plainest first."""
    kept = [own.offsets for own in model.weights if own.offsets is not None]
    offsets: Tensors = {"offsets": np.concatenate(kept)} if kept else {}
    if model.bits == 32:
        weights = [real(part).ravel() for own in model.weights for part in own.parts]
        constants = [c for own in model.weights for c in _constants_of(own)]
        yield Form(), {"weights": _join(weights), "constants": _join(constants), **offsets}
        return
    bits, scheme = model.layer_bits, scheme_of(model)
    halves, scales = _halves_and_scales(model, scheme)
    more: Tensors = {"scales": scales, **offsets}
    if is_plain(model):
        codes = np.concatenate([part.codes.ravel() for part in _codes_of(model)])
        yield Form(bits), {"codes": codes, "constants": halves, **more}
    constants_ = (halves, _as_tensor(halves_coded(halves)))
    for coding, content in ((PACKED, _packed(model)), (HUFFMAN, _huffman(model))):
        for constants__ in constants_:
            tensors = {"codes": _as_tensor(content), "constants": constants__, **more}
            yield Form(bits, coding, scheme), tensors


def is_plain(model: Model) -> bool:
    """Whether formats 1 and 2 can hold its weights: float32, or 8 bits of the symmetric scheme."""
    return model.bits == 32 or (
        all(bits == FULL_BITS for bits in model.layer_bits) and scheme_of(model) == SCHEMES[0]
    )


def scheme_of(model: Model) -> str:
    """That of a file of a quantized model: symmetric where every part is."""
    return SCHEMES[any(part.scheme != SCHEMES[0] for part in _codes_of(model))]


def _codes_of(model: Model) -> Iterator[QuantizedTensor]:
    for own in model.weights:
        for part in own.parts:
            if not isinstance(part, QuantizedTensor):
                raise ParameterError("float32 weights in a quantized model")
            yield part


def _packed(model: Model) -> bytes:
    return b"".join(pack_codes(part.codes.ravel(), part.bits) for part in _codes_of(model))


def _huffman(model: Model) -> bytes:
    """A new Huffman code where the bits change, since codes of each have their own histogram."""
    segments: list[bytes] = []
    before = None
    for part in _codes_of(model):
        content = pack_codes(part.codes.ravel(), coded_width(part.bits, HUFFMAN))
        if part.bits == before:
            segments[-1] += content
        else:
            segments.append(content)
        before = part.bits
    return huffman_coded(segments)


def _halves_and_scales(model: Model, scheme: str) -> tuple[npt.NDArray[np.float16], Array]:
    halves, scales = [], []
    for own in model.weights:
        for part in own.parts:
            assert isinstance(part, QuantizedTensor)
            scales += [part.scale] if scheme == SCHEMES[0] else [part.scale, part.offset]
        for constants in _constants_of(own):
            half, factor = to_half(constants)
            halves.append(half)
            scales.append(factor)
    return np.concatenate(halves), np.array(scales, np.float32)


def _constants_of(own: LayerWeights) -> Iterator[Array]:
    if own.multiplier is not None:
        yield own.multiplier
    yield own.bias


def _as_tensor(content: bytes) -> npt.NDArray[Any]:
    return np.frombuffer(content, np.uint8)


def _join(arrays: list[Array]) -> Array:
    return np.concatenate(arrays).astype(np.float32)

"""The tensors of a model file that may lie, to the weights of a network, checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError
from ..model import LayerWeights, Weights, phi_shape
from ..networks.filters import Offsets
from ..networks.network import Conv, Linear, MapConv, Network
from ..quant import SCHEMES, Array, QuantizedTensor, from_half, max_code
from .artifact_numbers import HUFFMAN, PACKED, PLAIN, Form, coded_width
from .coding import Codes, Halves, halves_decoded, huffman_decoded, packed_bytes, unpack_codes
from .container import Tensors

AnyLayer = Conv | MapConv | Linear
Number = TypeVar("Number", bound=np.generic)


def read_weights(network: Network, form: Form, tensors: Tensors) -> tuple[LayerWeights, ...]:
    """The weights of each layer, in order.

    Raises:
        ParameterError: tensors are missing, too many, of another type or length, coded wrongly, or
            hold what cannot be.
    """
    expected = {"weights" if form.bits is None else "codes", "constants"}
    expected |= set() if form.bits is None else {"scales"}
    expected |= {"offsets"} if network.n_offsets else set()
    if set(tensors) != expected:
        raise ParameterError(f"tensors {sorted(tensors)}; expected {sorted(expected)}")
    if network.n_offsets:
        _check_tensor(tensors, "offsets", np.int16, network.n_offsets)
    places = _Source("offsets", tensors.get("offsets", np.zeros(0, np.int16)))
    source = _Real(network, tensors) if form.bits is None else _Quantized(network, form, tensors)
    layers = tuple(
        _read_layer(layer, number, source, places) for number, layer in enumerate(network.weighted)
    )
    source.finish()
    return layers


def _read_layer(
    layer: AnyLayer, number: int, source: _Real | _Quantized, places: _Source[np.int16]
) -> LayerWeights:
    shapes = part_shapes(layer)
    parts = [source.weights(shape, number) for shape in shapes]
    n_out = layer.shape.n_out
    multiplier = source.constants(n_out) if layer.scaled else None
    bias = source.constants(n_out)
    n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    offsets: Offsets | None = places.take(n_offsets) if n_offsets else None
    return LayerWeights(parts[0], parts[1] if parts[1:] else None, multiplier, bias, offsets)


def part_shapes(layer: AnyLayer) -> list[tuple[int, ...]]:
    """Of the condensed filter, and of the 1x1 if there is one."""
    pointwise = layer.shape.pointwise_shape if isinstance(layer, Conv) else None
    return [phi_shape(layer), *([pointwise] if pointwise else [])]


class _Source(Generic[Number]):
    """Hands out numbers in order."""

    def __init__(self, name: str, numbers: npt.NDArray[Number]) -> None:
        self._name, self._numbers, self._at = name, numbers, 0

    def take(self, n: int) -> npt.NDArray[Number]:
        if self._at + n > self._numbers.size:
            raise ParameterError(f"{self._name} end early; expected more of them")
        self._at += n
        return self._numbers[self._at - n : self._at]

    def finish(self) -> None:
        if self._at != self._numbers.size:
            raise ParameterError(f"{self._numbers.size} {self._name}; expected {self._at}")


class _Real:
    """Float32 weights and constants."""

    def __init__(self, network: Network, tensors: Tensors) -> None:
        _check_tensor(tensors, "constants", np.float32, network.n_constants)
        _check_tensor(tensors, "weights", np.float32, network.n_weights)
        self._weights = _Source("weights", tensors["weights"])
        self._constants = _Source("constants", tensors["constants"])

    def weights(self, shape: tuple[int, ...], number: int) -> Weights:
        return self._weights.take(int(np.prod(shape))).reshape(shape)

    def constants(self, n: int) -> Array:
        return self._constants.take(n)

    def finish(self) -> None:
        self._weights.finish()
        self._constants.finish()


class _Quantized:
    """Codes of each layer's bits, 16-bit constants, and what both are multiplied by."""

    def __init__(self, network: Network, form: Form, tensors: Tensors) -> None:
        assert form.bits is not None
        self._bits, self._scheme = form.bits, form.scheme
        self._constants = _Source("constants", _read_halves(network, form, tensors))
        self._codes = _read_codes(network, form, tensors)
        scales = tensors["scales"]
        if scales.dtype != np.float32 or scales.ndim != 1:
            raise ParameterError("scales are no float32 list")
        self._scales = _Source("scales", scales)

    def weights(self, shape: tuple[int, ...], number: int) -> Weights:
        codes, bits = next(self._codes), self._bits[number]
        scale, offset = self._scale(), 0.0
        if self._scheme == SCHEMES[0]:
            most, lowest = max_code(bits), int(codes.min())
            if lowest < -most:
                raise ParameterError(f"a code is {lowest}; expected {-most} to {most}")
        else:
            offset = self._number("an offset")
        return QuantizedTensor(codes.reshape(shape), scale, bits, offset)

    def constants(self, n: int) -> Array:
        return from_half(self._constants.take(n), self._scale())

    def finish(self) -> None:
        self._scales.finish()

    def _scale(self) -> float:
        value = self._number("a scale")
        if value < 0:
            raise ParameterError(f"a scale is {value}; expected a finite number >= 0")
        return value

    def _number(self, what: str) -> float:
        value = float(self._scales.take(1)[0])
        if not np.isfinite(value):
            raise ParameterError(f"{what} is {value}; expected a finite number")
        return value


def _read_halves(network: Network, form: Form, tensors: Tensors) -> Halves:
    n, constants = network.n_constants, tensors["constants"]
    if form.coding == PLAIN or constants.dtype != np.uint8:
        _check_tensor(tensors, "constants", np.float16, n)
        return constants
    _check_bytes(constants, "constants")
    return halves_decoded(constants.tobytes(), n)


def _read_codes(network: Network, form: Form, tensors: Tensors) -> Iterator[Codes]:
    """The codes of each part."""
    assert form.bits is not None
    if form.coding == PLAIN:
        _check_tensor(tensors, "codes", np.int8, network.n_weights)
    else:
        _check_bytes(tensors["codes"], "codes")
    parts = [
        (int(np.prod(shape)), coded_width(bits, form.coding) if form.coding != PLAIN else 8)
        for layer, bits in zip(network.weighted, form.bits, strict=True)
        for shape in part_shapes(layer)
    ]
    n_bytes = sum(packed_bytes(*part) for part in parts)
    content = tensors["codes"].view(np.uint8)
    if form.coding == HUFFMAN:
        content = huffman_decoded(content.tobytes(), n_bytes)
    elif form.coding == PACKED:
        _check_tensor(tensors, "codes", np.uint8, n_bytes)
    source = _Source("codes", content)
    return (unpack_codes(source.take(packed_bytes(*part)), *part) for part in parts)


def _check_bytes(tensor: npt.NDArray[Any], name: str) -> None:
    if tensor.dtype != np.uint8 or tensor.ndim != 1:
        raise ParameterError(f"{name} are no list of bytes")


def _check_tensor(tensors: Tensors, name: str, dtype: Any, n: int) -> None:
    tensor = tensors[name]
    if tensor.dtype != dtype or tensor.shape != (n,):
        raise ParameterError(
            f"{name}: {tensor.dtype} of shape {tensor.shape}; expected {np.dtype(dtype)} ({n},)"
        )

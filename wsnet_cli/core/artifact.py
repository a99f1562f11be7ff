"""The model file: a `Model` to bytes and back. Specified in docs/format.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .artifact_header import describe, parse_header
from .container import Tensors, pack, read_container, unpack
from .errors import ArtifactError, ParameterError
from .files import write_atomic
from .filters import Offsets
from .model import LayerWeights, Model, Weights, phi_shape, real
from .network import Conv, Layer, Linear, MapConv, Network, ToMap
from .quant import Array, QuantizedTensor, from_half, max_code, to_half

FORMAT_VERSION = 2
"""The newest; raised whenever an older reader would read a file wrongly."""


def save_model(path: Path, model: Model) -> int:
    """Write a model file atomically; return its size in bytes.

    Raises:
        FileError: the system refused.
    """
    content = model_to_bytes(model)
    write_atomic(path, content)
    return len(content)


def load_model(path: Path) -> Model:
    """Read and check a model file.

    Raises:
        ArtifactError: missing, not a model file, cut, altered, of a newer version, or inconsistent.
        FileError: the system refused to read it.
    """
    return model_from_bytes(read_container(path, "a wsnet model file"), str(path))


def model_to_bytes(model: Model) -> bytes:
    """Serialize; equal models give equal bytes.

    32-bit models hold `weights` and `constants` as float32. 8-bit models hold `codes` (int8),
    `constants` (16-bit floats) and `scales` (float32): for each layer the scale of phi, then of
    the 1x1 if there is one, then the factor of the multipliers if it has some, then of the biases.
    Where layers keep offsets, both hold `offsets` (int16) too.
    """
    kept = [own.offsets for own in model.weights if own.offsets is not None]
    more: Tensors = {"offsets": np.concatenate(kept)} if kept else {}
    header = {"format": oldest_format(model), **describe(model)}
    if model.bits == 32:
        weights = [real(w).ravel() for own in model.weights for w in _weights_of(own)]
        constants = [c for own in model.weights for c in _constants_of(own)]
        return pack({"weights": _join(weights), "constants": _join(constants), **more}, header)
    codes, halves, scales = [], [], []
    for own in model.weights:
        for weights_ in _weights_of(own):
            assert isinstance(weights_, QuantizedTensor)
            if weights_.bits != 8 or weights_.scheme != "symmetric":
                raise ParameterError("a model file holds 8-bit symmetric codes")
            codes.append(weights_.codes.ravel())
            scales.append(weights_.scale)
        for constants_ in _constants_of(own):
            half, factor = to_half(constants_)
            halves.append(half)
            scales.append(factor)
    tensors: Tensors = {
        "codes": np.concatenate(codes),
        "constants": np.concatenate(halves),
        "scales": np.array(scales, np.float32),
        **more,
    }
    return pack(tensors, header)


def oldest_format(model: Model) -> int:
    """The first format that holds such a model, so that older readers read what they can."""
    if model.multi_label:
        return 2
    return 1 if all(map(_is_of_the_first_format, model.network.layers)) else 2


def _is_of_the_first_format(layer: Layer) -> bool:
    if isinstance(layer, Conv):
        return layer.shape.is_regular and not layer.shape.signs
    return not isinstance(layer, ToMap | MapConv) and not (
        isinstance(layer, Linear) and layer.scaled
    )


def model_from_bytes(content: bytes, where: str) -> Model:
    """The inverse of `model_to_bytes`; `where` names the source in messages.

    Raises:
        ArtifactError: as `load_model`.
    """
    tensors, header = unpack(content, where)
    version = header.get("format")
    if type(version) is not int or version < 1:
        raise ArtifactError(f"{where}: is no model file; expected one that wsnet train wrote")
    if version > FORMAT_VERSION:
        raise ArtifactError(
            f"{where}: is of format {version}, this wsnet reads up to format {FORMAT_VERSION}; "
            "upgrade wsnet to use it"
        )
    try:
        parsed = parse_header(header)
        with np.errstate(over="ignore", invalid="ignore"):  # Model refuses what is not finite
            weights = _read_weights(parsed.network, parsed.bits, tensors)
            model = Model(weights=weights, **vars(parsed))
        if version < (needed := oldest_format(model)):
            raise ParameterError(f"format = {version}; expected {needed} for such a model")
        return model
    except ParameterError as error:
        raise ArtifactError(f"{where}: is not a valid model: {error}") from error


def _read_weights(
    network: Network, bits: int, tensors: Mapping[str, npt.NDArray[Any]]
) -> tuple[LayerWeights, ...]:
    expected = {"weights", "constants"} if bits == 32 else {"codes", "constants", "scales"}
    expected |= {"offsets"} if network.n_offsets else set()
    if set(tensors) != expected:
        raise ParameterError(f"tensors {sorted(tensors)}; expected {sorted(expected)}")
    _check_tensor(
        tensors, "constants", np.float32 if bits == 32 else np.float16, network.n_constants
    )
    name = "weights" if bits == 32 else "codes"
    _check_tensor(tensors, name, np.float32 if bits == 32 else np.int8, network.n_weights)
    if network.n_offsets:
        _check_tensor(tensors, "offsets", np.int16, network.n_offsets)
    source = _Source(tensors, bits)
    layers = tuple(_read_layer(layer, source) for layer in network.weighted)
    source.finish()
    return layers


def _read_layer(layer: Conv | MapConv | Linear, source: _Source) -> LayerWeights:
    phi = source.weights(phi_shape(layer))
    pointwise_shape = layer.shape.pointwise_shape if isinstance(layer, Conv) else None
    pointwise = source.weights(pointwise_shape) if pointwise_shape else None
    n_out = layer.shape.n_out
    multiplier = source.constants(n_out) if layer.scaled else None
    bias = source.constants(n_out)
    n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    return LayerWeights(phi, pointwise, multiplier, bias, source.offsets(n_offsets))


class _Source:
    """Hands out the packed numbers in order, whatever their bits."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]], bits: int) -> None:
        self._bits = bits
        self._weights = tensors["weights" if bits == 32 else "codes"]
        self._constants = tensors["constants"]
        self._scales = tensors.get("scales", np.zeros(0, np.float32))
        self._offsets = tensors.get("offsets", np.zeros(0, np.int16))
        self._at = {"weights": 0, "constants": 0, "scales": 0, "offsets": 0}

    def weights(self, shape: tuple[int, ...]) -> Weights:
        part = self._take("weights", self._weights, int(np.prod(shape))).reshape(shape)
        if self._bits == 32:
            return part
        most = max_code(8)
        if part.min() < -most:
            raise ParameterError(f"a code is {part.min()}; expected {-most} to {most}")
        return QuantizedTensor(part, self._scale())

    def constants(self, n: int) -> Array:
        part = self._take("constants", self._constants, n)
        return part if self._bits == 32 else from_half(part, self._scale())

    def offsets(self, n: int) -> Offsets | None:
        return self._take("offsets", self._offsets, n) if n else None

    def finish(self) -> None:
        if self._at["scales"] != self._scales.size:
            raise ParameterError(f"{self._scales.size} scales; expected {self._at['scales']}")

    def _scale(self) -> float:
        if self._scales.dtype != np.float32 or self._scales.ndim != 1:
            raise ParameterError("scales are no float32 list")
        value = float(self._take("scales", self._scales, 1)[0])
        if not np.isfinite(value) or value < 0:
            raise ParameterError(f"a scale is {value}; expected a finite number >= 0")
        return value

    def _take(self, name: str, array: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
        start = self._at[name]
        if start + n > array.size:
            raise ParameterError(f"{name} end early; expected more of them")
        self._at[name] = start + n
        return array[start : start + n]


def _check_tensor(tensors: Tensors | Mapping[str, Any], name: str, dtype: Any, n: int) -> None:
    tensor = tensors[name]
    if tensor.dtype != dtype or tensor.shape != (n,):
        raise ParameterError(
            f"{name}: {tensor.dtype} of shape {tensor.shape}; expected {np.dtype(dtype)} ({n},)"
        )


def _weights_of(own: LayerWeights) -> Iterator[Weights]:
    yield own.phi
    if own.pointwise is not None:
        yield own.pointwise


def _constants_of(own: LayerWeights) -> Iterator[Array]:
    if own.multiplier is not None:
        yield own.multiplier
    yield own.bias


def _join(arrays: list[Array]) -> Array:
    return np.concatenate(arrays).astype(np.float32)

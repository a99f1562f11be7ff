"""A trained model in memory: all that is needed to turn audio into scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .calibrating.calibration import UNKNOWN, Calibration
from .errors import ParameterError
from .networks.filters import Offsets, offset_bounds
from .networks.network import Conv, Linear, MapConv, Mean, Network
from .quant import Array, QuantizedTensor, from_half, quantize, to_half
from .quoting import quoted
from .sound.audio import AudioSettings

Weights = Array | QuantizedTensor
"""Real weights, or codes with their scale."""


@dataclass(frozen=True)
class LayerWeights:
    """The numbers of one weighted layer.

    Args:
        phi: condensed filter: [L*, M*] of a convolution, [length] of a linear layer; float32 or
            codes, of as many bits as those of the 1x1.
        pointwise: [N, D*N] after denser sampling, or None.
        multiplier: [N] float32 per output channel, or None where the layer has none.
        bias: [N] float32.
        offsets: [D*N] int16, in units of 1/256 row, or None where filters are at regular places.
    """

    phi: Weights
    pointwise: Weights | None
    multiplier: Array | None
    bias: Array
    offsets: Offsets | None = None

    @property
    def parts(self) -> Iterator[Weights]:
        """The condensed filter, then the 1x1 if there is one."""
        yield self.phi
        if self.pointwise is not None:
            yield self.pointwise


@dataclass(frozen=True)
class Model:
    """Network, weights, labels and audio settings.

    Args:
        network: the layers.
        weights: one entry for each of `network.weighted`, in order.
        labels: one per class, in the order of the logits.
        audio: how a clip becomes windows.
        bits: 32 (float32 weights and constants), or of the codes of the layer that has the most
            (every weight a code, and constants at 16 bits).
        provenance: where the model comes from: plain words and numbers, no date, host or path.
        multi_label: whether each label is there or not, whatever the others are, so that a score
            is the sigmoid of its logit; else one of them is, and scores are a softmax.
        calibration: how logits become scores and scores a decision.

    Raises:
        ParameterError: the parts do not fit each other.
    """

    network: Network
    weights: tuple[LayerWeights, ...]
    labels: tuple[str, ...]
    audio: AudioSettings
    bits: int = 32
    provenance: Mapping[str, str | int | float] = field(default_factory=dict)
    multi_label: bool = False
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        if len(self.labels) != self.network.n_classes:
            raise ParameterError(
                f"{len(self.labels)} labels for {self.network.n_classes} logits; expected as many"
            )
        if len(set(self.labels)) != len(self.labels):
            raise ParameterError("two labels are equal; expected labels that differ")
        _check_json(self.labels, self.provenance)
        if len(self.weights) != len(self.network.weighted):
            raise ParameterError(
                f"weights for {len(self.weights)} layers; expected {len(self.network.weighted)}"
            )
        for layer, own in zip(self.network.weighted, self.weights, strict=True):
            _check_layer(layer, own)
        if self.bits != 32 and self.bits != (most := max(map(_bits_of, self.weights))):
            raise ParameterError(f"bits = {self.bits}; expected 32, or the most of a layer, {most}")
        if self.calibration.thresholds is not None:
            n = len(self.calibration.thresholds)
            if n != len(self.labels):
                raise ParameterError(f"{n} thresholds for {len(self.labels)} labels")
        if self.calibration.decides and UNKNOWN in self.labels:
            raise ParameterError(f"a label {UNKNOWN!r} beside thresholds; expected another name")

    @property
    def layer_bits(self) -> tuple[int, ...]:
        """Of the weights of each layer that has some, in order."""
        return tuple(32 if self.bits == 32 else _bits_of(own) for own in self.weights)


def _bits_of(own: LayerWeights) -> int:
    """Of a layer's weights: 32 where one part is float32."""
    return max(p.bits if isinstance(p, QuantizedTensor) else 32 for p in own.parts)


def cut_last_convolution(model: Model) -> Model | None:
    """The model without its last layer with weights, a convolution: its channels, averaged.

    Args:
        model: whose last layer with weights is a convolution, so that a mean over time follows.

    Returns: a model whose outputs are the channels that this layer takes, each averaged over time,
        labelled by their numbers; None where no layer with weights is left.
    """
    if len(model.weights) == 1:
        return None
    layers = model.network.layers
    body = layers[: layers.index(model.network.weighted[-1])]
    labels = tuple(str(number) for number in range(model.network.n_features))
    return replace(
        model,
        network=Network((*body, Mean())),
        weights=model.weights[:-1],
        labels=labels,
        bits=max(model.layer_bits[:-1]),
        calibration=Calibration(),
    )


def real(weights: Weights) -> Array:
    """Weights as float32, whatever form they have."""
    return weights.values() if isinstance(weights, QuantizedTensor) else weights


def compress(model: Model, bits: int | Sequence[int] = 8, scheme: str = "symmetric") -> Model:
    """The quantized form: codes with one scale per tensor, multipliers and biases at 16 bits.

    A layer whose codes have no more bits already stays as it is, whatever its scheme, so that
    compressing again changes nothing.

    Args:
        model: float32 or quantized.
        bits: 8, 6, 5 or 4, of all layers or one for each of `network.weighted`.
        scheme: `symmetric` or `min-max` (see `quant.quantize`).

    Raises:
        ParameterError: bits or scheme are none of those, or bits are not as many as layers.
    """
    each = [bits] * len(model.weights) if isinstance(bits, int) else list(bits)
    if len(each) != len(model.weights):
        raise ParameterError(f"bits of {len(each)} layers; expected {len(model.weights)}")
    weights = tuple(
        _compress_layer(*pair, scheme) for pair in zip(model.weights, each, strict=True)
    )
    return replace(model, bits=max(map(_bits_of, weights)), weights=weights)


def _compress_layer(own: LayerWeights, bits: int, scheme: str) -> LayerWeights:
    return LayerWeights(
        _compress_part(own.phi, bits, scheme),
        None if own.pointwise is None else _compress_part(own.pointwise, bits, scheme),
        None if own.multiplier is None else from_half(*to_half(own.multiplier)),
        from_half(*to_half(own.bias)),
        own.offsets,
    )


def _compress_part(part: Weights, bits: int, scheme: str) -> QuantizedTensor:
    if isinstance(part, QuantizedTensor) and part.bits <= bits:
        return part
    return quantize(real(part), bits, scheme)


def phi_shape(layer: Conv | MapConv | Linear) -> tuple[int, ...]:
    """The shape of the condensed filter of a layer."""
    if isinstance(layer, Linear):
        return (layer.shape.n_weights,)
    return (layer.shape.condensed_length, layer.shape.condensed_channels)


def _check_layer(layer: Conv | MapConv | Linear, own: LayerWeights) -> None:
    pointwise_shape = layer.shape.pointwise_shape if isinstance(layer, Conv) else None
    n_out = layer.shape.n_out
    expected = (phi_shape(layer), pointwise_shape, (n_out,) if layer.scaled else None, (n_out,))
    found = (_shape(own.phi), _shape(own.pointwise), _shape(own.multiplier), _shape(own.bias))
    if found != expected:
        raise ParameterError(f"{layer.name}: arrays of shapes {found}; expected {expected}")
    pointwise = None if own.pointwise is None else real(own.pointwise)
    for array in (real(own.phi), pointwise, own.multiplier, own.bias):
        if array is not None and not np.isfinite(array).all():
            raise ParameterError(f"{layer.name}: NaN or infinity among its numbers")
    _check_offsets(layer, own.offsets)


def _check_offsets(layer: Conv | MapConv | Linear, offsets: Offsets | None) -> None:
    """Every window lies inside Phi."""
    n = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    found = None if offsets is None else (offsets.dtype.name, offsets.shape)
    if found != (("int16", (n,)) if n else None):
        raise ParameterError(f"{layer.name}: offsets {found}; expected {n} of int16")
    if offsets is None or not isinstance(layer, Conv):
        return
    least, most = offset_bounds(layer.shape)
    outside = np.flatnonzero((offsets < least) | (offsets > most))
    if len(outside):
        n = int(outside[0])
        raise ParameterError(
            f"{layer.name}: the offset of filter {n} is {offsets[n]}; "
            f"expected {least[n]} to {most[n]}"
        )


def _check_json(labels: tuple[str, ...], provenance: Mapping[str, str | int | float]) -> None:
    """A model file holds them as JSON in UTF-8, which has neither half characters nor NaN."""
    for word in (*labels, *provenance, *(v for v in provenance.values() if isinstance(v, str))):
        if any("\ud800" <= character <= "\udfff" for character in word):
            raise ParameterError(
                f"{quoted(word)} is not Unicode; expected a name in whole characters"
            )
    for key, value in provenance.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(f"provenance: {quoted(key)} = {value}; expected a finite number")


def _shape(weights: Weights | None) -> tuple[int, ...] | None:
    if weights is None:
        return None
    return weights.codes.shape if isinstance(weights, QuantizedTensor) else weights.shape

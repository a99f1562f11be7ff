"""A model at any number of bits: quantized where asked for, by layers, and what that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..model import LayerWeights, Model, compress, real
from ..model_file.artifact import model_to_bytes
from ..quant import BITS, QuantizedTensor
from .bit_allocation import Allocation, Choice


class LayerForms:
    """The quantized forms of a model's layers.

    Args:
        model: float32 or quantized; a layer keeps the bits it has where it has few already.
        scheme: as `core.quant.quantize` takes it.

    Attributes:
        model: the one given.
        scheme: the one given.
        bits: for each weighted layer, the numbers of bits that it can have, from few to many.
    """

    def __init__(self, model: Model, scheme: str = "symmetric") -> None:
        self.model, self.scheme = model, scheme
        self.bits = tuple(
            tuple(sorted({min(bits, own) for bits in BITS})) for own in model.layer_bits
        )
        self._compressed: dict[int, Model] = {}
        self._sizes: dict[Allocation, int] = {}

    @property
    def least(self) -> Allocation:
        """The fewest bits everywhere."""
        return tuple(layer[0] for layer in self.bits)

    @property
    def most(self) -> Allocation:
        """The most bits everywhere: 8, but where a layer has fewer already."""
        return tuple(layer[-1] for layer in self.bits)

    def at(self, bits: int) -> Allocation:
        """So many bits everywhere, fewer where a layer has fewer already."""
        return tuple(min(bits, own) for own in self.model.layer_bits)

    def layer(self, number: int, bits: int) -> LayerWeights:
        """The numbers of one layer at so many bits, one of `self.bits[number]`."""
        if bits not in self._compressed:
            self._compressed[bits] = compress(self.model, bits, self.scheme)
        return self._compressed[bits].weights[number]

    def make(self, allocation: Allocation) -> Model:
        """The model whose layers have these bits: what `core.model.compress` gives."""
        weights = tuple(self.layer(i, bits) for i, bits in enumerate(allocation))
        return replace(self.model, bits=max(allocation), weights=weights)

    def n_bytes(self, allocation: Allocation) -> int:
        """Of the file of that model, exactly."""
        if allocation not in self._sizes:
            self._sizes[allocation] = len(model_to_bytes(self.make(allocation)))
        return self._sizes[allocation]

    def choices(self, losses: Sequence[Sequence[float]]) -> list[list[Choice]]:
        """What each layer can have: its bits, the entropy of its codes in bytes, and its loss.

        A file's entropy coding comes near to the entropy of each layer's codes, so that their sum
        ranks files by size before they are made.

        Args:
            losses: for each layer, that of each of its `bits`.
        """
        return [
            [
                Choice(bits, _entropy_bytes(self.layer(number, bits)), loss)
                for bits, loss in zip(self.bits[number], of_layer, strict=True)
            ]
            for number, of_layer in enumerate(losses)
        ]

    def weight_errors(self) -> list[list[float]]:
        """For each layer and each of its bits, the noise of rounding relative to the weights.

        That is the squared error over the squared weights, summed over a layer's condensed filter
        and 1x1. Where layers are linear and their errors independent, these ratios add up to that
        of the output; they know nothing of the classes.
        """
        return [
            [_noise_ratio(self.model.weights[i], self.layer(i, bits)) for bits in of_layer]
            for i, of_layer in enumerate(self.bits)
        ]


def _entropy_bytes(own: LayerWeights) -> float:
    total = 0.0
    for part in own.parts:
        assert isinstance(part, QuantizedTensor)
        counts = np.bincount(part.codes.ravel().astype(np.int64) + 128)
        counts = counts[counts > 0]
        total += float(-(counts * np.log2(counts / counts.sum())).sum()) / 8
    return max(total, 0.0)


def _noise_ratio(before: LayerWeights, after: LayerWeights) -> float:
    total = 0.0
    for one, other in zip(before.parts, after.parts, strict=True):
        signal = np.asarray(real(one), np.float64)
        power = float(np.square(signal).sum())
        noise = float(np.square(signal - real(other)).sum())
        total += noise / power if power else 0.0
    return total

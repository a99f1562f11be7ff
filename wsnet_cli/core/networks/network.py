"""A network as a plain list of layers: what the model file holds and every engine runs.

Engines know the kinds of layer of `layers.py` and nothing of presets or architectures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ParameterError
from .layers import Conv, Flatten, Layer, Linear, MapConv, Mean, Pool, ToMap
from .sampling import Cost

__all__ = ["Conv", "Flatten", "Layer", "Linear", "MapConv", "Mean", "Network", "Pool", "ToMap"]


@dataclass(frozen=True)
class Network:
    """Layers in order, from one channel of audio to one logit per class.

    Raises:
        ParameterError: the channels or bands of neighbouring layers do not fit, names repeat, there
            is no layer with weights, or not exactly one that reduces time.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ParameterError(f"layers = {', '.join(names)}; expected names that differ")
        _check_chain(self.layers)
        if not self.weighted:
            raise ParameterError("the network has no weights; expected a convolution or more")

    @property
    def weighted(self) -> tuple[Conv | MapConv | Linear, ...]:
        """The layers that have weights, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | MapConv | Linear))

    @property
    def convolutions(self) -> tuple[Conv | MapConv, ...]:
        """The convolutions, in one dimension and in two, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | MapConv))

    @property
    def n_bands(self) -> int:
        """Bands of the map that is averaged at the end; 1 where there are no maps."""
        if not any(isinstance(layer, ToMap) for layer in self.layers):
            return 1
        last = self.convolutions[-1]
        return last.n_out_bands if isinstance(last, MapConv) else last.shape.n_out

    @property
    def n_classes(self) -> int:
        """Logits that come out."""
        last = self.weighted[-1]
        is_bare_map = isinstance(last, Conv) and self.n_bands > 1
        return 1 if is_bare_map else last.shape.n_out

    @property
    def n_features(self) -> int:
        """Inputs of the last layer with weights: its channels, where it is a convolution."""
        return self.weighted[-1].shape.n_in

    @property
    def n_weights(self) -> int:
        """Learned weights without multipliers and biases."""
        return sum(layer.shape.n_weights for layer in self.weighted)

    @property
    def n_constants(self) -> int:
        """Multipliers and biases of all layers."""
        return sum(layer.n_constants for layer in self.weighted)

    @property
    def n_offsets(self) -> int:
        """Offsets of filters that are kept with the weights."""
        return sum(layer.shape.n_offsets for layer in self.convolutions if isinstance(layer, Conv))

    @property
    def n_parameters(self) -> int:
        """Weights, multipliers, biases and offsets."""
        return self.n_weights + self.n_constants + self.n_offsets

    @property
    def n_dense_parameters(self) -> int:
        """The parameters of the same network without any sampling: the honest denominator."""
        return sum(w.shape.n_dense_weights + w.n_dense_constants for w in self.weighted)

    @property
    def min_samples(self) -> int:
        """The shortest input, in samples, that leaves at least one value at the end."""
        needed = 1
        for layer in reversed(self.convolutions):
            needed = layer.input_length(needed)
        return needed

    @property
    def receptive_field(self) -> int:
        """Samples of input that one value after the last convolution depends on."""
        n_samples, hop = 1, 1
        for layer in self.convolutions:
            n_samples += (layer.shape.length - 1) * hop
            hop *= layer.shape.stride
            if layer.pool:
                n_samples += (layer.pool.size - 1) * hop
                hop *= layer.pool.stride
        return n_samples

    def lengths(self, n_samples: int) -> tuple[int, ...]:
        """Time steps after each convolution for an input of `n_samples`.

        Raises:
            ParameterError: the input is too short; the message says what length is needed.
        """
        if n_samples < self.min_samples:
            raise ParameterError(
                f"an input of {n_samples} samples is too short for this network; "
                f"expected at least {self.min_samples} samples"
            )
        lengths = []
        for layer in self.convolutions:
            n_samples = layer.output_length(n_samples)
            lengths.append(n_samples)
        return tuple(lengths)

    def costs(self, n_samples: int, way: str) -> tuple[Cost, ...]:
        """Arithmetic of each weighted layer on one input, computed `way` where a layer can.

        A dense layer, which shares nothing, is counted as dense whatever `way` says, and a sampled
        layer that shares over channels alone (of maps, or with irregular offsets) as folded if
        `way` is not dense.
        """
        inputs = (n_samples, *self.lengths(n_samples))
        costs = []
        for i, layer in enumerate(self.weighted):
            if isinstance(layer, Linear):
                costs.append(layer.shape.cost)
                continue
            layer_way = way if layer.shape.sampling else "dense"
            if layer_way != "dense" and not (
                isinstance(layer, Conv) and layer.shape.has_way(layer_way)
            ):
                layer_way = "folded"
            costs.append(layer.shape.cost(inputs[i], layer_way))
        return tuple(costs)


def _check_chain(layers: Sequence[Layer]) -> None:
    """Follow the channels through; a Flatten makes the input of the next layer its own affair."""
    n_channels: int | None = 1
    n_bands: int | None = None  # of maps
    flat = False
    for layer in layers:
        if isinstance(layer, Mean | Flatten):
            _check_reduction(layer, flat, n_bands)
            flat = True
            n_channels = n_channels if isinstance(layer, Mean) else None
            continue
        if isinstance(layer, ToMap):
            if layer is layers[0] or flat or n_bands is not None:
                raise ParameterError(f"{layer.name}: expected a convolution before it")
            n_channels, n_bands = 1, n_channels
            continue
        _check_place(layer, flat, n_bands)
        if n_channels is not None and layer.shape.n_in != n_channels:
            raise ParameterError(
                f"{layer.name}: n_in = {layer.shape.n_in}; expected {n_channels}, "
                "the channels of the layer before it"
            )
        n_channels = layer.shape.n_out
        n_bands = layer.n_out_bands if isinstance(layer, MapConv) else n_bands
    if layers and isinstance(layers[-1], Flatten):
        raise ParameterError(f"{layers[-1].name}: expected a linear layer after it")
    if not flat:
        raise ParameterError("the network never reduces time; expected a mean or flatten layer")


def _check_reduction(layer: Mean | Flatten, flat: bool, n_bands: int | None) -> None:
    if flat:
        raise ParameterError(f"{layer.name}: time is reduced already; expected one such layer")
    if isinstance(layer, Flatten) and n_bands is not None:
        raise ParameterError(f"{layer.name}: expected a mean after maps")


def _check_place(layer: Conv | MapConv | Linear, flat: bool, n_bands: int | None) -> None:
    if isinstance(layer, Linear):
        if not flat:
            raise ParameterError(f"{layer.name}: expected a mean or flatten layer before it")
        return
    if flat:
        raise ParameterError(f"{layer.name}: a convolution cannot come after time is reduced")
    if isinstance(layer, Conv):
        if n_bands is not None:
            raise ParameterError(f"{layer.name}: expected a convolution of maps after a map")
    elif layer.shape.n_bands != n_bands:
        raise ParameterError(
            f"{layer.name}: n_bands = {layer.shape.n_bands}; expected {n_bands or 'a map'}, "
            "of the layer before it"
        )

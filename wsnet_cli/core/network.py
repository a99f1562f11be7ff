"""A network as a plain list of layers: what the model file holds and every engine runs.

Engines know these four layers and nothing of presets or architectures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ParameterError
from .sampling import ConvShape, Cost, LinearShape


@dataclass(frozen=True)
class Pool:
    """Max pooling along time without padding: windows of `size` samples every `stride`."""

    size: int
    stride: int

    def __post_init__(self) -> None:
        if self.size < 1 or self.stride < 1:
            raise ParameterError(f"pool = {self.size}/{self.stride}; expected integers >= 1")

    def output_length(self, n_samples: int) -> int:
        """Outputs for `n_samples` inputs; 0 or less where they are too few."""
        return (n_samples - self.size) // self.stride + 1

    def input_length(self, n_outputs: int) -> int:
        """The shortest input that gives `n_outputs` outputs."""
        return (n_outputs - 1) * self.stride + self.size


@dataclass(frozen=True)
class Conv:
    """Convolution, then multiplier and bias per output channel, then ReLU, then max pooling.

    Args:
        name: unique within a network, for tables and messages.
        shape: the convolution's geometry.
        scaled: whether there is a multiplier (batch norm in training); a bias there always is.
        relu: whether negative values become zero.
        pool: pooling after the activation, or None.
    """

    name: str
    shape: ConvShape
    scaled: bool = True
    relu: bool = True
    pool: Pool | None = None

    def output_length(self, n_samples: int) -> int:
        """Outputs after pooling; 0 or less where the input is too short."""
        n = self.shape.output_length(n_samples)
        return self.pool.output_length(n) if self.pool and n >= 1 else n

    def input_length(self, n_outputs: int) -> int:
        """The shortest input that gives at least `n_outputs` outputs after pooling."""
        return self.shape.input_length(
            self.pool.input_length(n_outputs) if self.pool else n_outputs
        )

    @property
    def n_constants(self) -> int:
        """Multipliers and biases."""
        return self.shape.n_out * (2 if self.scaled else 1)


@dataclass(frozen=True)
class Mean:
    """The mean over time: [channels, time] to [channels]."""

    name: str = "mean"


@dataclass(frozen=True)
class Flatten:
    """[channels, time] to [channels * time], channel by channel."""

    name: str = "flatten"


@dataclass(frozen=True)
class Linear:
    """A fully connected layer with bias, then ReLU where asked for."""

    name: str
    shape: LinearShape
    relu: bool = False

    @property
    def n_constants(self) -> int:
        """Biases."""
        return self.shape.n_out


Layer = Conv | Mean | Flatten | Linear


@dataclass(frozen=True)
class Network:
    """Layers in order, from one channel of audio to one logit per class.

    Raises:
        ParameterError: the channels of neighbouring layers do not fit, names repeat, there is no
            layer with weights, or not exactly one that reduces time.
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
    def weighted(self) -> tuple[Conv | Linear, ...]:
        """The layers that have weights, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv | Linear))

    @property
    def convolutions(self) -> tuple[Conv, ...]:
        """The convolutions, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv))

    @property
    def n_classes(self) -> int:
        """Logits that come out."""
        return self.weighted[-1].shape.n_out

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
    def n_parameters(self) -> int:
        """Weights, multipliers and biases."""
        return self.n_weights + self.n_constants

    @property
    def n_dense_parameters(self) -> int:
        """The parameters of the same network without any sampling: the honest denominator."""
        return sum(layer.shape.n_dense_weights for layer in self.weighted) + self.n_constants

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

        A dense layer, which shares nothing, is counted as dense whatever `way` says.
        """
        inputs = (n_samples, *self.lengths(n_samples))
        costs = []
        for i, layer in enumerate(self.weighted):
            if isinstance(layer, Linear):
                costs.append(layer.shape.cost)
            else:
                layer_way = way if layer.shape.sampling else "dense"
                costs.append(layer.shape.cost(inputs[i], layer_way))
        return tuple(costs)


def _check_chain(layers: Sequence[Layer]) -> None:
    """Follow the channels through; a Flatten makes the input of the next layer its own affair."""
    n_channels: int | None = 1
    flat = False
    for layer in layers:
        if isinstance(layer, Mean | Flatten):
            if flat:
                raise ParameterError(
                    f"{layer.name}: time is reduced already; expected one such layer"
                )
            flat = True
            n_channels = n_channels if isinstance(layer, Mean) else None
            continue
        if isinstance(layer, Conv) and flat:
            raise ParameterError(f"{layer.name}: a convolution cannot come after time is reduced")
        if isinstance(layer, Linear) and not flat:
            raise ParameterError(f"{layer.name}: expected a mean or flatten layer before it")
        if n_channels is not None and layer.shape.n_in != n_channels:
            raise ParameterError(
                f"{layer.name}: n_in = {layer.shape.n_in}; expected {n_channels}, "
                "the channels of the layer before it"
            )
        n_channels = layer.shape.n_out
    if layers and isinstance(layers[-1], Flatten):
        raise ParameterError(f"{layers[-1].name}: expected a linear layer after it")
    if not flat:
        raise ParameterError("the network never reduces time; expected a mean or flatten layer")

"""The kinds of layer that a network is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ParameterError
from .maps import MapShape
from .sampling import ConvShape, LinearShape


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


class _Timed:
    """What convolutions of both kinds have in common: how they change time, and their constants."""

    shape: ConvShape | MapShape
    scaled: bool
    relu: bool
    pool: Pool | None

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
    def is_normed(self) -> bool:
        """Whether batch norm gives multiplier and bias in training; else they are learned plainly.

        A ReLU must follow: without one the layer gives logits, whose spread is theirs to choose.
        """
        return self.scaled and self.relu

    @property
    def n_constants(self) -> int:
        """Multipliers and biases."""
        return self.shape.n_out * (2 if self.scaled else 1)

    @property
    def n_dense_constants(self) -> int:
        """Those of the dense layer, which needs no multiplier beside batch norm's."""
        return self.shape.n_out * (2 if self.is_normed else 1)


@dataclass(frozen=True)
class Conv(_Timed):
    """Convolution, then multiplier and bias per output channel, then ReLU, then max pooling.

    Args:
        name: unique within a network, for tables and messages.
        shape: the convolution's geometry.
        scaled: whether there is a multiplier (see `is_normed`); a bias there always is.
        relu: whether negative values become zero.
        pool: pooling after the activation, or None.
    """

    name: str
    shape: ConvShape
    scaled: bool = True
    relu: bool = True
    pool: Pool | None = None


@dataclass(frozen=True)
class ToMap:
    """Channels become frequency: [channels, time] to one map [1, channels, time]."""

    name: str = "to-map"


@dataclass(frozen=True)
class MapConv(_Timed):
    """As `Conv`, on maps of frequency and time: [maps, bands, time].

    Args:
        name: unique within a network, for tables and messages.
        shape: the convolution's geometry.
        scaled: whether there is a multiplier for each map (batch norm in training).
        relu: whether negative values become zero.
        pool: max pooling along time after the activation, or None.
        band_pool: bands in a maximum, without overlap; what is left over at the top is dropped.

    Raises:
        ParameterError: band_pool is not within the bands.
    """

    name: str
    shape: MapShape
    scaled: bool = True
    relu: bool = True
    pool: Pool | None = None
    band_pool: int = 1

    def __post_init__(self) -> None:
        n_bands = self.shape.n_out_bands
        if not 1 <= self.band_pool <= n_bands:
            raise ParameterError(f"band_pool = {self.band_pool}; expected 1 to the {n_bands} bands")

    @property
    def n_out_bands(self) -> int:
        """Bands after pooling."""
        return self.shape.n_out_bands // self.band_pool


@dataclass(frozen=True)
class Mean:
    """The mean over time, of maps over bands too: [channels, time] to [channels]."""

    name: str = "mean"


@dataclass(frozen=True)
class Flatten:
    """[channels, time] to [channels * time], channel by channel."""

    name: str = "flatten"


@dataclass(frozen=True)
class Linear:
    """A fully connected layer, then multiplier and bias per output, then ReLU where asked for.

    Args:
        name: unique within a network, for tables and messages.
        shape: the layer's geometry.
        relu: whether negative values become zero.
        scaled: whether there is a multiplier; a bias there always is.
    """

    name: str
    shape: LinearShape
    relu: bool = False
    scaled: bool = False

    @property
    def n_constants(self) -> int:
        """Multipliers and biases."""
        return self.shape.n_out * (2 if self.scaled else 1)

    @property
    def n_dense_constants(self) -> int:
        """Biases: the dense layer needs no multiplier."""
        return self.shape.n_out


Layer = Conv | ToMap | MapConv | Mean | Flatten | Linear

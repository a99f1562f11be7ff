"""Sampled convolutions in two dimensions: shape, weights and cost, stated once for everyone.

A map has frequency and time: [maps, bands, time]. A filter has `height` taps along frequency and
`length` along time, in each of the M input maps. Its taps are numbered time step by time step,
`l = length_tap * height + height_tap`, and then it is sampled from a condensed filter as in one
dimension: filter n is the window of `height * length` rows of Phi from row n * S on, and the M*
columns serve C groups of input maps. docs/method.md says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..checks import check
from .sampling import ConvShape, Cost, Sampling

WAYS = ("dense", "folded")
"""The ways of computing a sampled convolution of maps, both with the same result."""


@dataclass(frozen=True)
class MapShape:
    """The geometry of one 2-D convolution without bias, dense or sampled.

    Args:
        n_in: M, input maps, >= 1.
        n_out: N, output maps, >= 1.
        n_bands: F, bands of the input, >= 1.
        height: taps of a filter along frequency, >= 1.
        length: taps of a filter along time, >= 1.
        stride: s, bands and time steps of the input between outputs, >= 1.
        band_padding: zeros below and above the bands, >= 0.
        padding: zeros on either side along time, >= 0.
        sampling: S, C, group offset and signs of the filters, or None for a dense layer.

    Raises:
        ParameterError: a value is out of range, S > height * length, C does not divide M, sampling
            by anything else, or filters higher than the padded bands; the message starts
            with the field's name.

    >>> shape = MapShape(64, 128, 16, 3, 3, 1, 1, 1, Sampling(stride=3, channel_factor=8))
    >>> shape.condensed_length, shape.n_weights, round(shape.compactness, 1), shape.n_out_bands
    (390, 3120, 23.6, 16)
    """

    n_in: int
    n_out: int
    n_bands: int
    height: int
    length: int
    stride: int = 1
    band_padding: int = 0
    padding: int = 0
    sampling: Sampling | None = None

    def __post_init__(self) -> None:
        for name in ("n_bands", "height", "length", "stride"):
            check(name, getattr(self, name), getattr(self, name) >= 1, "an integer >= 1")
        for name in ("band_padding", "padding"):
            check(name, getattr(self, name), getattr(self, name) >= 0, "an integer >= 0")
        if self.sampling is not None:
            own = self.sampling
            plain = replace(own, denser=1, offsets="regular")
            for name, value in vars(own).items():
                only = getattr(plain, name)
                check(name, value, value == only, f"{only} in a convolution of maps")
        n_padded = self.n_bands + 2 * self.band_padding
        check("height", self.height, self.height <= n_padded, f"1 to the {n_padded} bands")
        _ = self.taps  # refuses the rest

    @property
    def taps(self) -> ConvShape:
        """A layer in one dimension with the same weights: its taps are those of both dimensions."""
        return ConvShape(self.n_in, self.n_out, self.height * self.length, sampling=self.sampling)

    @property
    def n_sampled(self) -> int:
        """N: there is no denser sampling of maps."""
        return self.n_out

    @property
    def filter_step(self) -> int:
        """Rows of Phi between neighbouring filters: S, or height * length for a dense layer."""
        return self.taps.filter_step

    @property
    def condensed_length(self) -> int:
        """L* = height * length + (N - 1) * S + (C - 1) * Delta, the rows of Phi."""
        return self.taps.condensed_length

    @property
    def condensed_channels(self) -> int:
        """M* = M / C, the columns of Phi."""
        return self.taps.condensed_channels

    @property
    def folded_channels(self) -> int:
        """Input maps that are left when groups are summed first: M*, or M with a group offset."""
        return self.taps.folded_channels

    @property
    def signs(self) -> bool:
        """Whether input maps have fixed signs."""
        return self.taps.signs

    @property
    def pointwise_shape(self) -> None:
        """There is no 1x1 convolution after a layer of maps."""

    @property
    def n_weights(self) -> int:
        """Learned weights: those of Phi."""
        return self.taps.n_weights

    @property
    def n_dense_weights(self) -> int:
        """All height * length * M * N weights of the dense layer of the same geometry."""
        return self.taps.n_dense_weights

    @property
    def compactness(self) -> float:
        """Dense weights over learned ones."""
        return self.taps.compactness

    @property
    def n_out_bands(self) -> int:
        """Bands of the output."""
        return (self.n_bands + 2 * self.band_padding - self.height) // self.stride + 1

    def output_length(self, n_samples: int) -> int:
        """Time steps for an input of `n_samples`; 0 or less where the input is too short."""
        return (n_samples + 2 * self.padding - self.length) // self.stride + 1

    def input_length(self, n_outputs: int) -> int:
        """The shortest input that gives at least `n_outputs` >= 1 time steps."""
        return max(1, (n_outputs - 1) * self.stride + self.length - 2 * self.padding)

    def cost(self, n_samples: int, way: str) -> Cost:
        """Arithmetic for an input of `n_samples` time steps, padding counted as input.

        Args:
            n_samples: at least `input_length(1)`.
            way: `dense` (the expanded filters) or `folded` (groups of maps summed first).

        Raises:
            ParameterError: an unknown way, or an input too short.
        """
        check("way", way, way in WAYS, ", ".join(WAYS))
        n_outputs = self.output_length(n_samples)
        check("n_samples", n_samples, n_outputs >= 1, f"at least {self.input_length(1)}")
        n_columns = self.n_in if way == "dense" else self.folded_channels
        return Cost(
            math.prod((n_outputs, self.n_out_bands, self.height, self.length, n_columns))
            * self.n_out,
            n_samples * self.n_bands * (self.n_in - n_columns),
        )

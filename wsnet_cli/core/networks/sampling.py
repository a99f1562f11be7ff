"""Weight sampling: the shape, the weights and the cost of a layer, stated once for everyone.

Notation, as in the paper: a layer has M input channels, N filters of length L, convolution stride
s and padding; its filters are windows of a condensed filter Phi (L* rows, M* columns), taken every
S rows, and the M* columns serve C groups of input channels.

Source: X. Jin et al., WSNet: Compact and Efficient Networks Through Weight Sampling, ICML 2018,
arXiv:1711.10067. The diagonal recurrence is this project's own; docs/method.md derives it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..checks import check
from .costs import Cost, count_pairs
from .linear_shape import LinearShape

__all__ = [
    "OFFSETS",
    "PLACES_A_ROW",
    "SHARING_WAYS",
    "WAYS",
    "ConvShape",
    "Cost",
    "LinearShape",
    "Sampling",
]

WAYS = ("dense", "folded", "integral", "recurrence")
"""The ways of computing a sampled convolution, all with the same result."""
SHARING_WAYS = ("integral", "recurrence")
"""Those that share products over time, which only regular offsets allow."""
OFFSETS = ("regular", "random", "learned")
"""Where windows begin: every S/D rows; at places drawn once; at places that are learned."""
PLACES_A_ROW = 256
"""Places between two rows of Phi at which a window may begin, where offsets are not regular."""


@dataclass(frozen=True)
class Sampling:
    """How the filters of one layer are sampled from its condensed filter.

    Args:
        stride: S, rows between neighbouring filters before denser sampling; 1 <= S <= L.
        channel_factor: C, how many groups of input channels share the columns; divides M.
        denser: D, how many times N filters are sampled, mapped back to N by a learned 1x1
            convolution; divides S. 1 means no 1x1.
        offsets: one of OFFSETS. Filter n begins at row n*S/D, or at a deviation from it that is
            kept with the weights; between two rows it is interpolated.
        group_offset: Delta, rows by which each group of channels begins later than the one before.
        signs: whether input channels are multiplied by fixed signs (`core/networks/filters.py`).
    """

    stride: int
    channel_factor: int = 1
    denser: int = 1
    offsets: str = "regular"
    group_offset: int = 0
    signs: bool = False


@dataclass(frozen=True)
class ConvShape:
    """The geometry of one 1-D convolution without bias, dense or sampled.

    Args:
        n_in: M, input channels, >= 1.
        n_out: N, output channels, >= 1.
        length: L, taps of a filter, >= 1.
        stride: s, input samples between outputs, >= 1.
        padding: zeros on either side of the input, >= 0.
        sampling: how the filters are sampled, or None for a dense layer.

    Raises:
        ParameterError: a value is out of range, S > L, C does not divide M, D does not divide S,
            or there are group offsets or signs without groups; the message starts with the
            field's name.

    >>> conv1 = ConvShape(1, 16, 64, 2, 32, Sampling(stride=2))
    >>> conv1.condensed_length, conv1.n_weights, round(conv1.compactness, 1)
    (94, 94, 10.9)
    """

    n_in: int
    n_out: int
    length: int
    stride: int = 1
    padding: int = 0
    sampling: Sampling | None = None

    def __post_init__(self) -> None:
        for name in ("n_in", "n_out", "length", "stride"):
            check(name, getattr(self, name), getattr(self, name) >= 1, "an integer >= 1")
        check("padding", self.padding, self.padding >= 0, "an integer >= 0")
        if self.sampling is None:
            return
        stride, factor, denser = _parts(self.sampling)
        check("stride", stride, 1 <= stride <= self.length, f"1 to the filter length {self.length}")
        check(
            "channel_factor",
            factor,
            factor >= 1 and self.n_in % factor == 0,
            f"a divisor of the {self.n_in} input channels",
        )
        check(
            "denser",
            denser,
            denser >= 1 and stride % denser == 0,
            f"a divisor of the sampling stride {stride}",
        )
        offsets = self.sampling.offsets
        check("offsets", offsets, offsets in OFFSETS, f"one of {', '.join(OFFSETS)}")
        self._check_groups(self.sampling)

    def _check_groups(self, sampling: Sampling) -> None:
        several = sampling.channel_factor > 1
        # Further on, rows would lie between the groups that no filter reads.
        most = self.length + self.last_place if several else 0
        expected = f"0 to {most} rows" if several else "0 where channel_factor is 1"
        found = sampling.group_offset
        check("group_offset", found, 0 <= found <= most, expected)
        signs, expected = sampling.signs, "False where channel_factor is 1"
        check("signs", signs, several or not signs, expected)

    @property
    def n_sampled(self) -> int:
        """D * N, the filters that are sampled before a 1x1 maps them to N."""
        return self.n_out * (self.sampling.denser if self.sampling else 1)

    @property
    def filter_step(self) -> int:
        """Rows of Phi between neighbouring sampled filters: S / D, or L for a dense layer.

        A dense layer is the special case without overlap, so one layout of weights serves both.
        """
        return self.sampling.stride // self.sampling.denser if self.sampling else self.length

    @property
    def last_place(self) -> int:
        """(D*N - 1) * S/D, the last row of Phi at which a filter's first group may begin."""
        return (self.n_sampled - 1) * self.filter_step

    @property
    def condensed_length(self) -> int:
        """L* = L + (D*N - 1) * S/D + (C - 1) * Delta, the rows of Phi."""
        later = self.n_in // self.condensed_channels - 1
        return self.length + self.last_place + later * self.group_offset

    @property
    def condensed_channels(self) -> int:
        """M* = M / C, the columns of Phi."""
        return self.n_in // (self.sampling.channel_factor if self.sampling else 1)

    @property
    def group_offset(self) -> int:
        """Delta, rows between the windows of neighbouring channel groups; 0 where they are one."""
        return self.sampling.group_offset if self.sampling else 0

    @property
    def folded_channels(self) -> int:
        """Input columns that are left when groups are summed first: M*, or M with a group offset.

        Groups with windows of their own share weights and no products: they cannot be summed.
        """
        return self.n_in if self.group_offset else self.condensed_channels

    @property
    def signs(self) -> bool:
        """Whether input channels have fixed signs."""
        return self.sampling is not None and self.sampling.signs

    @property
    def n_offsets(self) -> int:
        """Deviations from regular places that are kept with the weights: one a sampled filter."""
        return self.n_sampled if self.sampling and self.sampling.offsets != "regular" else 0

    @property
    def is_regular(self) -> bool:
        """Whether filters are windows of Phi as it lies, S/D rows apart, with M* columns."""
        return not self.n_offsets and not self.group_offset

    def has_way(self, way: str) -> bool:
        """Whether `cost` counts this way: only regular sampling shares over time."""
        return way not in SHARING_WAYS or (self.sampling is not None and self.is_regular)

    @property
    def pointwise_shape(self) -> tuple[int, int] | None:
        """[N, D*N] of the 1x1 convolution after denser sampling, or None where there is none."""
        return (self.n_out, self.n_sampled) if self.n_sampled != self.n_out else None

    @property
    def n_weights(self) -> int:
        """Learned weights: those of Phi and of the 1x1 convolution."""
        pointwise = math.prod(self.pointwise_shape) if self.pointwise_shape else 0
        return self.condensed_length * self.condensed_channels + pointwise

    @property
    def n_dense_weights(self) -> int:
        """L * M * N, the weights of the dense layer of the same geometry."""
        return self.length * self.n_in * self.n_out

    @property
    def compactness(self) -> float:
        """L*M*N over the learned weights; about (L/S)*C where N*S is much larger than L."""
        return self.n_dense_weights / self.n_weights

    def output_length(self, n_samples: int) -> int:
        """T', the outputs for an input of `n_samples`; 0 or less where the input is too short."""
        return (n_samples + 2 * self.padding - self.length) // self.stride + 1

    def input_length(self, n_outputs: int) -> int:
        """The shortest input that gives at least `n_outputs` >= 1 outputs."""
        return max(1, (n_outputs - 1) * self.stride + self.length - 2 * self.padding)

    def cost(self, n_samples: int, way: str) -> Cost:
        """Arithmetic for an input of `n_samples`, padding counted as input.

        Args:
            n_samples: T, at least `input_length(1)`.
            way: `dense` (the expanded filters), `folded` (channel groups summed first, paper
                section 3.3), `integral` (the integral image of section 3.3, on the diagonals
                u - v that are multiples of gcd(s, S/D), which hold all that the strides use), or
                `recurrence` (differences along diagonals of the output). The last two need a
                sampled layer that is regular.

        Raises:
            ParameterError: an unknown way, an input too short, or a way that a dense layer lacks.
        """
        check("way", way, way in WAYS, ", ".join(WAYS))
        n_outputs = self.output_length(n_samples)
        check("n_samples", n_samples, n_outputs >= 1, f"at least {self.input_length(1)}")
        if way == "dense":
            return self._pointwise_cost(n_outputs) + Cost(
                n_outputs * self.length * self.n_in * self.n_sampled
            )
        check("way", way, self.has_way(way), "dense or folded here")
        folding = Cost(0, n_samples * (self.n_in - self.folded_channels))
        shared = {
            "folded": self._direct_cost,
            "integral": lambda n: self._integral_cost(n_samples + 2 * self.padding, n),
            "recurrence": self._recurrence_cost,
        }[way]
        return folding + shared(n_outputs) + self._pointwise_cost(n_outputs)

    def _pointwise_cost(self, n_outputs: int) -> Cost:
        shape = self.pointwise_shape
        return Cost(n_outputs * math.prod(shape)) if shape else Cost(0)

    def _direct_cost(self, n_outputs: int) -> Cost:
        return Cost(n_outputs * self.length * self.folded_channels * self.n_sampled)

    def _integral_cost(self, n_padded: int, n_outputs: int) -> Cost:
        g = math.gcd(self.stride, self.filter_step)
        n_products = count_pairs(n_padded, self.condensed_length, g)
        n_differences = n_outputs * self.n_sampled
        return Cost(n_products * self.condensed_channels, n_products + n_differences)

    def _recurrence_cost(self, n_outputs: int) -> Cost:
        """One step goes r outputs and q filters along and exchanges lcm(s, step) taps at each end.

        Outputs with t < r or n < q start their diagonal with a direct window of L taps.
        """
        g = math.gcd(self.stride, self.filter_step)
        r, q = self.filter_step // g, self.stride // g
        n_steps = max(0, n_outputs - r) * max(0, self.n_sampled - q)
        n_starts = n_outputs * self.n_sampled - n_steps
        taps = n_starts * self.length + n_steps * 2 * math.lcm(self.stride, self.filter_step)
        return Cost(taps * self.condensed_channels, n_steps)


def _parts(sampling: Sampling) -> tuple[int, int, int]:
    return sampling.stride, sampling.channel_factor, sampling.denser

"""Fully connected layers, dense or sampled from one vector: shape, weights and cost."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check
from .costs import Cost


@dataclass(frozen=True)
class LinearShape:
    """The geometry of a fully connected layer, dense or sampled from one vector.

    Args:
        n_in: inputs, >= 1.
        n_out: outputs, >= 1.
        sampling_stride: S of `W[:, j] = phi[j*S : j*S + n_in]` (the paper's SC-dagger), between
            1 and n_in, or None for a dense layer.

    Raises:
        ParameterError: a value is out of range.

    >>> LinearShape(1024, 10).n_weights, LinearShape(1024, 10, 128).n_weights
    (10240, 2176)
    """

    n_in: int
    n_out: int
    sampling_stride: int | None = None

    def __post_init__(self) -> None:
        check("n_in", self.n_in, self.n_in >= 1, "an integer >= 1")
        check("n_out", self.n_out, self.n_out >= 1, "an integer >= 1")
        if self.sampling_stride is not None:
            stride = self.sampling_stride
            check("stride", stride, 1 <= stride <= self.n_in, f"1 to the {self.n_in} inputs")

    @property
    def filter_step(self) -> int:
        """Entries of phi between neighbouring outputs: S, or n_in for a dense layer."""
        return self.sampling_stride if self.sampling_stride is not None else self.n_in

    @property
    def n_weights(self) -> int:
        """Length of phi: n_in + (n_out - 1) * S."""
        return self.n_in + (self.n_out - 1) * self.filter_step

    @property
    def n_dense_weights(self) -> int:
        """Weights of the dense layer of the same geometry."""
        return self.n_in * self.n_out

    @property
    def compactness(self) -> float:
        """Dense weights over learned weights."""
        return self.n_dense_weights / self.n_weights

    @property
    def cost(self) -> Cost:
        """Arithmetic for one input vector, computed directly."""
        return Cost(self.n_dense_weights)

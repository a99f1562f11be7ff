"""Arithmetic of layers, as it is counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Arithmetic of one layer on one input.

    Args:
        multiply_adds: products that are accumulated.
        additions: sums without a product (folding channels, prefix sums, differences).
    """

    multiply_adds: int
    additions: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.multiply_adds + other.multiply_adds, self.additions + other.additions)


def count_pairs(n_rows: int, n_columns: int, step: int) -> int:
    """Pairs (u, v), u < n_rows and v < n_columns, for which u - v is a multiple of `step`.

    Only products of such pairs lie on diagonals that an integral image uses, `step` being the
    greatest common divisor of a layer's two strides.

    >>> count_pairs(3, 2, 2)  # (0, 0), (1, 1), (2, 0)
    3
    """
    return sum(
        _count_residue(n_rows, r, step) * _count_residue(n_columns, r, step) for r in range(step)
    )


def _count_residue(n: int, residue: int, modulus: int) -> int:
    """How many of 0..n-1 leave `residue` when divided by `modulus`."""
    return (n - residue + modulus - 1) // modulus if n > residue else 0

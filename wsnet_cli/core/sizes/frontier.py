"""What a network of some size is right in: points of accuracy against bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

SAMPLED, NARROW, DENSE = "sampled", "narrow", "dense"
KINDS = (SAMPLED, NARROW, DENSE)
"""A sampled network, the plain one of as many bytes, and the one that neither is smaller than."""
FRONTIER_HEADER = (
    *("point", "kind", "max_bytes", "bytes", "weights"),
    *("n_clips", "accuracy", "accuracy_low", "accuracy_high"),
)
KB = 1_000
"""Bytes; as everywhere in this project."""


@dataclass(frozen=True)
class FrontierPoint:
    """One network, measured in its 8-bit form over the folds and seeds that were asked for.

    Args:
        point: its name, which is that of the folder of its runs.
        kind: one of KINDS.
        max_bytes: that its file had to fit into; None for the dense network.
        n_bytes: of its 8-bit file; of the largest, where they differ.
        n_weights: weights, multipliers and biases.
        n_clips: held-out clips, of all folds.
        accuracy: share of them that is right, mean over seeds, in [0, 1].
        interval: 95 % interval of the accuracy.
    """

    point: str
    kind: str
    max_bytes: int | None
    n_bytes: int
    n_weights: int
    n_clips: int
    accuracy: float
    interval: tuple[float, float]

    @property
    def kilobytes(self) -> float:
        """Of the 8-bit file; 1 KB is 1,000 bytes."""
        return self.n_bytes / KB

    @staticmethod
    def by_kind_and_size(point: FrontierPoint) -> tuple[int, float]:
        """A key to sort by, in which plain networks stand behind sampled ones."""
        return KINDS.index(point.kind), float("inf") if point.max_bytes is None else point.max_bytes

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FrontierPoint:
        """What `as_json` made these values of.

        Raises:
            ValueError, KeyError, TypeError: they are none of a point.
        """
        low, high = map(float, values["accuracy_interval"])
        most, kind = values["max_bytes"], str(values["kind"])
        if kind not in KINDS:
            raise ValueError(kind)
        return cls(
            point=str(values["point"]),
            kind=kind,
            max_bytes=None if most is None else int(most),
            n_bytes=int(values["bytes"]),
            n_weights=int(values["weights"]),
            n_clips=int(values["n_clips"]),
            accuracy=float(values["accuracy"]),
            interval=(low, high),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        values = asdict(self)
        return {
            **{key: values[key] for key in ("point", "kind", "max_bytes")},
            "bytes": self.n_bytes,
            "weights": self.n_weights,
            "n_clips": self.n_clips,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.interval),
        }

    def as_cells(self) -> tuple[object, ...]:
        """The row of frontier.csv."""
        rates = (self.accuracy, *self.interval)
        return (
            *(self.point, self.kind, self.max_bytes, self.n_bytes, self.n_weights, self.n_clips),
            *(f"{rate:.6f}" for rate in rates),
        )


def points_of(kind: str, points: Sequence[FrontierPoint]) -> list[FrontierPoint]:
    """Those of one kind, by size."""
    return sorted((p for p in points if p.kind == kind), key=lambda point: point.n_bytes)

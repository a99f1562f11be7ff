"""Where the filters of a layer begin, drawn or learned.

Source of learned, interpolated places: Neural Epitome Search (arXiv:1907.05642). Here they are kept
in 1/256 rows, and what trains is what is kept: places are rounded on the way forward, and the
gradient passes the rounding unchanged (a straight-through estimator, arXiv:1308.3432).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...core.networks.filters import Offsets, offset_bounds, random_offsets, regular_places
from ...core.networks.sampling import PLACES_A_ROW, ConvShape

ROWS_A_UNIT = 8
"""Rows of Phi that one unit of the parameter stands for. AdamW moves a parameter by about the
learning rate at each step, whatever its gradient: with rates of 0.001 a place then moves by some
hundredths of a row at most, and can cross many rows in the course of a training."""


class FilterPlaces(nn.Module):
    """The places of the filters of one layer whose offsets are not regular.

    Args:
        shape: geometry of the layer.

    Attributes:
        deviations: [D*N] from the regular places, in units of ROWS_A_UNIT rows: a parameter where
            they are learned, which starts at 0, or else a buffer.
    """

    _regular: Tensor
    _least: Tensor
    _most: Tensor
    deviations: Tensor

    def __init__(self, shape: ConvShape) -> None:
        super().__init__()
        self._last_start = max(0, shape.last_place - 1)
        for name, values in zip(
            ("_regular", "_least", "_most"),
            (regular_places(shape), *offset_bounds(shape)),
            strict=True,
        ):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        if shape.sampling is not None and shape.sampling.offsets == "learned":
            self.deviations = nn.Parameter(torch.zeros(shape.n_sampled))
        else:
            self.register_buffer("deviations", torch.zeros(shape.n_sampled))
            self.load(random_offsets(shape))

    def load(self, offsets: Offsets) -> None:
        """Take the offsets of a model file."""
        units = offsets.astype(np.float32) / (PLACES_A_ROW * ROWS_A_UNIT)
        with torch.no_grad():
            self.deviations.copy_(torch.from_numpy(units))

    def export(self) -> Offsets:
        """The offsets that a model file keeps: those that `forward` uses."""
        return self._codes().cpu().numpy().astype(np.int16)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Whole rows [D*N], and what is left of a row in [0, 1], as `find_places` has them.

        In training the parameter is brought back to where windows lie inside Phi, so that a filter
        at the edge can leave it again.
        """
        if self.training:
            with torch.no_grad():
                least, most = self._least, self._most
                unit = PLACES_A_ROW * ROWS_A_UNIT
                self.deviations.clamp_(least / unit, most / unit)
        places = self._regular + self._codes()
        rows = (places // PLACES_A_ROW).clamp(max=self._last_start)
        fractions = (places - rows * PLACES_A_ROW).to(self.deviations.dtype) / PLACES_A_ROW
        # Adds exactly 0, with the gradient of a place by its deviation.
        return rows, fractions + ROWS_A_UNIT * (self.deviations - self.deviations.detach())

    def _codes(self) -> Tensor:
        units = self.deviations.detach().double() * (PLACES_A_ROW * ROWS_A_UNIT)
        return torch.minimum(torch.maximum(units.round().long(), self._least), self._most)

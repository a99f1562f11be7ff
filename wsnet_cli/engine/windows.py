"""What every engine asks of the windows that it is given."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from ..core.errors import ParameterError
from ..core.network import Flatten, Linear, Network


def check_windows(network: Network, windows: npt.NDArray[np.float32]) -> None:
    """Refuse what the network cannot run on.

    Raises:
        ParameterError: no matrix, or windows that are too short for the network, or of another
            length than the one it was made for where its layers need that very length.
    """
    shortest = network.min_samples
    if windows.ndim != 2 or windows.shape[1] < shortest:
        raise ParameterError(
            f"windows of shape {windows.shape}; expected [n_windows, at least {shortest} samples]"
        )
    for before, after in itertools.pairwise(network.layers):
        if isinstance(before, Flatten) and isinstance(after, Linear):
            n_steps = (windows.shape[1], *network.lengths(windows.shape[1]))[-1]
            n_channels = (1, *(layer.shape.n_out for layer in network.convolutions))[-1]
            if after.shape.n_in != n_channels * n_steps:
                raise ParameterError(
                    f"{after.name}: {n_channels * n_steps} inputs, from windows of another length "
                    f"than the model's; expected {after.shape.n_in}"
                )

"""What every engine asks of the windows that it is given."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..core.errors import ParameterError, UsageError
from ..core.model import Model
from ..core.networks.network import Flatten, Linear, Network
from ..core.sound.audio import AudioSettings


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
    misfit = find_misfit(network, windows.shape[1])
    if misfit is not None:
        layer, n_inputs = misfit
        raise ParameterError(
            f"{layer.name}: {n_inputs} inputs, from windows of another length "
            f"than the model's; expected {layer.shape.n_in}"
        )


def find_misfit(network: Network, n_samples: int) -> tuple[Linear, int] | None:
    """The layer that needs windows of one length, where `n_samples` are another.

    Args:
        network: the layers.
        n_samples: of a window, at least network.min_samples.

    Returns: the layer and the inputs that it would get; None where all fits.
    """
    for before, after in itertools.pairwise(network.layers):
        if isinstance(before, Flatten) and isinstance(after, Linear):
            n_steps = (n_samples, *network.lengths(n_samples))[-1]
            n_channels = (1, *(layer.shape.n_out for layer in network.convolutions))[-1]
            if after.shape.n_in != n_channels * n_steps:
                return after, n_channels * n_steps
    return None


SHORTEST_HOP_S = 0.001
"""What may be asked for: no scale of hearing is finer, and work grows with every window."""


def recut_audio(
    model: Model, window_s: float | None = None, hop_s: float | None = None
) -> AudioSettings:
    """A model's audio settings with other windows.

    Args:
        model: whose network has to take them.
        window_s: seconds; None: as it is.
        hop_s: seconds, SHORTEST_HOP_S to a window; None: the same part of a window as now.

    Raises:
        UsageError: a value outside its range, a window too short for the network, or another
            length than the model's where the network needs that very length.
    """
    own = model.audio
    window = own.window_s if window_s is None else window_s
    # The product may round to more than the window where both are equal.
    hop = min(own.hop_s * window / own.window_s, window) if hop_s is None else hop_s
    if 0 < window < hop:
        raise UsageError(
            f"hop of {hop:g} s with windows of {window:g} s: the sound between them would go "
            f"unheard; expected a hop of at most {window:g} s"
        )
    if hop_s is not None and 0 < hop_s < SHORTEST_HOP_S:
        raise UsageError(
            f"hop of {hop:g} s: {1 / hop:.3g} windows for each second of sound; expected at least "
            f"{SHORTEST_HOP_S:g} s"
        )
    try:
        audio = replace(own, window_s=window, hop_s=hop)
    except ParameterError as error:
        raise UsageError(str(error)) from error
    shortest = model.network.min_samples
    if audio.window_samples < shortest:
        raise UsageError(
            f"window of {window:g} s: {audio.window_samples} samples are too few for this model's "
            f"network; expected at least {shortest} ({shortest / own.sample_rate:.4g} s)"
        )
    if find_misfit(model.network, audio.window_samples) is not None:
        raise UsageError(
            f"window of {window:g} s: this model's network takes windows of one length only; "
            f"expected {own.window_s:g} s"
        )
    return audio

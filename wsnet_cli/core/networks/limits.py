"""What a model file may make anyone allocate or compute: limits on what its header describes.

Sampled filters are small in a file and large once expanded, maps are in no file at all, and a few
words of a header can ask for years of work. Networks that are trained keep to the same limits, so
that none is trained that nobody may load. Stated in docs/format.md, measured by
`benchmarks/hostile_models.py`.
"""

from __future__ import annotations

from ..errors import ParameterError
from ..sound.audio import AudioSettings
from .network import Linear, MapConv, Network

MAX_LAYERS = 256
"""The compiled engine hands rows from layer to layer by calls within calls."""
MAX_CLASSES = 1 << 16
MAX_DENSE_WEIGHTS = 5 << 24
"""Weights of the expanded layers together: 320 MiB, as the widest networks of a preset have."""
MAX_SMALL_WEIGHTS, MAX_EXPANSION = 1 << 24, 64
"""So many of them whatever the file holds, and so many more for each weight in it."""
MAX_WINDOW_SAMPLES = 1 << 24
"""17 minutes at 16 kHz: shorter clips are padded to a window."""
MAX_WINDOWS_OF_A_SAMPLE = 1 << 12
"""Windows that a sample lies in, where they overlap."""
MAX_STEP_VALUES = 1 << 20
"""Values of a layer's input or output in one time step, padding of bands included."""
MAX_POOLED_VALUES = 1 << 24
"""Values of a layer's output that go into one time step after pooling."""
MAX_LAYER_VALUES = 1 << 25
"""Values of a layer's input or output, after pooling, for a whole window."""
MAX_WORK = 1 << 42
"""Multiply-adds and comparisons for one window: minutes on one core."""


def check_network(network: Network, n_samples: int) -> None:
    """Refuse a network that is too large to be run on windows of `n_samples`.

    Raises: ParameterError: which limit, and what was found; or the window is too short.
    """
    _at_most(len(network.layers), MAX_LAYERS, "layers")
    _at_most(network.n_classes, MAX_CLASSES, "classes")
    most = min(MAX_DENSE_WEIGHTS, MAX_SMALL_WEIGHTS + MAX_EXPANSION * network.n_weights)
    _at_most(_n_expanded(network), most, "expanded weights")
    if not network.min_samples <= n_samples <= MAX_WINDOW_SAMPLES:
        raise ParameterError(
            f"a window of {n_samples} samples; "
            f"expected {network.min_samples} to {MAX_WINDOW_SAMPLES}"
        )
    n_work = sum(cost.multiply_adds for cost in network.costs(n_samples, "dense"))
    inputs = (n_samples, *network.lengths(n_samples))
    for i, layer in enumerate(network.convolutions):
        shape, n_before, n_after = layer.shape, inputs[i], inputs[i + 1]
        n_in, n_out, n_mapped = shape.n_in, shape.n_sampled, shape.n_out
        if isinstance(layer, MapConv):
            n_in *= layer.shape.n_bands + 2 * layer.shape.band_padding
            n_out, n_mapped = n_out * layer.shape.n_out_bands, n_mapped * layer.n_out_bands
        pool_size = layer.pool.size if layer.pool else 1
        _at_most(max(n_in, n_out), MAX_STEP_VALUES, "values in a time step", layer.name)
        _at_most(n_out * pool_size, MAX_POOLED_VALUES, "values to pool into one", layer.name)
        most = max(n_in * n_before, n_mapped * n_after)
        _at_most(most, MAX_LAYER_VALUES, "values in a window", layer.name)
        n_work += n_out * pool_size * n_after
    _at_most(n_work, MAX_WORK, "operations for a window")


def check_overlap(audio: AudioSettings) -> None:
    """Refuse windows that overlap beyond all reason. Raises: ParameterError."""
    most = audio.hop_samples * MAX_WINDOWS_OF_A_SAMPLE
    if audio.window_samples > most:
        raise ParameterError(
            f"hop_s = {audio.hop_s}; expected at least 1/{MAX_WINDOWS_OF_A_SAMPLE} of the window"
        )


def _n_expanded(network: Network) -> int:
    """Weights of all layers with every filter written out."""
    n = 0
    for layer in network.weighted:
        n_filters = layer.shape.n_out if isinstance(layer, Linear) else layer.shape.n_sampled
        n += layer.shape.n_dense_weights // layer.shape.n_out * n_filters
    return n


def _at_most(found: int, most: int, what: str, name: str = "") -> None:
    if found > most:
        where = f"{name}: " if name else ""
        raise ParameterError(f"{where}{found} {what}; expected at most {most}")

"""The bytes of an 8-bit model file before there are weights: no value of a weight changes them.

They are those of a file with nothing coded. Coding, which depends on the weights, makes a file
smaller or is left, so that they are a bound from above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..model import LayerWeights, Model, compress, phi_shape
from ..model_file.artifact import plain_bytes
from ..networks.network import Conv, Linear, MapConv, Network
from ..sound.audio import AudioSettings

CODE_BYTES, CONSTANT_BYTES, OFFSET_BYTES = 1, 2, 2
"""Of a weight, of a multiplier or bias, and of a filter's offset."""


def layer_bytes(layer: Conv | MapConv | Linear) -> int:
    """Those of a layer's numbers, without scales."""
    n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    return (
        layer.shape.n_weights * CODE_BYTES
        + layer.n_constants * CONSTANT_BYTES
        + n_offsets * OFFSET_BYTES
    )


def count_bytes(network: Network) -> int:
    """Those of all layers' numbers: the file is larger, by its header and scales."""
    return sum(map(layer_bytes, network.weighted))


@dataclass(frozen=True)
class Wrapping:
    """What a model file holds beside its network.

    Args:
        labels: one per class.
        audio: its settings.
        provenance: as it will be, or longer for a bound from above.
        multi_label: whether a clip may have several labels.
    """

    labels: tuple[str, ...]
    audio: AudioSettings
    provenance: Mapping[str, str | int | float]
    multi_label: bool = False


def file_bytes(network: Network, wrapping: Wrapping) -> int:
    """What the 8-bit file of a model takes at most, by writing one whose numbers are all zero."""
    model = Model(
        network,
        tuple(_zeros(layer) for layer in network.weighted),
        wrapping.labels,
        wrapping.audio,
        provenance=wrapping.provenance,
        multi_label=wrapping.multi_label,
    )
    return plain_bytes(compress(model))


def _zeros(layer: Conv | MapConv | Linear) -> LayerWeights:
    pointwise = layer.shape.pointwise_shape if isinstance(layer, Conv) else None
    n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    constants = np.zeros(layer.shape.n_out, np.float32)
    return LayerWeights(
        np.zeros(phi_shape(layer), np.float32),
        None if pointwise is None else np.zeros(pointwise, np.float32),
        constants if layer.scaled else None,
        constants,
        np.zeros(n_offsets, np.int16) if n_offsets else None,
    )

"""What a model takes in bytes, against honest denominators."""

from __future__ import annotations

from dataclasses import dataclass

from .architectures import SOUNDNET8
from .model import Model
from .network import Network

FLOAT32_BYTES = 4
OFFSET_BYTES = 2
"""Of the place of a filter, where it is kept, in files of 32 bits and of 8."""
RELEASED_SOUNDNET8_BYTES = 14_345_216 * FLOAT32_BYTES
"""The released SoundNet-8 with its 1401-way conv8: the paper's kind of denominator."""


@dataclass(frozen=True)
class LedgerRow:
    """What, its bytes, and how many times smaller than the dense network that is."""

    what: str
    n_bytes: int
    ratio: float


@dataclass(frozen=True)
class Ledger:
    """Bytes of a model from the dense network down to its file.

    Args:
        rows: largest first as a rule; the last is the file on disk.
        released_ratio: how many times smaller the file is than the released 14.35 M-weight
            SoundNet-8 in float32; None for other networks.
    """

    rows: tuple[LedgerRow, ...]
    released_ratio: float | None


def make_ledger(model: Model, n_file_bytes: int) -> Ledger:
    """The ledger of a model file of `n_file_bytes`.

    The dense network is the same network, head included, without any sampling.
    """
    network = model.network
    dense = network.n_dense_parameters * FLOAT32_BYTES
    lines = [("dense network, float32", dense)]
    if network.n_parameters != network.n_dense_parameters:
        n_real = network.n_weights + network.n_constants
        n_bytes = n_real * FLOAT32_BYTES + network.n_offsets * OFFSET_BYTES
        lines.append(("sampled network, float32", n_bytes))
    if model.bits == 8:
        lines.append(("8-bit weights", network.n_weights))
        lines.append(("multipliers and biases, 16-bit", network.n_constants * 2))
        if network.n_offsets:
            lines.append(("places of filters, 16-bit", network.n_offsets * OFFSET_BYTES))
    lines.append(("model file on disk", n_file_bytes))
    rows = tuple(LedgerRow(what, n, dense / n) for what, n in lines)
    released = RELEASED_SOUNDNET8_BYTES / n_file_bytes if is_soundnet8(network) else None
    return Ledger(rows, released)


def is_soundnet8(network: Network) -> bool:
    """Whether the first seven convolutions have the released SoundNet-8's filters."""
    found = [(c.shape.n_out, c.shape.length) for c in network.convolutions[: len(SOUNDNET8)]]
    return found == [(row.n_out, row.length) for row in SOUNDNET8]

"""What a model takes in bytes, against honest denominators."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model import Model
from ..model_file.artifact_numbers import HUFFMAN
from ..model_file.container import unpack
from ..networks.architectures import SOUNDNET8
from ..networks.network import Network

FLOAT32_BYTES = 4
OFFSET_BYTES = 2
"""Of the place of a filter, where it is kept, in files of any bits."""
RELEASED_SOUNDNET8_BYTES = 14_345_216 * FLOAT32_BYTES
"""The released SoundNet-8 with its 1401-way conv8: the paper's kind of denominator."""
ZIP_LEVEL = 9


@dataclass(frozen=True)
class LedgerRow:
    """One line.

    Args:
        part: `dense` or `sampled` (the network in float32), `weights`, `constants`, `places` or
            `rest` (what the file is made of, which adds up to it), `file` or `zipped`.
        what: the same for people.
        n_bytes: its size.
        ratio: how many times smaller than the dense network that is.
    """

    part: str
    what: str
    n_bytes: int
    ratio: float

    @property
    def is_whole(self) -> bool:
        """Whether it is all of a model, so that its ratio to the dense network means something."""
        return self.part in ("dense", "sampled", "file", "zipped")


@dataclass(frozen=True)
class Ledger:
    """Bytes of a model from the dense network down to its file.

    Args:
        rows: in the order of LedgerRow's parts; `sampled` and `places` only where there are some.
        released_ratio: how many times smaller the file is than the released 14.35 M-weight
            SoundNet-8 in float32.
        of_released: whether the network has the filters of that one, so that the ratio is of a
            network against itself; else it is a network of another kind.
    """

    rows: tuple[LedgerRow, ...]
    released_ratio: float
    of_released: bool

    @property
    def n_file_bytes(self) -> int:
        """Of the file on disk."""
        return next(row.n_bytes for row in self.rows if row.part == "file")

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "ledger": [
                {"part": row.part, "what": row.what, "bytes": row.n_bytes, "ratio": row.ratio}
                for row in self.rows
            ],
            "released_soundnet8_ratio": self.released_ratio,
            "of_released_soundnet8": self.of_released,
        }


def make_ledger(model: Model, content: bytes) -> Ledger:
    """The ledger of a model and its file.

    The dense network is the same network, head included, without any sampling.

    Args:
        model: whose file it is.
        content: all of it.

    Raises:
        ArtifactError: that is no model file.
    """
    network = model.network
    dense = network.n_dense_parameters * FLOAT32_BYTES
    lines = [("dense", "dense network, float32", dense)]
    if network.n_parameters != network.n_dense_parameters:
        n_real = network.n_weights + network.n_constants
        n_bytes = n_real * FLOAT32_BYTES + network.n_offsets * OFFSET_BYTES
        lines.append(("sampled", "sampled network, float32", n_bytes))
    lines += _parts_of_file(model, content)
    lines.append(("file", "model file on disk", len(content)))
    lines.append(("zipped", "the same file, zipped", zipped_bytes(content)))
    rows = tuple(LedgerRow(part, what, n, dense / n) for part, what, n in lines)
    released = RELEASED_SOUNDNET8_BYTES / len(content)
    return Ledger(rows, released, is_soundnet8(network))


def _parts_of_file(model: Model, content: bytes) -> list[tuple[str, str, int]]:
    """What a file is made of: the last row is all that the others leave."""
    tensors, header = unpack(content, "the model")
    weights, constants = tensors["weights" if model.bits == 32 else "codes"], tensors["constants"]
    huffman = ", Huffman-coded"
    coded = huffman if header.get("coding") == HUFFMAN else ""
    parts = [("weights", f"{_kind(model)} weights{coded}", weights.nbytes)]
    coded = huffman if constants.dtype == np.uint8 else ""
    width = "float32" if model.bits == 32 else "16-bit"
    parts.append(("constants", f"multipliers and biases, {width}{coded}", constants.nbytes))
    if "offsets" in tensors:
        parts.append(("places", "places of filters, 16-bit", tensors["offsets"].nbytes))
    rest = len(content) - sum(n_bytes for _, _, n_bytes in parts)
    return [*parts, ("rest", "header, scales, checksum", rest)]


def _kind(model: Model) -> str:
    if model.bits == 32:
        return "float32"
    least = min(model.layer_bits)
    return f"{model.bits}-bit" if least == model.bits else f"{least}- to {model.bits}-bit"


def zipped_bytes(content: bytes) -> int:
    """The size of a zip archive with one file of that content, deflated as small as it gets."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=ZIP_LEVEL) as file:
        file.writestr(zipfile.ZipInfo("model.wsnet"), content, zipfile.ZIP_DEFLATED, ZIP_LEVEL)
    return len(archive.getvalue())


def is_soundnet8(network: Network) -> bool:
    """Whether the first seven convolutions have the released SoundNet-8's filters."""
    found = [(c.shape.n_out, c.shape.length) for c in network.convolutions[: len(SOUNDNET8)]]
    return found == [(row.n_out, row.length) for row in SOUNDNET8]

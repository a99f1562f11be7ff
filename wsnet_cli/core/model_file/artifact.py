"""The model file: a `Model` to bytes and back. Specified in docs/format.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..calibrating.calibration import Calibration
from ..errors import ArtifactError, ParameterError
from ..files import write_atomic
from ..model import Model
from ..networks.network import Conv, Layer, Linear, MapConv, ToMap
from .artifact_header import describe, parse_header
from .artifact_numbers import PLAIN, is_plain, stored_forms
from .artifact_reading import read_weights
from .container import MAX_MODEL_BYTES, pack, read_container, unpack

FORMAT_VERSION = 4
"""The newest; raised whenever an older reader would read a file wrongly."""
CODED_FORMAT = 3
"""The first one with codes that are packed or coded."""


def save_model(path: Path, model: Model) -> int:
    """Write a model file atomically; return its size in bytes.

    Raises:
        FileError: the system refused.
    """
    content = model_to_bytes(model)
    write_atomic(path, content)
    return len(content)


def load_model(path: Path) -> Model:
    """Read and check a model file.

    Raises:
        ArtifactError: missing, not a model file, cut, altered, of a newer version, or inconsistent.
        FileError: the system refused to read it.
    """
    return model_from_bytes(read_container(path, "a wsnet model file", MAX_MODEL_BYTES), str(path))


def model_to_bytes(model: Model) -> bytes:
    """Serialize; equal models give equal bytes, with one version of zlib.

    Codes and constants are Huffman-coded where that makes the file smaller: it is the smallest one
    of those that can be written, of equal ones that of the oldest format.
    """
    return min(_candidates(model), key=len)


def plain_bytes(model: Model) -> int:
    """The size of the file with nothing coded: no value of a weight changes it, no file is larger.

    That of 8-bit symmetric models is the size of formats 1 and 2.
    """
    return len(next(_candidates(model)))


def _candidates(model: Model) -> Iterator[bytes]:
    """The file in every form, the plainest first."""
    oldest = oldest_format(model)
    for form, tensors in stored_forms(model):
        version = oldest if form.coding == PLAIN else max(oldest, CODED_FORMAT)
        yield pack(tensors, {"format": version, **describe(model, form)})


def oldest_format(model: Model) -> int:
    """The first format that holds such a model, so that older readers read what they can."""
    layers = model.network.layers
    if any(isinstance(layer, MapConv) and layer.shape.taps.group_offset for layer in layers):
        return 4
    if not is_plain(model) or model.calibration != Calibration():
        return CODED_FORMAT
    if model.multi_label:
        return 2
    return 1 if all(map(_is_of_the_first_format, layers)) else 2


def _is_of_the_first_format(layer: Layer) -> bool:
    if isinstance(layer, Conv):
        return layer.shape.is_regular and not layer.shape.signs
    return not isinstance(layer, ToMap | MapConv) and not (
        isinstance(layer, Linear) and layer.scaled
    )


def model_from_bytes(content: bytes, where: str) -> Model:
    """The inverse of `model_to_bytes`; `where` names the source in messages.

    Raises:
        ArtifactError: as `load_model`.
    """
    tensors, header = unpack(content, where)
    version = header.get("format")
    if type(version) is not int or version < 1:
        raise ArtifactError(f"{where}: is no model file; expected one that wsnet train wrote")
    if version > FORMAT_VERSION:
        raise ArtifactError(
            f"{where}: is of format {version}, this wsnet reads up to format {FORMAT_VERSION}; "
            "upgrade wsnet to use it"
        )
    try:
        parsed = parse_header(header, version)
        with np.errstate(over="ignore", invalid="ignore"):  # Model refuses what is not finite
            weights = read_weights(parsed.network, parsed.form, tensors)
            model = parsed.with_weights(weights)
        if version < (needed := oldest_format(model)):
            raise ParameterError(f"format = {version}; expected {needed} for such a model")
        return model
    except ParameterError as error:
        raise ArtifactError(f"{where}: is not a valid model: {error}") from error

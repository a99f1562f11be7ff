"""A safetensors container whose last tensor is a SHA-256 of every byte before it.

The container itself checks its structure and not its values: most flipped bits would load. With the
digest any changed, missing or added byte is refused. Model files and resume files both use it.
Specified in docs/format.md.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ArtifactError, ParameterError
from ..files import explain_os_errors
from ..quoting import quoted
from ..strict_json import read_json

METADATA_KEY = "wsnet"
"""The one key of the container's metadata; several would be written in random order."""
DIGEST_NAME = "~sha256"
"""Sorts after every other name, so that the digest is the last tensor of the file."""
DIGEST_BYTES = 32
LENGTH_BYTES = 8
MAX_HEADER_BYTES = 4_000_000
MAX_FILE_BYTES = 2_000_000_000
MAX_MODEL_BYTES = 350_000_000
"""Of a model file: the float32 weights of `artifact_limits.MAX_DENSE_WEIGHTS`, and some more."""

MAX_TENSORS = 4_096

Tensors = dict[str, npt.NDArray[Any]]


def pack(tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, Any]) -> bytes:
    """Serialize tensors and metadata; equal input gives equal bytes.

    Args:
        tensors: name to array of any numeric type but bool, which would sort after the digest.
        metadata: anything that JSON holds, without NaN.

    Raises:
        ParameterError: a tensor would sort after the digest, or the header is larger than
            `unpack` takes.
    """
    from safetensors.numpy import save

    for name, array in tensors.items():
        if array.dtype == np.bool_ or name >= DIGEST_NAME:
            raise ParameterError(
                f"tensor {name} of {array.dtype}; expected numbers and a name before {DIGEST_NAME}"
            )
    text = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    content = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    content[DIGEST_NAME] = np.zeros(DIGEST_BYTES, np.uint8)
    body = save(content, metadata={METADATA_KEY: text})[:-DIGEST_BYTES]
    n_header = int.from_bytes(body[:LENGTH_BYTES], "little")
    if n_header > MAX_HEADER_BYTES:
        raise ParameterError(
            f"metadata and tensor names take {n_header} bytes; "
            f"expected at most {MAX_HEADER_BYTES}: use fewer or shorter labels"
        )
    return body + hashlib.sha256(body).digest()


def unpack(content: bytes, where: str) -> tuple[Tensors, dict[str, Any]]:
    """Check and parse what `pack` made.

    Raises:
        ArtifactError: not such a container, or cut, altered or padded; `where` begins the message.
    """
    metadata = _metadata(content, where)
    body = memoryview(content)[:-DIGEST_BYTES]  # a slice of bytes would be a copy
    if hashlib.sha256(body).digest() != content[-DIGEST_BYTES:]:
        raise ArtifactError(
            f"{where}: is cut or altered: its checksum does not match; copy or make the file again"
        )
    return _tensors(content, where), metadata


def read_container(path: Path, kind: str, most: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file of bounded size.

    Args:
        path: the file.
        kind: what it should be, for messages.
        most: bytes that it may have.

    Raises:
        ArtifactError: it is missing, no regular file, too large, or does not begin as one.
        FileError: the system refused to read it.
    """
    with explain_os_errors("read", path):
        try:
            status = path.stat()
        except FileNotFoundError:
            raise ArtifactError(f"{path}: no such file; expected {kind}") from None
        if not stat.S_ISREG(status.st_mode):
            raise ArtifactError(f"{path}: is not a regular file; expected {kind}")
        if status.st_size > most:
            raise ArtifactError(f"{path}: is {status.st_size} bytes, too large for {kind}")
        with path.open("rb") as stream:
            # Before the rest takes memory.
            _header_bytes(stream.read(LENGTH_BYTES), status.st_size, str(path))
            stream.seek(0)
            return stream.read(status.st_size)


def _foreign(where: str) -> ArtifactError:
    return ArtifactError(f"{where}: is not a wsnet file, or is cut; expected one that wsnet wrote")


def _header_bytes(head: bytes, n_bytes: int, where: str) -> int:
    """The length of the header of a file of `n_bytes`, by its first bytes."""
    n_header = int.from_bytes(head[:LENGTH_BYTES], "little")
    if not 2 <= n_header <= min(n_bytes - LENGTH_BYTES, MAX_HEADER_BYTES):
        raise _foreign(where)
    return n_header


def _metadata(content: bytes, where: str) -> dict[str, Any]:
    n_header = _header_bytes(content, len(content), where)
    try:
        header = read_json(content[LENGTH_BYTES : LENGTH_BYTES + n_header].decode("utf-8"))
        text = header["__metadata__"][METADATA_KEY]
        metadata = read_json(text) if isinstance(text, str) else None
        digest = header[DIGEST_NAME]
        is_ours = (digest["dtype"], digest["shape"]) == ("U8", [DIGEST_BYTES])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _foreign(where) from None
    if not isinstance(metadata, dict) or not is_ours or len(header) > MAX_TENSORS:
        raise _foreign(where)
    return metadata


def _tensors(content: bytes, where: str) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        why = quoted(str(error))  # it may quote the whole header
        raise ArtifactError(f"{where}: is damaged: {why}; make the file again") from error
    digest = tensors.pop(DIGEST_NAME)
    if digest.tobytes() != content[-DIGEST_BYTES:]:
        raise ArtifactError(f"{where}: is damaged: the checksum is not its last tensor")
    return tensors

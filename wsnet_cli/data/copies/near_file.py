"""What was found alike in a packed set, kept in its folder: comparing takes longer than reading.

near.json    {"body": {"version", "index": SHA-256 of the set's index.bin, "pairs":
             [[row, row, correlation, offset in seconds]]}, "sha256": of the body}
"""

from __future__ import annotations

import hashlib
import json

from ...core.errors import FileError
from ...core.files import hash_file, write_atomic
from ..packing.store import INDEX, NEAR, Store, canonical
from .duplicates import Duplicate
from .fingerprint import FINGERPRINT_VERSION

COMPARING_VERSION = 1
"""Changes whenever the same sounds may give other pairs."""


def read_near(store: Store) -> list[Duplicate] | None:
    """The pairs of rows that were found; None if they were not noted, or by another version."""
    if store.folder is None:
        return None
    try:
        document = json.loads((store.folder / NEAR).read_bytes())
        body = document["body"]
        if document["sha256"] != hashlib.sha256(canonical(body)).hexdigest():
            return None
        if (body["version"], body["index"]) != (_version(), hash_file(store.folder / INDEX)):
            return None
        return [
            Duplicate(int(first), int(second), "near", float(correlation), float(offset_s))
            for first, second, correlation, offset_s in body["pairs"]
        ]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write_near(store: Store, pairs: list[Duplicate]) -> None:
    """Note the pairs of rows in the set's folder, if it has one.

    Raises:
        FileError: the system refused.
    """
    if store.folder is None:
        return
    try:
        index = hash_file(store.folder / INDEX)
    except OSError as error:
        raise FileError(f"cannot read {store.folder / INDEX}: {error.strerror}") from error
    body = {
        "version": _version(),
        "index": index,
        "pairs": [[pair.first, pair.second, pair.correlation, pair.offset_s] for pair in pairs],
    }
    document = {"body": body, "sha256": hashlib.sha256(canonical(body)).hexdigest()}
    write_atomic(store.folder / NEAR, canonical(document))


def _version() -> str:
    return f"{COMPARING_VERSION}.{FINGERPRINT_VERSION}"

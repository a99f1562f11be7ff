"""Whether the samples of a packed set are those that were written."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from io import FileIO

from .store import CODE, Store, shard_name

_BLOCK_BYTES = 1 << 20


def is_whole(store: Store) -> bool:
    """Read all samples of a set and compare them with their hashes, some GB in a few seconds.

    A bit that turned on the disk would be trained on without a word.
    """
    if store.folder is None:
        return True
    index = store.index
    try:
        with ExitStack() as stack:
            number, shard = -1, None
            for row in range(len(index)):
                entry = index[row]
                if int(entry["shard"]) != number:
                    number = int(entry["shard"])
                    stack.close()
                    shard = stack.enter_context(FileIO(store.folder / shard_name(number)))
                assert shard is not None
                shard.seek(int(entry["offset"]) * CODE.itemsize)
                n_bytes = int(entry["n_samples"]) * CODE.itemsize
                if not _hash(shard, n_bytes).startswith(entry["audio"].tobytes()):
                    return False
    except OSError:
        return False
    return True


def _hash(stream: FileIO, n_bytes: int) -> bytes:
    digest = hashlib.sha256()
    while n_bytes and (block := stream.read(min(n_bytes, _BLOCK_BYTES))):
        digest.update(block)
        n_bytes -= len(block)
    return digest.digest()

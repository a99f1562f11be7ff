"""The one way in which this project writes a durable file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import FileError
from .strict_json import json_text

TEMPORARY_SUFFIX = ".wsnet-part"
"""Ends the name of a file that is still being written; such a file is never read."""

_BLOCK_BYTES = 1 << 20
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether something is there; False where the system cannot tell, as for a name too long.

    `Path.exists` and `Path.is_dir` raise in such cases before Python 3.14.
    """
    return os.path.exists(path)  # noqa: PTH110 - see above


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder, or a link to one, is there; False where the system cannot tell."""
    return os.path.isdir(path)  # noqa: PTH112 - see `exists`


def unwritable_place(folder: str | os.PathLike[str]) -> Path | None:
    """The place where no file can be made: a folder, or what it would be made in; None if one can.

    Permissions do not tell of a folder that is immutable, or of no disk, so a file is made there
    for a moment, without a name where the system can.
    """
    place = Path(folder)
    while not exists(place) and place != place.parent:
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return place
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".", suffix=TEMPORARY_SUFFIX):
            return None
    except OSError:
        return place


@contextlib.contextmanager
def explain_os_errors(action: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn any OSError of the block into one line that names the file and the system's reason.

    Raises:
        FileError: `cannot <action> <path>: <reason>`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"cannot {action} {os.fspath(path)}: {reason}") from error


def write_atomic(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file so that its name holds either the old content or the new, never a part.

    Writes beside the target, fsyncs, renames over it, and fsyncs the folder, in that order; the
    file gets the mode that the umask gives to any new file. Missing parent folders are made. When
    anything up to the rename fails the old file is untouched and no temporary file stays behind; a
    process that is killed can leave one, which `remove_stale` clears. When only the last fsync
    fails, the new file is in place but may not outlast a power cut. A link stays a link: what it
    leads to is written.

    Raises:
        FileError: the system refused, for instance because the disk is full, or something that is
            not a regular file has the name.
    """
    with atomic_stream(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def atomic_stream(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, which gets its name when the block ends well.

    Everything else is as `write_atomic` says. An error of the block that is no OSError is
    handed on as it is.

    Args:
        path: of the file.
        sync: False leaves out both fsyncs, for many small files that can be made again: a kill
            still leaves only whole files, a power cut may not.

    Raises: FileError: as `write_atomic`; an OSError of the block counts as one of writing.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(
        f"{temporary_prefix(target)}{secrets.token_hex(6)}{TEMPORARY_SUFFIX}"
    )
    with explain_os_errors("write", path):
        _check_replaceable(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if sync:
            sync_folder(target.parent)


def temporary_prefix(target: Path) -> str:
    """How the names begin under which `target` is written before it gets its own."""
    return f".{target.name[:32]}."


def write_text_atomic(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file as UTF-8 with `write_atomic`; line ends stay as they are in `text`."""
    write_atomic(path, text.encode("utf-8"))


def write_json_atomic(path: str | os.PathLike[str], document: object) -> None:
    """Write a JSON document as `json_text` has it, and an end of line, with `write_atomic`.

    Raises:
        FileError: as `write_atomic`.
        ValueError: a number is NaN or infinite; nothing is written.
    """
    write_text_atomic(path, f"{json_text(document)}\n")


def hash_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits, read block by block. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def remove_stale(folder: Path) -> int:
    """Delete what a killed process left half-written directly in `folder`; return how many.

    Raises:
        FileError: the system refused.
    """
    stale = list(folder.glob(f".*{TEMPORARY_SUFFIX}"))
    for path in stale:
        with explain_os_errors("remove", path):
            path.unlink(missing_ok=True)
    return len(stale)


def _check_replaceable(path: str | os.PathLike[str]) -> None:
    """Renaming over a pipe or a device would put a file in its place for every program."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
        raise FileError(f"cannot write {os.fspath(path)}: {what}; expected a file's name")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    if os.name == "nt":  # Windows cannot open a folder; its rename is already journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:  # some network file systems have no such call
            raise
    finally:
        os.close(descriptor)

"""The cache folder: where it is, how large it is, and how it is trimmed and cleared.

    <root>/packed/<key>/                        one packed set, complete
    <root>/packed/.<key>.wsnet-part/            one that is being written, or was when killed
    <root>/packed/.<key>.lock                   held while <key> is written

Only what has these names is ever counted or deleted: the folder may be shared with other things.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import FileError
from ...core.files import TEMPORARY_SUFFIX
from ...core.lock import hold
from .store import INDEX, JOURNAL, MANIFEST, NEAR, SET_KEY_SIGNS

CACHE_VARIABLE = "WSNET_CACHE"
CACHE_LIMIT_BYTES = 10_000_000_000
"""The default cap: some 60 hours of audio at 22,050 Hz."""

PACKED = "packed"
_FOLDER = re.compile(
    rf"\.?([0-9a-f]{{{SET_KEY_SIGNS}}})(?:(?:\.[0-9a-f]+)?{re.escape(TEMPORARY_SUFFIX)})?", re.ASCII
)
_ATOMIC = "|".join(map(re.escape, (MANIFEST, NEAR)))
_FILE = re.compile(
    rf"{_ATOMIC}|{re.escape(INDEX)}|{re.escape(JOURNAL)}|shard-[0-9]+\.i16|"
    rf"\.(?:{_ATOMIC})\.[0-9a-f]+{re.escape(TEMPORARY_SUFFIX)}"
)


@dataclass(frozen=True)
class _CachedSet:
    folder: Path
    key: str
    files: tuple[Path, ...]
    n_bytes: int
    used_at: float

    @property
    def is_partial(self) -> bool:
        return self.folder.name.endswith(TEMPORARY_SUFFIX)


def default_cache_root() -> Path:
    """Return the folder that WSNET_CACHE names, else the user's cache folder; makes nothing."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("wsnet", appauthor=False))


def packed_folder(root: Path) -> Path:
    """Return the folder of all packed sets within a cache folder."""
    return root / PACKED


def cache_size_bytes(root: Path) -> int:
    """Return the size of all packed sets, complete or not; 0 if the folder is not there."""
    return sum(cached.n_bytes for cached in _sets(root))


def clear_cache(root: Path) -> int:
    """Delete all packed sets but those that are being written; return the bytes that were freed.

    Running processes keep the sets that they have opened; what the system refuses to delete stays.
    """
    freed = sum(_delete(root, cached) for cached in _sets(root))
    with contextlib.suppress(OSError):
        packed_folder(root).rmdir()  # stays where something else is in it
    return freed


def trim_cache(
    root: Path,
    max_bytes: int = CACHE_LIMIT_BYTES,
    keep: Path | None = None,
    also: Collection[Path] = (),
) -> int:
    """Delete the least recently used sets until the rest fits; return the bytes that were freed.

    What killed processes left half-written goes first. The sets `keep` and `also` stay whatever
    their size.
    """
    sets = sorted(_sets(root), key=lambda cached: (not cached.is_partial, cached.used_at))
    total = sum(cached.n_bytes for cached in sets)
    freed = 0
    for cached in sets:
        if cached.folder not in (keep, *also) and (cached.is_partial or total - freed > max_bytes):
            freed += _delete(root, cached)
    return freed


def mark_used(folder: Path) -> None:
    """Note that a packed set was used just now, if the system lets us."""
    with contextlib.suppress(OSError):
        os.utime(folder / MANIFEST)


def lock_set(root: Path, key: str) -> AbstractContextManager[None]:
    """Hold the right to write one packed set; waits for whoever holds it. Raises as `hold`."""
    return hold(_lock_path(root, key))


def _sets(root: Path) -> list[_CachedSet]:
    try:
        with os.scandir(packed_folder(root)) as entries:
            found = [(Path(entry.path), _FOLDER.fullmatch(entry.name)) for entry in entries]
    except OSError:
        return []
    return [
        _measure(path, name[1])
        for path, name in found
        if name is not None and path.is_dir() and not path.is_symlink()
    ]


def _measure(folder: Path, key: str) -> _CachedSet:
    files: list[Path] = []
    n_bytes, used_at = 0, 0.0
    # Another process may delete the same set at this moment.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _FILE.fullmatch(entry.name):
                status = entry.stat(follow_symlinks=False)
                n_bytes += status.st_size
                used_at = status.st_mtime if entry.name == MANIFEST else used_at
                files.append(Path(entry.path))
    # The manifest goes first: without it the rest is no set.
    files.sort(key=lambda path: path.name != MANIFEST)
    return _CachedSet(folder, key, tuple(files), n_bytes, used_at)


def _delete(root: Path, cached: _CachedSet) -> int:
    """Delete a set unless it is being written or the system refuses; return the bytes freed."""
    path = _lock_path(root, cached.key)
    try:
        with hold(path, refusal=FileError(f"{path}: is held"), remove=True):
            for file in cached.files:
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                cached.folder.rmdir()  # stays where something else is in it
    except (OSError, FileError):
        return 0
    return cached.n_bytes


def _lock_path(root: Path, key: str) -> Path:
    return packed_folder(root) / f".{key}.lock"

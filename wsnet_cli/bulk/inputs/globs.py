"""Patterns with `**`, matched without ever following a link to a folder.

`glob.glob` follows such links below `**`: with two links that lead back, it would find every file
some 2**40 times.
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath

DEEP = "**"


def has_deep_part(pattern: str) -> bool:
    """Whether some part of a pattern stands for any number of folders."""
    return DEEP in PurePath(pattern).parts


def deep_matches(
    pattern: str, on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, bool]]:
    """Yield the files and folders that a pattern with `**` matches, in a stable order.

    As with `glob.glob`, `**` stands for no folder or any number of them, and only a part that
    begins with a dot matches hidden names.

    Args:
        pattern: with a part `**`; parts are separated as the system does.
        on_error: told of a folder that something might match in, and that cannot be listed.

    Yields: the name, and whether it is a link to a folder, which was not entered. Such a link is
        told also where it does not match itself, but something below it might.
    """
    parts = PurePath(pattern).parts
    n_fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = os.fspath(PurePath(*parts[:n_fixed]))
    wanted = parts[n_fixed:]
    if not os.path.isdir(root):  # noqa: PTH112 - as `core.files.is_folder`
        return
    if _fits((), wanted):
        yield root, False
    for parent, folders, files in os.walk(root, onerror=on_error):
        prefix = "" if parent == "." else os.path.join(parent, "").removeprefix("./")  # noqa: PTH118 - many
        within = PurePath(parent).relative_to(root).parts
        folders[:] = sorted(
            name
            for name in folders
            if _may_enter(name, wanted) and _leads_on((*within, name), wanted)
        )
        linked = {name for name in folders if os.path.islink(prefix + name)}  # noqa: PTH114 - many
        for name in sorted((*files, *folders)):
            if name in linked or _fits((*within, name), wanted):
                yield prefix + name, name in linked


def _may_enter(name: str, wanted: Sequence[str]) -> bool:
    return not name.startswith(".") or any(part.startswith(".") for part in wanted)


def _leads_on(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether something in a folder may match."""
    if not parts or (wanted and wanted[0] == DEEP):
        return bool(wanted)
    return _fits(parts[:1], wanted[:1]) and _leads_on(parts[1:], wanted[1:])


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == DEEP:
        if _fits(parts, wanted[1:]):
            return True
        return bool(parts) and not parts[0].startswith(".") and _fits(parts[1:], wanted)
    if not parts or not fnmatch.fnmatch(parts[0], wanted[0]):
        return False
    if parts[0].startswith(".") and not wanted[0].startswith("."):
        return False
    return _fits(parts[1:], wanted[1:])

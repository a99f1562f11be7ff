"""The one place that decides whether a path stays inside a data set."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from ..core.errors import DataError
from .dataset import quoted

_LONGEST_PATH = 4096  # signs; Linux' own PATH_MAX, and no other system takes longer ones


class Root:
    """A data set's folder, with the links on the way to it resolved."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(os.path.realpath(folder))
        self._inside: dict[Path, bool] = {}

    def holds(self, path: Path) -> bool:
        """Tell whether the path is still inside once all links are followed; opens nothing."""
        # A manifest names thousands of files of few folders, so folders are resolved once.
        if path.parent not in self._inside:
            self._inside[path.parent] = self._resolves_inside(path.parent)
        return self._inside[path.parent] and (not _is_link(path) or self._resolves_inside(path))

    def member(self, text: str) -> tuple[Path, str]:
        """Return the absolute path and the clean relative name of a file named in a manifest.

        Backslashes are read as slashes, so that a manifest means the same on every system. The
        file need not exist.

        Raises:
            DataError: a reason without place: the path is empty, absolute, or leads outside.
        """
        posix = text.strip().replace("\\", "/")
        if posix.startswith("/") or re.match("[A-Za-z]:", posix):
            raise DataError(
                f"path {quoted(text)} is absolute; expected one relative to the data's folder"
            )
        parts = [part for part in posix.split("/") if part not in ("", ".")]
        if not parts:
            raise DataError(f"path {quoted(text)} is empty; expected an audio file")
        if len(posix) > _LONGEST_PATH:
            raise DataError(f"path {quoted(text)} is longer than {_LONGEST_PATH} signs")
        # Windows drops spaces and dots at the end of a part, so ".. ." is ".." there.
        if any(part.startswith("..") and not part.strip(" .") for part in parts):
            raise DataError(f"path {quoted(text)} leads out of the data's folder")
        path = self.path.joinpath(*parts)
        if not self.holds(path):
            raise DataError(f"path {quoted(text)} leaves the data's folder through a link")
        return path, "/".join(parts)

    def _resolves_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.path)


def _is_link(path: Path) -> bool:
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (OSError, ValueError):  # not there, or a name that this system cannot have
        return False

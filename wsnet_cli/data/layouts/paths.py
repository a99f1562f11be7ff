"""The one place that decides whether a path stays inside a data set."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from ...core.errors import DataError
from ...core.quoting import quoted, shown

_LONGEST_PATH = 4096  # characters; Linux' own PATH_MAX, and no other system takes longer ones


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
            raise DataError(f"path {quoted(text)} is longer than {_LONGEST_PATH} characters")
        if "\0" in posix or not is_text(posix):
            raise DataError(f"path {quoted(text)} holds characters that no file name has")
        # Windows drops spaces and dots at the end of a part, so ".. ." is ".." there.
        if any(part.startswith("..") and not part.strip(" .") for part in parts):
            raise DataError(f"path {quoted(text)} leads out of the data's folder")
        path = self.path.joinpath(*parts)
        if not self.holds(path):
            raise DataError(f"path {quoted(text)} leaves the data's folder through a link")
        return path, "/".join(parts)

    def own_file(self, name: str) -> Path:
        """Return the path of a table that lies in the data set, by its relative name.

        Raises:
            DataError: it is no regular file, or a link that leads outside.
        """
        path = self.path / name
        if not self.holds(path):
            raise DataError(
                f"{shown(path)}: a link that leaves the data set; expected a file of its own"
            )
        if not path.is_file():
            raise DataError(f"{shown(path)}: not a file; expected a table")
        return path

    def _resolves_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.path)


def is_text(name: str) -> bool:
    """Tell whether a name from the file system or a table can be written as UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_link(path: Path) -> bool:
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (OSError, ValueError):  # not there, or a name that this system cannot have
        return False

"""Copies of files, or links to them, in a folder for each label. The files stay where they are."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core.calibrating.calibration import UNKNOWN
from ...core.errors import FileError
from ...core.files import TEMPORARY_SUFFIX, explain_os_errors, remove_stale
from ..predicting.answers import OK, Answer, Segment, is_unknown
from .safe_names import safe_part

UNSURE = "_unsure"
"""The folder of files of which no label reached the threshold."""

_LONGEST_NAME = 240  # bytes; systems allow some 255


class Sorter:
    """Puts files into folders of their labels.

    A folder has the name of its label, where that is safe (`safe_names.safe_part`); a file keeps
    its name, or gets `-2`, `-3`, ... before its suffix where another one has it. Nothing that is
    there is ever replaced. A file that is there already, the same copy or link, is left as it is,
    so that sorting the same files in the same order again changes nothing, wherever it was stopped.

    Args:
        folder: where the label folders go; made if it is not there.
        labels: of the model.
        link: make symbolic links instead of copies.
        hit: as `terms.Terms` has it; files that are unknown go into a folder of that name.
    """

    def __init__(
        self, folder: Path, labels: Sequence[str], link: bool, hit: Sequence[float] | None = None
    ) -> None:
        self._folder = folder
        self._names = [_folder_name(label) for label in labels]
        self._link = link
        self._hit = hit
        self._n_tried: Counter[tuple[str, str]] = Counter()
        self._ready: set[str] = set()

    def sort(self, answers: Iterable[Answer]) -> int:
        """Put each file that was classified into its folder; return how many.

        Raises: FileError: the system refuses; what was done stays.
        """
        n_sorted = 0
        for answer in answers:
            if answer.status == OK:
                best = next((s for s in answer.segments() if s.scores), None)
                self._place(answer.name, UNSURE if best is None else self._name_of(best))
                n_sorted += 1
        return n_sorted

    def _name_of(self, segment: Segment) -> str:
        return UNKNOWN if is_unknown(segment, self._hit) else self._names[segment.scores[0][0]]

    def _place(self, source: str, label_folder: str) -> None:
        folder = self._prepare(label_folder)
        base = os.path.basename(source)  # noqa: PTH119 - may be any text
        while True:
            self._n_tried[label_folder, base] += 1
            target = folder / _numbered(base, self._n_tried[label_folder, base])
            with explain_os_errors("write", target):
                if _is_same(source, target, self._link) or self._put(source, target):
                    return

    def _prepare(self, label_folder: str) -> Path:
        folder = self._folder / label_folder
        if label_folder not in self._ready:
            if folder.is_symlink():
                raise FileError(f"{folder}: is a link; expected a folder, which nothing leaves")
            with explain_os_errors("make", folder):
                folder.mkdir(parents=True, exist_ok=True)
            remove_stale(folder)
            self._ready.add(label_folder)
        return folder

    def _put(self, source: str, target: Path) -> bool:
        """Make the copy or link, whole or not at all; False where the name is taken."""
        try:
            if self._link:
                target.symlink_to(os.path.abspath(source))  # noqa: PTH100 - links stay links
            else:
                _copy(source, target)
        except FileExistsError:
            return False
        return True


def _copy(source: str, target: Path) -> None:
    temporary = target.with_name(f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
    try:
        shutil.copy2(source, temporary)
        try:
            os.link(temporary, target)  # unlike a rename, refuses where the name is taken
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(target):
                raise FileExistsError(target) from None
            temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)


def _is_same(source: str, target: Path, link: bool) -> bool:
    if link:
        return target.is_symlink() and os.readlink(target) == os.path.abspath(source)  # noqa: PTH100, PTH115 - as it was linked
    return target.is_file() and not target.is_symlink() and filecmp.cmp(source, target, False)


def _folder_name(label: str) -> str:
    part = safe_part(label)
    return f"%5F{part[1:]}" if part.startswith("_") else part  # `_unsure` is nobody's label


def _numbered(base: str, number: int) -> str:
    """The name with a number before its suffix, from 2 on; cut where it gets too long."""
    if number == 1:
        return base
    stem, suffix = os.path.splitext(base)  # noqa: PTH122 - a name, and no path
    ending = f"-{number}{suffix}"
    room = max(1, _LONGEST_NAME - len(os.fsencode(ending)))
    return os.fsdecode(os.fsencode(stem)[:room]) + ending

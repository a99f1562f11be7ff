"""Where a model that is made from another one is written."""

from __future__ import annotations

import os
from pathlib import Path

from ...core.errors import UsageError
from ...core.files import exists, is_folder, unwritable_place


def beside(source: Path, stem: str, form: str) -> Path:
    """`<stem>.<form>.wsnet` beside the model, but never inside the installed package.

    Args:
        source: the model file.
        stem: its name without the suffix, and without that of a form it has.
        form: a word for what was made of it.
    """
    from ...core.locate import SUFFIX, shipped_folder

    name = f"{stem}.{form}{SUFFIX}"
    return Path(name) if source.parent == shipped_folder() else source.with_name(name)


def check_place(folder: Path, option: str = "") -> None:
    """Refuse a folder that cannot be written to, before any work.

    Args:
        folder: need not exist.
        option: that named the file in it, for messages; empty where none did.

    Raises: UsageError.
    """
    if place := unwritable_place(folder):
        where = f"{option}: " if option else ""
        raise UsageError(f"{where}{place} cannot be written to; give another place with -o")


def check_target(target: Path, source: Path, force: bool, *, named: bool) -> None:
    """Refuse to write where something is, where nothing can be written, and over MODEL itself.

    MODEL is never replaced by what is made of it, which holds less: not through a link either.

    Args:
        target: the file to be.
        source: the model file.
        force: whether a file there may go.
        named: whether the target was named with -o.

    Raises: UsageError.
    """
    if is_folder(target):
        raise UsageError(f"-o {target}: is a folder; expected a file's name")
    if exists(target):
        _check_replaceable(target, source, force, named)
    leads_to = Path(os.path.realpath(target)) if target.is_symlink() else target
    check_place(leads_to.parent, f"-o {target}" if named else "")


def _check_replaceable(target: Path, source: Path, force: bool, named: bool) -> None:
    if target.samefile(source):
        why = "which is never replaced" if named else "which is of that form already"
        raise UsageError(
            f"{target}: exists; it is the model itself, {why}; give another name with -o"
        )
    if not target.is_file():
        raise UsageError(f"{target}: is not a regular file; give another name with -o")
    if not force:
        raise UsageError(f"{target}: exists; give another name with -o, or --force")

"""Where a model that is made from another one is written."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import UsageError
from ..core.files import exists, is_folder


def beside(source: Path, stem: str, form: str) -> Path:
    """`<stem>.<form>.wsnet` beside the model, but never inside the installed package.

    Args:
        source: the model file.
        stem: its name without the suffix, and without that of a form it has.
        form: a word for what was made of it.
    """
    from ..core.locate import SUFFIX, shipped_folder

    name = f"{stem}.{form}{SUFFIX}"
    return Path(name) if source.parent == shipped_folder() else source.with_name(name)


def check_target(target: Path, source: Path, force: bool, *, named: bool) -> None:
    """Refuse to write where something is, and over MODEL itself unless -o names it.

    Args:
        target: the file to be.
        source: the model file.
        force: whether a file there may go.
        named: whether the target was named with -o.

    Raises: UsageError.
    """
    if is_folder(target):
        raise UsageError(f"-o {target}: is a folder; expected a file's name")
    if not exists(target):
        return
    if not named and target.samefile(source):
        raise UsageError(
            f"{target}: exists; it is the model itself, which is of that form already; "
            "give another name with -o"
        )
    if not force:
        raise UsageError(f"{target}: exists; give another name with -o, or --force")

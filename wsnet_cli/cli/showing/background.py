"""What there is to say of the files of a `--background`, before what a model made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.quoting import shown
from . import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...data.dataset import Failure


def warn_of_background(
    failures: Sequence[Failure], n_silent: int, n_files: int, skipped: Sequence[str]
) -> None:
    """Warn of files that cannot be read, and of silent ones; note what was left out on purpose.

    Args:
        failures: the former.
        n_silent: how many of those that can be read hold nothing but digital silence.
        n_files: those that can be read.
        skipped: links to folders.
    """
    if skipped:
        links = "a link to a folder was" if len(skipped) == 1 else "links to folders were"
        console.note(f"background: {links} not entered: {', '.join(map(shown, skipped))}")
    for failure in failures:
        console.warn(failure.reason)
    if n_silent:
        console.warn(
            f"background: nothing but digital silence in {n_silent} of {n_files} files; what a "
            "model makes of it tells nothing of sounds"
        )

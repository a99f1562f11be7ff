"""Finding a model: a model file, a run folder, or the name of a model that ships."""

from __future__ import annotations

from pathlib import Path

from .errors import UsageError
from .files import exists, is_folder
from .quoting import shown
from .run_files import CONFIG, MODEL, SWEEP, holds_runs

SUFFIX = ".wsnet"
"""Ends the name of a model file."""

DEFAULT_MODEL = "esc10"
"""The model that `wsnet predict` uses where none is named."""


def shipped_folder() -> Path:
    """Where the models that ship lie."""
    return Path(__file__).resolve().parents[1] / "models"


def shipped_names() -> tuple[str, ...]:
    """The names of the models that ship, sorted."""
    return tuple(sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}")))


def card_of(path: Path) -> Path | None:
    """The card of a model that ships: data, licence, accuracy, limits. None of another file."""
    card = path.with_suffix(".md")
    return card if path.parent == shipped_folder() and card.is_file() else None


def find_model(name_or_path: str) -> Path:
    """The model file that a MODEL argument means.

    What lies at that path comes first. A folder that holds no model, such as a data set, does not
    hide a shipped model of its name.

    Raises:
        UsageError: there is none; the message lists what may be given.
    """
    path = Path(name_or_path)
    if is_folder(path):
        if (path / MODEL).is_file():
            return path / MODEL
        if name_or_path not in shipped_names():
            depths = (f"*/{MODEL}", f"*/*/{MODEL}")  # runs of a job, and of a sweep's jobs
            inside = [inner.parent for depth in depths for inner in path.glob(depth)]
            several = sorted(str(inner.relative_to(path)) for inner in inside)
            if several:
                if (path.parent / SWEEP).is_file() and not holds_runs(path):
                    raise UsageError(
                        f"{path}: its sweep has not ended; give the same wsnet sweep command again"
                    )
                raise UsageError(
                    f"{path}: holds several runs; expected one of them, such as "
                    f"{path / shown(several[0])}"
                )
            if (path / CONFIG).is_file():
                raise UsageError(
                    f"{path}: its run has not ended, it holds no {MODEL}; go on with: "
                    f"wsnet train --resume {path}"
                )
            raise UsageError(f"{path}: holds no {MODEL}; expected a finished run or a model file")
    elif exists(path):
        return path
    return find_shipped(name_or_path)


def find_shipped(name: str) -> Path:
    """The file of a model that ships, whatever lies in the current directory.

    Raises:
        UsageError: there is none; the message lists what may be given.
    """
    if name in shipped_names():
        return shipped_folder() / f"{name}{SUFFIX}"
    shipped = ", ".join(shipped_names()) or "none"
    raise UsageError(
        f"{name}: no such model; expected a {SUFFIX} file, a run folder, "
        f"or a shipped model ({shipped})"
    )

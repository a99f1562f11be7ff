"""The presets that ship: where they lie, and what they are called."""

from __future__ import annotations

from pathlib import Path

DEFAULT_PRESET = "default"
"""The one that is meant where none is named."""


def preset_folder() -> Path:
    """Where the presets lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def preset_names() -> tuple[str, ...]:
    """The names of the presets that ship, sorted."""
    return tuple(sorted(path.stem for path in preset_folder().glob("*.yaml")))

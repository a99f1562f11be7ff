"""What the light install leaves out, and what a command that needs it says."""

from __future__ import annotations

from importlib.util import find_spec

HEAVY_PACKAGES = ("torch", "sklearn", "librosa", "jinja2", "matplotlib")
"""By the name of the import."""


def require(*packages: str) -> None:
    """Look for packages without importing them, so that no work is done in vain.

    Raises:
        ModuleNotFoundError: as the import would; the error boundary words it.
    """
    for package in packages:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def explain_missing(package: str) -> str:
    """Say in one line why a command cannot run, and what to do."""
    return (
        f"this command needs {package}, which the light install leaves out; "
        "install wsnet with its dependencies: pip install ."
    )

"""wsnet: train audio classifiers on raw waveforms, shrink them to kilobytes, run them fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine.session import Classifier

__version__ = "0.1.0"
__all__ = ["Classifier", "__version__"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import `Classifier`, and numpy with it, when it is first asked for."""
        if name == "Classifier":
            from .engine.session import Classifier

            return Classifier
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

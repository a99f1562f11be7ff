"""The engines there are, and the choice among them."""

from __future__ import annotations

import os
from typing import Protocol

from ..core.errors import EngineError, ParameterError, UsageError
from ..core.model import Model
from ..core.quant import Array
from ..core.quoting import bare
from .library import load_library
from .native_engine import NativeEngine
from .numpy_engine import NumpyEngine

ENGINES = ("auto", "native", "numpy")
ENGINE_VARIABLE = "WSNET_ENGINE"
"""Environment variable: an engine, such as `numpy` or `native-avx2`, where none is named."""


class Engine(Protocol):
    """What runs a network on windows of audio."""

    name: str

    def logits(self, windows: Array) -> Array:
        """[n_windows, n_samples] to [n_windows, n_classes], float32."""
        ...

    def embed(self, windows: Array) -> tuple[Array, Array]:
        """The same logits, and what the last layer with weights takes: [n_windows, n_features].

        That is its input itself where it is a linear layer. Where it is a convolution, it is the
        mean over time of each of its input channels, without padding.
        """
        ...


def make_engine(model: Model, name: str | None = None, threads: int = 1) -> Engine:
    """The engine of that name.

    Args:
        model: what it shall run.
        name: `native`, `numpy`, `native-ISA` (an instruction set), or `auto`: native where the
            kernels were built, else numpy. None: what WSNET_ENGINE says, else auto.
        threads: that the native engine shares the windows of a call among; numpy uses its own.

    Raises:
        EngineError: the native engine is asked for and was not built.
        UsageError: no such engine.
        ParameterError: threads < 1.
    """
    if threads < 1:
        raise ParameterError(f"threads = {threads}; expected an integer >= 1")
    isa = choose_engine(name)
    return NumpyEngine(model) if isa is None else NativeEngine(model, threads=threads, isa=isa)


def choose_engine(name: str | None = None) -> str | None:
    """The instruction set of the native engine that `make_engine` takes; None: it takes numpy.

    Args:
        name: as there.

    Raises: EngineError, UsageError: as there.
    """
    chosen = name or os.environ.get(ENGINE_VARIABLE) or "auto"
    kind, dash, isa = chosen.partition("-")
    good = kind in ENGINES and (not dash or kind == "native")
    if good and (kind == "numpy" or (kind == "auto" and missing_reason())):
        return None
    if good:
        isas = load_library().isas
        if not dash or isa in isas:
            return isa or isas[0]
    raise UsageError(
        f"engine {bare(chosen)}; expected one of {', '.join(_names())}, which this machine has"
    )


def _names() -> list[str]:
    """What may be chosen here."""
    isas = () if missing_reason() else load_library().isas
    return [*ENGINES, *(f"native-{isa}" for isa in isas)]


def missing_reason() -> str | None:
    """Why there is no native engine here, in one line; None where there is one."""
    try:
        load_library()
    except EngineError as error:
        return str(error)
    return None

"""What was measured on, in words that name no host."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import EngineError
from ..engine.library import load_library

PACKAGES = ("numpy", "torch", "onnx", "onnxruntime")
CPU_FACTS = Path("/proc/cpuinfo")


def describe_machine() -> dict[str, Any]:
    """Processor, system, the best instruction set of the native engine, and versions."""
    return {
        "processor": processor_name(),
        "system": f"{platform.system()} {platform.machine()}",
        "isa": _best_isa(),
        "versions": {
            "wsnet": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in PACKAGES},
        },
    }


def processor_name() -> str:
    """The model name that the system tells."""
    try:
        lines = CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _best_isa() -> str | None:
    try:
        return str(load_library().isas[0])
    except EngineError:
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

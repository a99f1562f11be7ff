"""`wsnet doctor`: what is installed and what works here."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from .. import __version__
from ..core.errors import WsnetError
from .shared import options
from .showing import console

LIGHT = (
    *("typer", "rich", "pydantic", "pyyaml", "numpy", "soundfile", "soxr", "safetensors"),
    *("platformdirs", "filelock"),
)
FULL = ("torch", "scikit-learn")


def doctor(
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show versions, the engine in use, codecs, devices and the cache.

    Example: wsnet doctor --json
    """
    report = _examine()
    if json:
        console.print_json(report)
        return
    rows = [
        (key, ", ".join(value) if isinstance(value, list) else str(value))
        for key, value in _flatten(report)
    ]
    console.print_table(("what", "found"), rows)
    for problem in report["problems"]:
        console.warn(problem)


def _examine() -> dict[str, Any]:
    packages = {name: _version(name) for name in (*LIGHT, *FULL)}
    problems = [f"{name} is missing: reinstall wsnet" for name in LIGHT if not packages[name]]
    if not packages["torch"]:
        problems.append("torch is missing: predict, info and compress work, train does not")
    if not packages["scikit-learn"]:
        problems.append("scikit-learn is missing: evaluate does not work")

    def ask(what: str, answer: Callable[[], Any], otherwise: Any) -> Any:
        """What is broken here must not keep the rest from being told."""
        try:
            return answer()
        except (ImportError, OSError, WsnetError) as error:
            problems.append(f"{what}: cannot be told: {error}")
            return otherwise

    return {
        "wsnet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found or "missing" for name, found in packages.items()},
        "engine": ask("engine", _engine, "unknown"),
        "codecs": ask("codecs", _codecs, []),
        "device": ask("device", _device, "unknown") if packages["torch"] else "no torch",
        "cache": ask("cache", _cache, {"folder": "unknown", "bytes": 0}),
        "problems": problems,
    }


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _engine() -> str:
    from ..engine.report import engine_words

    return engine_words()


def _codecs() -> list[str]:
    import soundfile

    return sorted(soundfile.available_formats())


def _device() -> str:
    import torch

    from ..engine.training_kernels import training_kernels

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}"
    kernels = training_kernels()
    by = "torch alone" if kernels is None else f"fused layers ({kernels.isa_name}) and torch"
    return f"cpu, {torch.get_num_threads()} threads, by {by}"


def _cache() -> dict[str, str | int]:
    from ..data.packing.cache import cache_size_bytes, default_cache_root

    root = default_cache_root()
    return {"folder": str(root), "bytes": cache_size_bytes(root)}


def _flatten(report: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in report.items():
        if isinstance(value, dict):
            rows += [(f"{key} {inner}", item) for inner, item in value.items()]
        elif key != "problems":
            rows.append((key, value))
    return rows

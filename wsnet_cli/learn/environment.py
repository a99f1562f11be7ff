"""What a run computes on, and what of it is written down."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..core.errors import ConfigError, UsageError

MOST_FEEDING_THREADS = 4
"""Beside a GPU; more wait for one another."""
PACKAGES = ("torch", "numpy", "soundfile", "soxr", "safetensors")


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" takes CUDA where there is one, else the CPU.

    Raises: UsageError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has tensors, but no numbers in them
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name}: not available here; expected auto or cpu") from error
    return device


def set_threads(threads: int | None) -> None:
    """Let torch compute by so many threads; None leaves its default.

    Raises: ConfigError: fewer than one.
    """
    if threads is not None:
        if threads < 1:
            raise ConfigError(f"--threads {threads}; expected at least 1")
        torch.set_num_threads(threads)


def feeding_threads(device: torch.device) -> int:
    """Threads that make batches while the network trains: 0 where it computes by one thread."""
    if device.type == "cpu":
        return min(1, torch.get_num_threads() - 1)
    return min(MOST_FEEDING_THREADS, os.cpu_count() or 1)


def absolute(source: Path) -> str:
    """The path from the root, links as they are."""
    return os.path.abspath(source)  # noqa: PTH100 - Path.resolve would follow links


def describe_machine(device: torch.device) -> dict[str, Any]:
    """What a reader of a run may want to know: device, threads, versions."""
    return {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "wsnet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
    }

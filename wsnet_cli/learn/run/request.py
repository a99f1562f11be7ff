"""What `wsnet train` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.configuration.config import Config
from .run_folder import RUNS


@dataclass(frozen=True)
class Request:
    """What to train.

    Args:
        source: the data.
        config: checked configuration.
        preset: its name, for the record.
        name: of the run folder.
        layout: the layout to read the data by, or None to find out.
        pattern: the naming scheme of its files, or None.
        fold: fold to hold out, "none", or None for the data's own choice.
        device: "auto", "cpu", "cuda", "mps", ...
        threads: of torch on the CPU, or None for its default.
        force: reuse the folder of that name.
        runs: the folder of all runs.
        max_hours: what training may take; fewer epochs are planned where it would take longer.
        max_bytes: of the 8-bit file; a network is chosen that fits.
        models: what `Sources.digest` has to be; empty: whatever it is.
    """

    source: Path
    config: Config
    preset: str
    name: str
    layout: str | None = None
    pattern: str | None = None
    fold: str | None = None
    device: str = "auto"
    threads: int | None = None
    force: bool = False
    runs: Path = RUNS
    max_hours: float | None = None
    max_bytes: int | None = None
    models: str = ""

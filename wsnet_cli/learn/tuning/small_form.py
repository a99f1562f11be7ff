"""The 8-bit form of a finished run's model, and its measures on what the run held out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.files import write_atomic
from ...core.model import compress
from ...core.model_file.artifact import load_model, model_to_bytes
from ..run.finish import measure_model
from ..run.listener import Listener
from ..run.prepared import PreparedData
from ..run.run_folder import SMALL_FORM, RunFolder

SMALL_MODEL, SMALL_METRICS = SMALL_FORM


@dataclass(frozen=True)
class SmallForm:
    """Bytes of an 8-bit file, the numbers in it, and its measures as metrics.json holds them."""

    n_bytes: int
    n_parameters: int
    measures: dict[str, Any]


def measure_small_form(folder: RunFolder, data: PreparedData, listener: Listener) -> SmallForm:
    """Make and measure the 8-bit form of a run, by the engine that predicts; once.

    Args:
        folder: of a finished run.
        data: that it was trained on, split as for it; something is held out.
        listener: is told how far measuring is.

    Raises:
        ArtifactError: the run's model is missing or damaged.
        FileError: the system refused.
    """
    model = compress(load_model(folder.model))
    content = model_to_bytes(model)
    target = folder.path / SMALL_MODEL
    measures = _read(folder.path / SMALL_METRICS)
    if measures is None or not _holds(target, content):
        write_atomic(target, content)
        measured = measure_model(model, data, listener)
        assert measured is not None
        measures = measured.metrics.as_json()
        folder.write_json(SMALL_METRICS, measures)
    return SmallForm(len(content), model.network.n_parameters, measures)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any] | None:
    """None where it is missing or damaged: what was not kept is measured again."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) and {"n_clips", "n_right"} <= set(values) else None

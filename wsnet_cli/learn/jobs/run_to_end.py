"""Bringing a run to its end, whatever of it is there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from ...core.configuration.config_file import load_config
from ...core.errors import ArtifactError, DataError, FileError, TrainingError, UsageError
from ...core.files import explain_os_errors
from ...core.run_files import METRICS
from ...core.split_file import read_split
from ..run.listener import Listener
from ..run.request import Request
from ..run.run import resume_run, start_run
from ..run.run_folder import RunFolder, locked

LONGEST_STEP_S = 60.0
"""Seconds in which a process that was told to stop has surely done its step and saved."""
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Finished:
    """What a run left: its folder, its model's size, and what metrics.json holds, if anything."""

    folder: RunFolder
    n_bytes: int
    metrics: dict[str, Any] | None


def run_folder(request: Request) -> RunFolder:
    """The folder of a request's name, which is its alone."""
    return RunFolder(request.runs / request.name)


def wait_until_free(folder: RunFolder, check: Callable[[], None]) -> None:
    """Wait for a process that still trains in a folder, as one does whose parent was killed.

    Args:
        folder: of a run.
        check: called now and then; may raise.

    Raises:
        UsageError: it trains on.
    """
    end = monotonic() + LONGEST_STEP_S
    while folder.path.is_dir():
        check()
        try:
            with locked(folder):
                return
        except UsageError:
            if monotonic() > end:
                raise
        sleep(_LOOK_EVERY_S)


def run_to_end(request: Request, listener: Listener) -> None:
    """Train a run that may have been stopped at any moment before; nothing is done twice.

    What is in the folder of its name is taken for this run's, or else deleted.

    Raises:
        WsnetError: as `run.start_run` and `run.resume_run`.
    """
    folder = run_folder(request)
    if finished_of(request) is not None:
        return
    if folder.checkpoint.is_file():
        check_epochs(request)
        resume_run(folder.path, request.source, request.device, listener)
    else:
        start_run(replace(request, force=True), listener)


def finished_of(request: Request) -> Finished | None:
    """What the run of a request left if it came to its end.

    Raises:
        TrainingError: as `check_epochs`.
        WsnetError: as `find_finished`.
    """
    finished = find_finished(run_folder(request))
    if finished is not None:
        check_epochs(request)
    return finished


def check_epochs(request: Request) -> None:
    """Refuse a run that is not of as many epochs as those beside it, as it can be by itself.

    Raises:
        TrainingError: it is of another number.
    """
    if "epochs" in request.config.from_data:
        return
    folder = run_folder(request)
    found, wanted = load_config(str(folder.config)).train.epochs, request.config.train.epochs
    if found != wanted:
        raise TrainingError(
            f"{folder.path}: is of {found} epochs, and those beside it are of {wanted}; expected "
            "as many: delete it, and it is trained again"
        )


def find_finished(folder: RunFolder) -> Finished | None:
    """What a run left if it came to its end: a model, and measures where something was held out.

    Raises:
        ArtifactError: its measures are damaged.
        FileError: the system refused to read.
    """
    if not folder.model.is_file():
        return None
    measures = folder.path / METRICS
    if not measures.is_file() and holds_out(folder):
        return None
    with explain_os_errors("read", folder.path):
        n_bytes = folder.model.stat().st_size
    return Finished(folder, n_bytes, _read_object(measures) if measures.is_file() else None)


def holds_out(folder: RunFolder) -> bool:
    """Whether the split of a run has a part to measure on; so also where it cannot be read."""
    try:
        return any(row.part == "test" for row in read_split(folder.path))
    except (DataError, FileError):
        return True


def _read_object(path: Path) -> dict[str, Any]:
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        values = json.loads(content)
    except ValueError as error:
        raise ArtifactError(f"{path}: is damaged; delete it, and the run is measured again") from (
            error
        )
    if not isinstance(values, dict):
        raise ArtifactError(f"{path}: is damaged; delete it, and the run is measured again")
    return values

"""The folder of one request over folds and seeds, and what `job.json` in it says."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...core.errors import ArtifactError
from ...core.files import explain_os_errors, write_json_atomic
from ...core.run_files import JOB
from ..run.request import Request
from ..run.run_folder import RunFolder, delete_written, locked, no_folder

VERSION = 1
_LEFT_OUT = ("name", "runs", "force", "models")
"""What of a request says where it is trained, and what an experiment says itself."""
_SAID_AS = {
    **{"data": "data", "source": "data", "layout": "data", "pattern": "data"},
    **{"folds": "folds", "fold": "folds", "seeds": "seeds"},
    **{"teachers": "models to start from or learn from"},
    **{"config": "configuration", "preset": "configuration"},
}
"""What two requests may differ in, in words; else by the option's name."""
_RUN_NAME = re.compile(r"(fold-.+-)?seed-[0-9]+")


@dataclass(frozen=True)
class Experiment:
    """Which runs there are.

    Args:
        request: what was asked: `runs/name` is the folder of all, `fold` what --fold was given.
        folds: held out in turn; None is the data's own choice.
        seeds: of the randomness.
        data: changes with any clip's content, label or fold.
        models: changes with the models that runs start from or learn from; empty without.
    """

    request: Request
    folds: tuple[str | None, ...]
    seeds: tuple[int, ...]
    data: str
    models: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values, without the place."""
        asked: dict[str, Any] = TypeAdapter(Request).dump_python(self.request, mode="json")
        return {
            "version": VERSION,
            "folds": list(self.folds),
            "seeds": list(self.seeds),
            "data": self.data,
            **({"teachers": self.models} if self.models else {}),
            "request": {key: value for key, value in asked.items() if key not in _LEFT_OUT},
        }


def place_experiment(experiment: Experiment, *, force: bool) -> Path:
    """The folder in which an experiment was begun and not given up, or a new one: see `place`."""
    return place(experiment, JOB, clear_runs if force else None)


def place(experiment: Experiment, file: str, clear: Callable[[Path], None] | None) -> Path:
    """The folder whose `file` says the same experiment, or a new one.

    It is `runs/name`, or `name-2`, `name-3`, ...: the first that holds the same experiment or is
    not there. With `clear` it is `runs/name`, and what runs wrote there is deleted by it.

    Raises:
        UsageError: another process trains in the folder to reuse.
        FileError: the system refused.
    """
    force = clear is not None
    root, name = experiment.request.runs, experiment.request.name
    values = experiment.as_json()
    with explain_os_errors("make a run folder in", root):
        root.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = root / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(exist_ok=force)
                break
            except FileExistsError:
                if force:
                    raise no_folder(path) from None
                if _read_values(path / file) == values:
                    return path
                number += 1
    if clear is not None:
        with locked(RunFolder(path)):
            clear(path)
    write_json_atomic(path / file, values)
    return path


def say_passed_over(experiment: Experiment, file: str, what: str, folder: Path) -> str | None:
    """Why an experiment does not go on in the folder of its name, in a line; None where it does.

    Args:
        experiment: what was asked for.
        file: as for `place`.
        what: it is called: a job or a sweep.
        folder: that `place` gave it.
    """
    asked = experiment.request
    if folder.name == asked.name:
        return None
    named = asked.runs / asked.name
    before = _read_values(named / file)
    if before is None:
        return f"{named} holds no {what}: this {what} is {folder}"
    others = _say_differences(before, experiment.as_json())
    return f"{named} is of other {others}: this {what} is {folder}"


def _say_differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What an earlier experiment has others of."""
    one, other = _flat(before), _flat(now)
    differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    words = [_SAID_AS.get(key, f"--{key.replace('_', '-')}") for key in differing]
    return ", ".join(dict.fromkeys(words)) or _SAID_AS["config"]


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """By key, those of the request too, with a configuration that knows nothing of the seeds."""
    request = values.get("request")
    flat = {**values, **(request if isinstance(request, dict) else {})}
    flat.pop("request", None)
    config = flat.get("config")
    if isinstance(config, dict) and isinstance(config.get("train"), dict):
        flat["config"] = {**config, "train": {**config["train"], "seed": None}}
    return flat


def open_experiment(folder: Path) -> Experiment:
    """What was begun in a folder.

    Raises:
        ArtifactError: its job.json is missing, damaged or of another version.
    """
    path = folder / JOB
    values = _read_values(path)
    try:
        if values is None or values["version"] != VERSION:
            raise ValueError("none, or of another version")
        request = {**values["request"], "name": folder.name, "runs": str(folder.parent)}
        return Experiment(
            TypeAdapter(Request).validate_json(json.dumps(request)),
            TypeAdapter(tuple[str | None, ...]).validate_python(tuple(values["folds"])),
            TypeAdapter(tuple[int, ...]).validate_python(tuple(values["seeds"])),
            str(values["data"]),
            str(values.get("teachers", "")),
        )
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise ArtifactError(
            f"{path}: is damaged or of another version of wsnet; start anew"
        ) from error


def _read_values(path: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def clear_runs(folder: Path) -> None:
    """Delete what runs wrote in a folder, by itself or as several."""
    runs = [path for path in folder.iterdir() if _RUN_NAME.fullmatch(path.name)]
    for path in (folder, *(run for run in runs if run.is_dir() and not run.is_symlink())):
        delete_written(path)
        if path != folder:
            with contextlib.suppress(OSError):
                path.rmdir()  # stays where something else is in it

"""The resume file `last.safetensors`: the whole state of a run in one atomic, checked file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...core.configuration.config import Config
from ...core.errors import TrainingError
from ...core.files import write_atomic
from ...core.model_file.container import pack, read_container, unpack
from ...core.quoting import bare
from ..team.team import Team
from .trainer import EpochRow, State, Trainer

KIND = "resume"
VERSION = 2


def save_checkpoint(
    path: Path, trainer: Trainer, rows: list[EpochRow], identity: dict[str, Any]
) -> None:
    """Write the state of `trainer`, the epochs so far, and what the run is.

    Args:
        path: the file.
        trainer: between two steps.
        rows: of metrics.csv.
        identity: what must be the same when the run is resumed; see `load_checkpoint`.
    """
    arrays, values = trainer.state()
    metadata = {
        "kind": KIND,
        "version": VERSION,
        "identity": identity,
        "rows": [asdict(row) for row in rows],
        **values,
    }
    write_atomic(path, pack(arrays, metadata))


@dataclass(frozen=True)
class Saved:
    """What a resume file holds: arrays, values for JSON, and the epochs that were planned."""

    arrays: State
    values: dict[str, Any]
    epochs: int


def read_checkpoint(path: Path, identity: dict[str, Any], team: Team | None = None) -> Saved:
    """Read a resume file and check that it belongs to this run.

    Args:
        path: the file.
        identity: what must be as it was; `train.epochs` may be larger. A key of the configuration
            that was not there yet when the file was written had its default.
        team: its first process reads the file, and the others get its bytes.

    Raises:
        ArtifactError: missing, cut or altered.
        TrainingError: it is of another version, or a value of `identity` differs, which is named.
    """
    team = team or Team()
    content = read_container(path, "the resume file of a run") if team.rank == 0 else None
    arrays, metadata = unpack(team.share(content), str(path))
    if metadata.get("kind") != KIND or metadata.get("version") != VERSION:
        raise TrainingError(f"{path}: is no resume file of this version of wsnet; start a new run")
    saved = metadata.get("identity", {})
    epochs, now = saved.get("train", {}).get("epochs"), identity.get("train", {}).get("epochs")
    if isinstance(epochs, int) and isinstance(now, int) and now < epochs:
        raise TrainingError(
            f"{path}: train.epochs was {epochs} and is now {now}; expected as many or more to "
            "resume: start a new run instead"
        )
    _check_equal(
        _without_epochs(_completed(saved)), _without_epochs(_completed(identity)), f"{path}: "
    )
    return Saved(arrays, metadata, epochs if isinstance(epochs, int) else 0)


def _completed(identity: dict[str, Any]) -> dict[str, Any]:
    """With the defaults of what is missing of a configuration; as it is where it is none."""
    sections = {name: identity[name] for name in Config.model_fields if name in identity}
    try:
        config = Config.model_validate(sections, strict=False)
    except ValidationError:
        return identity
    return {**identity, **config.model_dump(mode="json", include=set(sections))}


def _without_epochs(identity: dict[str, Any]) -> dict[str, Any]:
    train = identity.get("train")
    if not isinstance(train, dict):
        return identity
    return {**identity, "train": {k: v for k, v in train.items() if k != "epochs"}}


def _check_equal(saved: dict[str, Any], now: dict[str, Any], name: str) -> None:
    """Refuse the first value that differs, by its full name: `<file>: train.lr was ...`."""
    for key in (*now, *(key for key in saved if key not in now)):
        before, value = saved.get(key), now.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            _check_equal(before, value, f"{name}{key}.")
        elif before != value:
            raise TrainingError(
                f"{name}{key} was {bare(before)} and is now {bare(value)}; "
                "expected the same to resume: start a new run instead"
            )

"""What `wsnet train` and `wsnet sweep` are asked for, checked before torch is imported."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.configuration.presets import DEFAULT_PRESET
from ...core.errors import UsageError
from ...core.files import exists
from ...core.quoting import shown

if TYPE_CHECKING:
    import typer

    from ...core.configuration.config import Config

FEWEST_CLASSES = 2
"""What can be built for two classes can be built for more."""
BESIDE_RESUME = frozenset(
    [
        *("data", "resume", "epochs", "max_hours", "device", "jobs", "tensorboard"),
        *("json", "quiet", "verbose", "debug"),
    ]
)
"""Parameters of `wsnet train` that a run that has begun may be given."""


def check_config(
    config: str, overrides: list[str], start: str | None, teachers: list[str] | None
) -> Config:
    """Read a configuration; refuse a network that cannot be built before any clip is decoded."""
    from ...core.configuration.config_file import load_config
    from ...core.configuration.settings import audio_settings
    from ...core.locate import find_model
    from ...core.model_file.artifact import load_model
    from ...core.networks.architectures import build_network
    from ...core.starting import config_beside

    models: dict[str, object] = {"start": start} if start is not None else {}
    if teachers:
        models["train.distill.teachers"] = teachers
    # Nobody asked for the network of the default preset, or for that of a file's base.
    unasked = ("audio", "network") if start is not None else ()
    without = unasked if config == DEFAULT_PRESET else ()
    checked = load_config(config, overrides, models, without, unasked)
    if checked.start is not None:
        return config_beside(checked, load_model(find_model(checked.start)))
    n_samples = audio_settings(checked.audio).window_samples
    build_network(checked.network, FEWEST_CLASSES, n_samples)
    return checked


def check_data(data: Path | None) -> Path:
    """Say at once what would otherwise be said after seconds of importing torch."""
    if data is None:
        raise UsageError("DATA is missing; expected a folder with a sub-folder per class")
    if not exists(data):
        raise UsageError(f"{data}: no such folder or manifest; expected the data to train on")
    place = os.path.abspath(data)  # noqa: PTH100 - Path.resolve would follow links
    if place.encode("utf-8", "replace").decode() != place:
        raise UsageError(
            f"{shown(place)}: is no UTF-8, so that a run cannot keep where its data is; rename it, "
            "or give a link to it whose whole path is"
        )
    return data


def check_layout(layout: str | None, pattern: str | None) -> None:
    """Refuse a layout or a pattern that makes no sense."""
    from ...data.layouts.known import wanted_layout

    wanted_layout(layout, pattern)


def run_name(config: str) -> str:
    """The name of a preset or configuration file, as far as it can be that of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(config).stem).lstrip(".-") or "run"


def refuse_beside_resume(context: typer.Context) -> None:
    """Refuse what was settled when the run began.

    Raises: UsageError: an option that a run that has begun does not take.
    """
    flags = [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name not in BESIDE_RESUME and is_given(context, parameter.name)
    ]
    if flags:
        them = "it" if len(flags) == 1 else "them"
        raise UsageError(
            f"--resume: {', '.join(flags)} cannot change in the middle of a run; leave {them} out, "
            "or start a new run"
        )


def is_given(context: typer.Context, name: str | None) -> bool:
    """Whether a parameter was typed."""
    source = None if name is None else context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"

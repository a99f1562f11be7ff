"""What a configuration file says, laid over the preset that it is based on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import explain_os_errors
from ..quoting import quoted
from .yamlfile import load_yaml

BASE = "base"
"""The key that names a preset, whose keys stand where the file itself says nothing."""
_OWN = ("description",)
"""Keys that speak of one file alone."""


@dataclass(frozen=True)
class ConfigTree:
    """Keys and values as they were read, not yet checked.

    Args:
        values: by key, sections within.
        places: file and line of each key, by its path.
    """

    values: dict[str, Any]
    places: dict[tuple[int | str, ...], str]


def read_tree(text: str, where: str, presets: Path, without: Iterable[str] = ()) -> ConfigTree:
    """The keys of a configuration in YAML and, where it names a `base`, of that preset below them.

    Sections are laid over sections key by key; all else, lists too, replaces what the base has.
    Where the file asks for another architecture, nothing is left of the sampling of the base.

    Args:
        text: of the file.
        where: names it in messages.
        presets: folder of the files that a base may be; looked into where there is a base.
        without: sections of the base that are left out.

    Raises: ConfigError: it is no YAML or no mapping, or its base is no preset.
    """
    own = _parse(text, where)
    if BASE not in own.values:
        return own
    preset = _find(own.values.pop(BASE), own.places.get((BASE,), where), presets)
    with explain_os_errors("read", preset):
        below = _parse(preset.read_text(encoding="utf-8"), str(preset))
    for key in (*_OWN, *without):
        below.values.pop(key, None)
    _drop_sampling(own.values, below.values)
    return ConfigTree(_lay(own.values, below.values), below.places | own.places)


def _parse(text: str, where: str) -> ConfigTree:
    document = load_yaml(text, where)
    values = {} if document.value is None else document.value
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: is no mapping; expected keys such as network and train")
    return ConfigTree(values, {path: f"{where}:{line}" for path, line in document.lines.items()})


def _find(name: object, place: str, presets: Path) -> Path:
    by_name = {path.stem: path for path in sorted(presets.glob("*.yaml"))}
    if isinstance(name, str) and name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(str(name), by_name, n=3, cutoff=0.3) or list(by_name)
    raise ConfigError(
        f"{place}: {BASE} = {quoted(name)}: no such preset; expected the name of one that ships, "
        f"such as {', '.join(near[:3])}"
    )


def _drop_sampling(upper: dict[str, Any], lower: dict[str, Any]) -> None:
    """Another architecture has other layers, even where their names are the same."""
    own, below = upper.get("network"), lower.get("network")
    if not isinstance(own, dict) or not isinstance(below, dict) or "architecture" not in own:
        return
    if own["architecture"] != below.get("architecture"):
        below.pop("sampling", None)


def _lay(upper: dict[str, Any], lower: dict[str, Any]) -> dict[str, Any]:
    """Both, where they meet `upper`, and in sections that both have the same again."""
    laid = dict(lower)
    for key, value in upper.items():
        below = lower.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = _lay(value, below)
        laid[key] = value
    return laid

"""Presets and run configurations: found by name or path, read, overridden, checked, written."""

from __future__ import annotations

import contextlib
import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ConfigError, UsageError
from ..files import explain_os_errors
from ..quoting import bare, quoted
from .config import FROM_DATA, Config, NetworkSamplingConfig, SamplingConfig
from .config_base import BASE, read_tree
from .presets import preset_folder, preset_names
from .yamlfile import FLOAT, load_yaml, parse_scalar

MAX_CONFIG_BYTES = 1_000_000
"""A configuration is a page of text; anything larger is not one."""


def find_config(name_or_path: str, models: Iterable[str] = ()) -> Path:
    """The file of a preset's name, or the path itself.

    Args:
        name_or_path: of the preset or file.
        models: names of models, where one could be meant too.

    Raises:
        UsageError: neither; the message offers the nearest preset names, and the models.
    """
    if name_or_path in preset_names():
        return preset_folder() / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    with contextlib.suppress(OSError):  # a name that is too long to be a file
        if path.is_file():
            return path
    if path.suffix or path.name != name_or_path:  # no name of a preset that was mistyped
        offered = "`wsnet info` lists all presets"
    else:
        near = difflib.get_close_matches(name_or_path, preset_names(), n=3, cutoff=0.3)
        names = ", ".join(near or preset_names())
        offered = f"did you mean {names}? `wsnet info` lists all" if near else f"presets: {names}"
    ships = f"; models that ship: {', '.join(models)}" if models else ""
    raise UsageError(f"{name_or_path}: no such preset or file; {offered}{ships}")


def load_config(
    name_or_path: str,
    settings: Iterable[str] = (),
    values: Mapping[str, object] | None = None,
    without: Iterable[str] = (),
    without_of_base: Iterable[str] = (),
) -> Config:
    """Read a preset or configuration file, over its base, and lay `key.sub=value` settings over it.

    Args:
        name_or_path: of the preset or file.
        settings: texts, read as YAML reads a plain word.
        values: by key, taken as they are; laid over the settings.
        without: sections of the file that are left out, so that settings alone fill them.
        without_of_base: likewise, of its base.

    Raises:
        UsageError: there is no such preset or file.
        ConfigError: an unknown key, a wrong type or a value out of range; the message names the
            file and line (or the setting), the key, the value and what is allowed.
    """
    path = find_config(name_or_path)
    with explain_os_errors("read", path):
        content = path.read_bytes()
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: is {len(content)} bytes; expected a configuration in YAML")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; expected a configuration in YAML") from error
    return parse_config(text, str(path), settings, values, without, without_of_base)


def parse_config(
    text: str,
    where: str,
    settings: Iterable[str] = (),
    values: Mapping[str, object] | None = None,
    without: Iterable[str] = (),
    without_of_base: Iterable[str] = (),
) -> Config:
    """Like `load_config`, from text; `where` names it in messages."""
    read = read_tree(text, where, preset_folder(), without_of_base)
    tree, places = read.values, read.places
    for section in without:
        tree.pop(section, None)
    for setting in settings:
        places[_apply_setting(tree, setting)] = f"--set {setting}"
    for key, value in (values or {}).items():
        places[_put(tree, key, value, key)] = key
    try:
        config = Config.model_validate(tree)
        _check_validation(config, places, where)
        left = tuple(word for word in config.from_data if not _is_set(tree, word))
        return config.model_copy(update={"from_data": left})
    except ValidationError as error:
        raise ConfigError(_explain(error.errors()[0], tree, places, where)) from error


def _check_validation(
    config: Config, places: Mapping[tuple[int | str, ...], str], where: str
) -> None:
    """Refuse a choice of epochs by a validation part that there is not: it would do nothing."""
    train = config.train
    for key, asked in (("keep", train.keep == "best"), ("patience", train.patience > 0)):
        if asked and not train.validation:
            place = places.get(("train", key), where)
            raise ConfigError(
                f"{place}: train.{key} = {getattr(train, key)!r} without a validation part; "
                "expected train.validation above 0, such as 0.2"
            )


class _Dumper(yaml.SafeDumper):
    """Quotes what would read back as another text: a word like 1e3, or odd line breaks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))
_Dumper.add_representer(str, _represent_text)


def dump_config(config: Config) -> str:
    """The whole configuration, defaults included, as YAML that `load_config` reads back equal.

    No defaults stand for what is left to the data.
    """
    values = config.model_dump()
    for key in (key for word in config.from_data for key in FROM_DATA[word]):
        section, name = key.split(".")
        values[section].pop(name, None)  # a run that starts from a model tells of no network
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _is_set(tree: Mapping[str, Any], word: str) -> bool:
    """Whether a key that a word of `from_data` stands for has a value."""
    keys = (key.split(".") for key in FROM_DATA[word])
    return any(name in (tree.get(section) or {}) for section, name in keys)


def _apply_setting(values: dict[str, Any], setting: str) -> tuple[str, ...]:
    """Lay one setting over the values; return where it went."""
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {setting}: expected key=value, for instance train.lr=1e-3")
    where = f"--set {setting}"
    if key == BASE:
        raise UsageError(f"{where}: {BASE} stands in a file; give -c {text} instead")
    is_list = text.startswith("[") and text.endswith("]")
    return _put(values, key, load_yaml(text, where).value if is_list else parse_scalar(text), where)


def _put(values: dict[str, Any], key: str, value: object, where: str) -> tuple[str, ...]:
    """Put a value at a key such as `train.lr`; return where it went."""
    *parents, last = key.split(".")
    for parent in parents:
        inner = values.get(parent)
        if inner is None:
            inner = values[parent] = {}
        if not isinstance(inner, dict):
            raise ConfigError(f"{where}: {parent} = {inner} is a value, not a section")
        values = inner
    values[last] = value
    return (*parents, last)


def _explain(
    error: ErrorDetails,
    values: Mapping[str, Any],
    places: Mapping[tuple[int | str, ...], str],
    where: str,
) -> str:
    """One line for the first thing that pydantic refused."""
    path = known_path(error["loc"], values)
    key = ".".join(bare(part) for part in path)
    place = places.get(path) or _setting_below(path, places) or where
    if error["type"] == "extra_forbidden":
        names = _keys_allowed(path[:-1])
        return f"{place}: {key}: unknown key; {_hint(path, names)}"
    if error["type"] == "missing":
        return f"{place}: {key}.{error['loc'][-1]} is missing; add it"
    return f"{place}: {key} = {quoted(error['input'])}; expected {_expected(error, path)}"


def _hint(path: tuple[int | str, ...], names: list[str]) -> str:
    """What may have been meant by an unknown key, with the sections it lies in."""
    last, above = str(path[-1]), [str(part) for part in path[:-1]]
    elsewhere = [] if above else [n for n in _sections() if last in _keys_allowed((n,))]
    if elsewhere:
        return f"did you mean {' or '.join(f'{section}.{last}' for section in elsewhere)}?"
    if near := difflib.get_close_matches(last, names, n=1):
        return f"did you mean {'.'.join([*above, near[0]])}?"
    return f"expected one of {', '.join(names)}"


def _sections() -> list[str]:
    """The keys of a configuration that hold keys themselves."""
    fields = Config.model_fields.items()
    return [name for name, field in fields if _model_in(field.annotation)]


def _setting_below(
    path: tuple[int | str, ...], places: Mapping[tuple[int | str, ...], str]
) -> str | None:
    """The setting that brought in a section, which no line of the file holds."""
    inside = (place for key, place in places.items() if key[: len(path)] == path)
    return next((place for place in inside if place.startswith("--set")), None) if path else None


def _expected(error: ErrorDetails, path: tuple[int | str, ...]) -> str:
    if error["type"] == "model_type":
        section = f"a section with keys such as {', '.join(_keys_allowed(path)[:3])}"
        return f"dense or {section}" if "layers" in path else section
    words = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return (
        words.replace("a valid boolean", "true or false")
        .replace("a valid tuple", "a list")
        .replace("a valid integer", "an integer")
        .replace("a valid ", "a ")
    )


def known_path(location: Sequence[int | str], values: Any) -> tuple[int | str, ...]:
    """The part of pydantic's location that stands in the document; unions add words."""
    path: list[int | str] = []
    for part in location:
        if isinstance(values, dict) and part in values:
            values = values[part]
            path.append(part)
    return tuple(path)


def _keys_allowed(path: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in path:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        layer = model is NetworkSamplingConfig and not field  # a layer's name, below `layers`
        model = SamplingConfig if layer else inner or model
    return [*model.model_fields, *([] if path else [BASE])]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The section class within an annotation such as `Section | None`."""
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    classes = (c for c in candidates if inspect.isclass(c) and not get_args(c))
    return next((c for c in classes if issubclass(c, BaseModel)), None)

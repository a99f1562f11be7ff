"""Reading YAML safely and without its surprises.

PyYAML's safe loader still turns `no` into False, `1e-3` into a string and `12:30` into 750, takes
the last of two equal keys, and expands aliases without bound. Here a plain scalar is null, true,
false, a decimal integer, a float or a string; equal keys, aliases and tags are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from ..errors import ConfigError
from ..quoting import MOST_QUOTED, quoted

Path = tuple[str | int, ...]
"""Where a value stands: the keys and list positions that lead to it."""

MAX_DEPTH = 32
"""Lists and mappings within one another; a configuration has five."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {"": None, "null": None, "~": None, "true": True, "false": False}


@dataclass(frozen=True)
class YamlDocument:
    """A parsed document and the line, counted from 1, on which each of its values stands."""

    value: object
    lines: dict[Path, int]


def load_yaml(text: str, where: str) -> YamlDocument:
    r"""Parse one YAML document.

    Raises:
        ConfigError: the text is no YAML, or holds equal keys, aliases or tags; the message begins
            with `where` and the line.

    >>> load_yaml("lr: 1e-3\nname: no", "x.yaml").value
    {'lr': 0.001, 'name': 'no'}
    """
    try:
        _refuse_aliases_and_tags(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "nested too deeply or not text"
        raise ConfigError(f"{where}{line}: not valid YAML: {problem[:MOST_QUOTED]}") from error
    lines: dict[Path, int] = {}
    value = _construct(node, (), where, lines) if node is not None else None
    return YamlDocument(value, lines)


def _refuse_aliases_and_tags(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:  # reading on takes time that grows with the square of it
            raise ValueError
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(
                f"{where}:{line}: anchors and aliases are not allowed; repeat the value"
            )
        tag = getattr(event, "tag", None)
        if tag:
            raise ConfigError(
                f"{where}:{line}: tag {quoted(tag)} is not allowed; write a plain value"
            )


def _construct(node: yaml.Node, path: Path, where: str, lines: dict[Path, int]) -> object:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, where, lines))
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, i), where, lines) for i, item in enumerate(node.value)]
    _require_unicode(node, where)
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return parse_scalar(node.value) if plain else node.value


def _require_unicode(node: yaml.Node, where: str) -> None:
    """Refuse half characters, which escapes can make and no file can hold."""
    if any("\ud800" <= character <= "\udfff" for character in node.value):
        line = node.start_mark.line + 1
        raise ConfigError(
            f"{where}:{line}: {quoted(node.value)} is not Unicode; expected whole characters"
        )


def _pairs(
    node: yaml.MappingNode, path: Path, where: str, lines: dict[Path, int]
) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(f"{where}:{line}: a key is a list or mapping; expected a word")
        _require_unicode(key_node, where)
        key = str(key_node.value)
        if key in seen:
            raise ConfigError(f"{where}:{line}: key {quoted(key)} stands twice; keep one of them")
        seen.add(key)
        yield key, _construct(value_node, (*path, key), where, lines)
        lines[(*path, key)] = line


def parse_scalar(text: str) -> object:
    """The value of an unquoted word: null, a boolean, an integer, a float, else the text itself.

    >>> [parse_scalar(word) for word in ("8", "1e-3", "0123", "yes", "true", "")]
    [8, 0.001, '0123', 'yes', True, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 20 else text
    if FLOAT.fullmatch(text):
        return float(text)
    return text

"""Naming schemes: what a file's name says of its clip, by a pattern such as `{label}_{group}_{n}`.

A pattern is text with fields in braces. Without a slash it is compared with a file's name without
its suffix, in whatever folder the file lies; with slashes, with the whole path below the data
set's folder, part by part. A field stands for one or more characters within one part. Nothing of a
pattern is ever run or read as a regular expression.

The fields `label`, `group`, `fold` and `split` say what they say in a manifest; every other name
is passed over. Such a one may choose parts by its values, ranges of numbers or words:
in `{n:test=0-4;validation=5,6}` those clips are for testing and for validation, and all others
for training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...core.errors import DataError, UsageError
from ...core.quoting import quoted, shown
from ..clips import Clip
from ..dataset import Failure, clean_label
from .layout import Findings
from .manifest import fold_name, split_word
from .paths import Root
from .rows import misspelt
from .walk import audio_files

FIELDS = ("label", "group", "fold", "split")
"""The fields that mean something."""
EXAMPLE = "{label}_{group}_{index}"

_TOKEN = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


@dataclass(frozen=True)
class _Part:
    """What stands between two slashes: fields, and the text before, between and after them."""

    texts: tuple[str, ...]
    fields: tuple[str, ...]

    def read(self, name: str) -> dict[str, str]:
        first = _ends(self.texts, name)
        backwards = tuple(text[::-1] for text in reversed(self.texts))
        last = _ends(backwards, name[::-1])
        if first is None or last is None:
            raise DataError("does not fit the pattern")
        last = [value[::-1] for value in reversed(last)]
        # The shortest first fields and the longest: if they agree, there is no other way.
        for field, one, other in zip(self.fields, first, last, strict=True):
            if one != other:
                raise DataError(
                    f"fits the pattern in more than one way: {field} is {quoted(one)} or "
                    f"{quoted(other)}"
                )
        return dict(zip(self.fields, first, strict=True))


@dataclass(frozen=True)
class Pattern:
    """A pattern that was understood; made by `parse_pattern`."""

    text: str
    parts: tuple[_Part, ...]
    chooser: str | None
    choices: tuple[tuple[str, str], ...]

    def read(self, name: str) -> dict[str, str]:
        """Return the value of each field for a file's relative name.

        >>> parse_pattern("{label}_{group}_{n:test=0-4}").read("set/7_jackson_3.wav")
        {'label': '7', 'group': 'jackson', 'n': '3', 'split': 'test'}

        Raises:
            DataError: a reason without place: the name does not fit, or fits in several ways.
        """
        path = PurePosixPath(name)
        parts = path.with_suffix("").parts if len(self.parts) > 1 else (path.stem,)
        if len(parts) != len(self.parts):
            raise DataError("does not fit the pattern")
        values: dict[str, str] = {}
        for part, found in zip(self.parts, parts, strict=True):
            values |= part.read(found)
        if self.chooser is not None:
            values["split"] = self._chosen(values[self.chooser])
        return values

    def clip(self, root: Root, name: str) -> Clip:
        """Make the clip of a file.

        Raises:
            DataError: as `read`, or a field holds what it cannot mean.
        """
        values = self.read(name)
        return Clip(
            Path(root.path, name),
            name,
            clean_label(values["label"]),
            fold=fold_name(values["fold"]) if "fold" in values else None,
            split=split_word(values["split"]) if "split" in values else None,
            group=values.get("group"),
        )

    def _chosen(self, value: str) -> str:
        fitting = (split for split, wanted in self.choices if _is_among(value, wanted))
        return next(fitting, "train")


def parse_pattern(text: str) -> Pattern:
    """Understand a pattern.

    Raises:
        UsageError: no field `label`, a field twice, two fields without text between them, a stray
            brace, or a choice of parts that says nothing.
    """
    pieces = text.replace("\\", "/").strip("/").split("/")
    fields: list[str] = []
    choice: tuple[str, str] | None = None
    parts = []
    for piece in pieces:
        tokens = _TOKEN.split(piece)
        here = []
        for token in tokens[1::2]:
            name, colon, wanted = token.partition(":")
            _check_field(text, name, fields)
            if colon:
                if choice or name in FIELDS:
                    raise _bad(
                        text,
                        f"{{{token}}}: only one field, with a name of its own, can choose parts",
                    )
                choice = name, wanted
            fields.append(name)
            here.append(name)
        parts.append(_part(text, tokens[::2], here))
    if "label" not in fields:
        raise _bad(text, "no field {label}")
    if "fold" in fields and ("split" in fields or choice):
        raise _bad(text, "both folds and parts; expected one of them")
    if "split" in fields and choice:
        raise _bad(text, "{split} and a field that chooses parts; expected one of them")
    if choice is None:
        return Pattern(text, tuple(parts), None, ())
    return Pattern(text, tuple(parts), choice[0], tuple(_choices(text, choice[1])))


def read_pattern(pattern: Pattern, root: Root, found: Findings) -> Iterator[Clip]:
    """Yield a clip for every audio file below the root whose name fits; the others are skipped.

    Raises:
        DataError: there are audio files, but none fits.
    """
    n_clips = n_others = 0
    example = "", ""
    for name in audio_files(root, "", found.skipped):
        try:
            clip = pattern.clip(root, name)
        except DataError as error:
            example = min(example, (name, str(error))) if n_others else (name, str(error))
            n_others += 1
            found.skipped.append(Failure(name, str(error)))
            continue
        n_clips += 1
        yield clip
    if n_others and not n_clips:
        raise DataError(
            f"{shown(root.path)}: none of {n_others} audio files can be read by the pattern "
            f"{quoted(pattern.text)}: {shown(example[0])} {example[1]}"
        )
    if n_others:
        found.notes.append(
            f"{n_others} of {n_others + n_clips} audio files cannot be read by the pattern"
        )


def _is_among(value: str, wanted: str) -> bool:
    """Tell whether a value is the one that is wanted; numbers compare as numbers.

    >>> _is_among("007", "5-10"), _is_among("007", "7"), _is_among("7b", "5-10")
    (True, True, False)
    """
    bounds = _RANGE.fullmatch(wanted)
    if bounds is None or not _NUMBER.fullmatch(value):
        return value == wanted
    return int(bounds[1]) <= int(value) <= int(bounds[2] or bounds[1])


def _ends(texts: tuple[str, ...], name: str) -> list[str] | None:
    """Return the values between the texts, each as short as it can be from the left on."""
    if not name.startswith(texts[0]):
        return None
    start, values = len(texts[0]), []
    for i, text in enumerate(texts[1:], start=1):
        if i == len(texts) - 1:
            end = len(name) - len(text) if name.endswith(text) else -1
        else:
            end = name.find(text, start + 1)
        if end <= start:
            return None
        values.append(name[start:end])
        start = end + len(text)
    return values if start == len(name) else None


def _part(text: str, texts: list[str], fields: list[str]) -> _Part:
    stray = next((piece for piece in texts if "{" in piece or "}" in piece), None)
    if stray is not None:
        raise _bad(text, f"a brace without its other one at {quoted(stray)}")
    if "" in texts[1:-1]:
        raise _bad(text, "two fields without text between them")
    if texts == [""]:
        raise _bad(text, "an empty part between slashes")
    return _Part(tuple(texts), tuple(fields))


def _check_field(text: str, name: str, earlier: list[str]) -> None:
    if not _NAME.fullmatch(name):
        raise _bad(text, f"field {quoted(name)}: expected letters, digits and underscores")
    if name in earlier:
        raise _bad(text, f"field {{{name}}} stands there twice")
    if name not in FIELDS and (meant := misspelt(name, FIELDS)):
        raise _bad(text, f"unknown field {{{name}}}; did you mean {{{meant}}}?")


def _choices(text: str, wanted: str) -> Iterator[tuple[str, str]]:
    for choice in wanted.split(";"):
        word, equals, values = choice.partition("=")
        try:
            split = split_word(word.strip())
        except DataError as error:
            raise _bad(text, str(error)) from None
        listed = [value.strip() for value in values.split(",")]
        if not equals or split == "train" or not all(listed):
            raise _bad(
                text,
                f"{quoted(choice)}; expected values for test or validation, as in test=0-4 or "
                "test=ann,bob; the others are trained on",
            )
        for value in listed:
            yield split, value


def _bad(text: str, reason: str) -> UsageError:
    return UsageError(f"--pattern {quoted(text)}: {reason}; an example: '{EXAMPLE}'")

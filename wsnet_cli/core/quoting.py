"""What someone else wrote, told in a message that stays one line."""

from __future__ import annotations

import reprlib

MOST_QUOTED = 120
"""Letters of a value in a message, at most."""

_REPR = reprlib.Repr()  # it never looks at more of a value than it tells
_REPR.maxstring = _REPR.maxother = MOST_QUOTED
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 20
_REPR.maxlevel = 3


def shown(value: object) -> str:
    r"""A path or a name as it can be printed: whole, on one line, free of control characters.

    >>> print(shown("bird é\n.wav"))
    bird é\n.wav
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def quoted(value: object) -> str:
    """A value as Python writes it, at most MOST_QUOTED letters, on one line whatever it holds.

    >>> quoted("a"), len(quoted("x" * 1_000_000)), quoted([5] * 100)[-7:]
    ("'a'", 120, '5, ...]')
    """
    text = shown(_REPR.repr(value))
    return text if len(text) <= MOST_QUOTED else f"{text[: MOST_QUOTED - 3]}..."


def bare(value: object) -> str:
    r"""A value without quotes where it can be read without, else `quoted`.

    >>> bare("layer-1"), bare("a\n"), bare("")
    ('layer-1', "'a\\n'", "''")
    """
    text = str(value)
    return text if text.isprintable() and 0 < len(text) <= MOST_QUOTED else quoted(value)

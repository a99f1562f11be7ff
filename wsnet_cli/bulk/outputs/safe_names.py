"""Names of files and folders made of text from anywhere: they never lead out of their folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import PurePath

_LONGEST = 180
"""Bytes of a part; systems allow some 255, and suffixes come behind."""

_UNSAFE = frozenset('<>:"/\\|?*%')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE | re.ASCII)


def safe_part(text: str) -> str:
    """One part of a path: different for different texts, and the text itself where that is safe.

    What some system refuses or takes for more than a name (separators, control characters, a dot or
    a space at an end, names of devices) is written as in URLs, `%` and two hexadecimal digits for
    each byte; `%` itself too. A part that is too long is cut and ends with a digest of the whole.

    >>> safe_part("dog bark"), safe_part("../x"), safe_part("a/b"), safe_part("100%")
    ('dog bark', '%2E.%2Fx', 'a%2Fb', '100%25')
    """
    letters = [_quoted(x) if x in _UNSAFE or not x.isprintable() else x for x in text]
    if letters and (text[0] in ". " or _DEVICES.fullmatch(text)):
        letters[0] = _quoted(text[0])
    if letters and text[-1] in ". ":
        letters[-1] = _quoted(text[-1])
    part = "".join(letters) or "%"
    content = part.encode("utf-8")
    if len(content) <= _LONGEST:
        return part
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{content[:_LONGEST].decode('utf-8', 'ignore')}%{digest}"


class MirroredNames:
    """Where to put what belongs to each of some files: their folders without what all share.

    Args:
        names: of all of them.

    >>> names = MirroredNames(["/data/rec/a/1.wav", "/data/rec/b/1.wav"])
    >>> names.place("/data/rec/b/1.wav").as_posix()
    'b/1.wav'
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._shared: list[str] | None = None
        latest = None
        for name in names:
            folder = os.path.dirname(name)  # noqa: PTH120 - no path is made for each of many
            if folder != latest:
                latest = folder
                self._share(list(PurePath(folder).parts))

    def place(self, name: str) -> PurePath:
        """A relative path, different for different names, which stays in its folder."""
        parts = PurePath(name).parts[len(self._shared or ()) :]
        return PurePath(*(safe_part(part) for part in parts))

    def _share(self, parts: list[str]) -> None:
        if self._shared is None:
            self._shared = parts
        n = 0
        while n < min(len(parts), len(self._shared)) and parts[n] == self._shared[n]:
            n += 1
        del self._shared[n:]


def _quoted(letter: str) -> str:
    try:
        content = os.fsencode(letter)
    except UnicodeEncodeError:
        content = letter.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in content)
